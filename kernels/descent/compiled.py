"""The loops of the descent methods compiled whole: no Python in an iteration."""

from functools import cache
from typing import Any

import numpy as np
from numba import get_num_threads
from numba.extending import overload, register_jitable

from kernels.descent.steps import BATCH, STEPS, descent, lanczos
from kernels.descent.stopping import judge
from kernels.one_pass.compile import compiled
from kernels.one_pass.passes import (
    THREADED,
    _finished,
    _one_pass,
    _padded,
    aligned,
    gradient_by,
    kernel_for,
    threaded_gradient_by,
)
from kernels.one_pass.threads import has_threads
from kernels.problem import Array

register_jitable(judge)

# Part of the loop that is compiled and cached by its numbers, see `_descent`.
_inner = compiled(cache=False)


class CompiledLoops:
    """As `kernels.descent.loops.Loops`, for the numba way."""

    def __init__(self, X: Array, y: Array, alpha: float) -> None:
        self._kernel, self._threaded = kernel_for(X), X.nbytes >= THREADED
        self._data = X, y, alpha, 2 / len(y)
        zeros = np.zeros_like(y)
        zeros.flags.writeable = False  # as y is: Numba compiles for either
        self._zeros = X, zeros, alpha, 2 / len(y)

    def descent(self, step: int, state: tuple[Any, ...], *, homogeneous: bool = False) -> int:
        data = self._zeros if homogeneous else self._data
        run = _descent_by(step, self._kernel, self._threaded, self._parallel())
        verdict: int = run((*data, get_num_threads()), state)
        return verdict

    def _parallel(self) -> bool:
        return self._threaded and has_threads()

    def lanczos(self, *state: Any) -> int:
        run = _lanczos_by(self._kernel, self._threaded, self._parallel())
        reached: int = run((*self._zeros, get_num_threads()), state)
        return reached


@cache
def _descent_by(step: int, kernel: int, threaded: bool, parallel: bool) -> Any:
    """Return the compiled loop over a step. Its closure holds numbers only: so it can be cached."""

    @compiled
    def run(data, state):
        return _descent(step, kernel, threaded, parallel, data, state)

    return run


@cache
def _lanczos_by(kernel: int, threaded: bool, parallel: bool) -> Any:
    @compiled
    def run(data, state):
        return _lanczos(kernel, threaded, parallel, data, state)

    return run


def _descent(step, kernel, threaded, parallel, data, state):
    """The loop by its numbers; for compiled code only."""
    raise NotImplementedError


@overload(_descent, prefer_literal=True)
def _descent_by_name(step, kernel, threaded, parallel, data, state):
    evaluators = _evaluators(kernel.literal_value, threaded.literal_value, parallel.literal_value)
    loop = _inner(descent(_inner(STEPS[step.literal_value](*evaluators))))

    def run(step, kernel, threaded, parallel, data, state):
        return loop(data, state)

    return run


def _lanczos(kernel, threaded, parallel, data, state):
    """The Lanczos process by its numbers; for compiled code only."""
    raise NotImplementedError


@overload(_lanczos, prefer_literal=True)
def _lanczos_by_name(kernel, threaded, parallel, data, state):
    evaluators = _evaluators(kernel.literal_value, threaded.literal_value, parallel.literal_value)
    process = _inner(lanczos(*evaluators))

    def run(kernel, threaded, parallel, data, state):
        return process(data, state)

    return run


@cache
def _evaluators(kernel: int, threaded: bool, parallel: bool) -> tuple[Any, Any]:
    """Return the two functions that a step is made of: f on all rows, and on a block of rows."""
    gradient = threaded_gradient_by(kernel, parallel) if threaded else gradient_by(kernel)

    @_inner
    def evaluate(data, w, g):
        X, y, alpha, scale, parts = data
        squares = gradient(X, y, alpha, scale, parts, w, g)
        if squares == -1:  # w is not finite
            return w.dtype.type(np.inf)
        return squares * w.dtype.type(scale / 2)

    @_inner
    def evaluate_block(data, w, g, block):
        X, y, alpha, _, _ = data
        low, high = block * BATCH, min(X.shape[0], (block + 1) * BATCH)
        width = _padded(w.size, w)
        padded, sums = aligned(width, w), aligned(width, w)
        padded[: w.size] = w
        squares = _one_pass(kernel, X, y, padded, sums, low, high)
        blocks = (X.shape[0] + BATCH - 1) // BATCH
        _finished(squares, sums, width, 1, w, g, alpha / blocks, 2 * blocks / X.shape[0])

    return evaluate, evaluate_block

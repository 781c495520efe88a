"""The loops of the descent methods compiled whole: no Python in an iteration."""

from functools import cache
from typing import Any

import numpy as np
from numba.extending import overload, register_jitable

from kernels.descent.steps import BATCH, STEPS, Lanczos, State, descent, lanczos
from kernels.descent.stopping import Verdict, judge
from kernels.one_pass.buffers import aligned, copied, frame, framed
from kernels.one_pass.compile import compiled
from kernels.one_pass.passes import (
    NOT_FINITE,
    OnePass,
    finished,
    gradient_by,
    one_pass,
    threaded_gradient_by,
)
from kernels.one_pass.threads import has_threads, thread_count
from kernels.problem import Array

register_jitable(judge)

# Part of the loop that is compiled and cached by its names, see `_descent`.
_inner = compiled(cache=False)


class CompiledLoops:
    """As `kernels.descent.loops.Loops`, for a way whose gradient is one compiled pass."""

    def __init__(self, over: OnePass) -> None:
        self._pass = over
        fixed = over.alpha, 2 / len(over.y)
        zeros = np.zeros_like(over.y)
        zeros.flags.writeable = False  # as y is: Numba compiles for either
        self._data = over.X, over.y, *fixed
        self._homogeneous = over.X, zeros, *fixed

    def descent(self, step: str, state: State, *, homogeneous: bool = False) -> Verdict:
        data = self._homogeneous if homogeneous else self._data
        run = _descent_by(step, self._pass.kernel, self._pass.is_threaded, self._is_parallel())
        return Verdict(run((*data, thread_count()), state))

    def lanczos(self, state: Lanczos) -> int:
        run = _lanczos_by(self._pass.kernel, self._pass.is_threaded, self._is_parallel())
        reached: int = run((*self._homogeneous, thread_count()), state)
        return reached

    def _is_parallel(self) -> bool:
        return self._pass.is_threaded and has_threads()


@cache
def _descent_by(step: str, kernel: str, threaded: bool, parallel: bool) -> Any:
    """Return the compiled loop over a step. Its closure holds names only: so it can be cached."""

    @compiled
    def run(data: Any, state: Any) -> Any:
        return _descent(step, kernel, threaded, parallel, data, state)

    return run


@cache
def _lanczos_by(kernel: str, threaded: bool, parallel: bool) -> Any:
    @compiled
    def run(data: Any, state: Any) -> Any:
        return _lanczos(kernel, threaded, parallel, data, state)

    return run


def _descent(step: str, kernel: str, threaded: bool, parallel: bool, data: Any, state: Any) -> int:
    """The loop by its names; for compiled code only."""
    raise NotImplementedError


@overload(_descent, prefer_literal=True)  # type: ignore[untyped-decorator]
def _descent_by_name(
    step: Any, kernel: Any, threaded: Any, parallel: Any, data: Any, state: Any
) -> Any:
    evaluators = _evaluators(kernel.literal_value, threaded.literal_value, parallel.literal_value)
    loop = _inner(descent(_inner(STEPS[step.literal_value](*evaluators))))

    def run(step: Any, kernel: Any, threaded: Any, parallel: Any, data: Any, state: Any) -> Any:
        return loop(data, state)

    return run


def _lanczos(kernel: str, threaded: bool, parallel: bool, data: Any, state: Any) -> int:
    """The Lanczos process by its names; for compiled code only."""
    raise NotImplementedError


@overload(_lanczos, prefer_literal=True)  # type: ignore[untyped-decorator]
def _lanczos_by_name(kernel: Any, threaded: Any, parallel: Any, data: Any, state: Any) -> Any:
    evaluators = _evaluators(kernel.literal_value, threaded.literal_value, parallel.literal_value)
    process = _inner(lanczos(*evaluators))

    def run(kernel: Any, threaded: Any, parallel: Any, data: Any, state: Any) -> Any:
        return process(data, state)

    return run


@cache
def _evaluators(kernel: str, threaded: bool, parallel: bool) -> tuple[Any, Any]:
    """Return the two functions that a step is made of: f on all rows, and on a block of rows."""
    gradient = threaded_gradient_by(kernel, parallel) if threaded else gradient_by(kernel)

    @_inner
    def evaluate(data: Any, w: Array, g: Array) -> Any:
        X, y, alpha, scale, parts = data
        squares = gradient(X, y, alpha, scale, parts, w, g)
        if squares == NOT_FINITE:
            return w.dtype.type(np.inf)
        return squares * w.dtype.type(scale / 2)

    @_inner
    def evaluate_block(data: Any, w: Array, g: Array, block: int) -> None:
        X, y, alpha, _, _ = data
        low, high = block * BATCH, min(X.shape[0], (block + 1) * BATCH)
        room = aligned(2 * framed(w.size, w), w)
        sums, whole = frame(room, 0, w.size), frame(room, 1, w.size)
        copied(w, whole)
        squares = one_pass(kernel, X, y, whole, sums, low, high)
        blocks = (X.shape[0] + BATCH - 1) // BATCH
        finished(squares, room, 1, w, g, alpha / blocks, 2 * blocks / X.shape[0])

    return evaluate, evaluate_block

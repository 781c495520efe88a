"""The loops of the descent methods in Python, driven by any way through its contract."""

from functools import cached_property
from typing import Any

import numpy as np

from kernels.descent.steps import BATCH, STEPS, Lanczos, State, descent, lanczos
from kernels.descent.stopping import Verdict
from kernels.problem import Array
from kernels.way import Way


def loops_of(way: Way) -> Any:
    """Return what runs a descent method on a way: compiled whole where its gradient is one pass."""
    if way.one_pass is None:
        return Loops(way)
    from kernels.descent.compiled import CompiledLoops

    return CompiledLoops(way.one_pass)


class Loops:
    """Runs the steps of `kernels.descent.steps` on a way. The numba way has its own, compiled."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def descent(self, step: str, state: State, *, homogeneous: bool = False) -> Verdict:
        """Run the loop `kernels.descent.steps.descent` over a step, given by its name."""
        run = descent(STEPS[step](_evaluate, self._evaluate_block))
        verdict: Verdict = run(self._homogeneous if homogeneous else self._way, state)
        return verdict

    def lanczos(self, state: Lanczos) -> int:
        """Run `kernels.descent.steps.lanczos` for the Hessian."""
        reached: int = lanczos(_evaluate, self._evaluate_block)(self._homogeneous, state)
        return reached

    @cached_property
    def _homogeneous(self) -> Way:
        return self._way.homogeneous()

    @cached_property
    def _blocks(self) -> list[tuple[float, Way]]:
        return self._way.batches(BATCH)

    def _evaluate_block(self, _: Way, w: Array, g: Array, block: int) -> None:
        weight, way = self._blocks[block]
        _evaluate(way, w, g)
        g *= w.dtype.type(weight)


def _evaluate(way: Way, w: Array, g: Array) -> float:
    """Set g to the gradient and return the value; infinity where w has left the range."""
    try:
        value, g[:] = way.value_and_gradient(w)
    except ValueError:  # w is not finite
        return np.inf
    return value

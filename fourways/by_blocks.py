"""The residual-form ways on data beyond memory: right or wrong, then the time of a pass."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from fourways.blocks import Blocks, value_and_gradient
from fourways.measure import Measured, Way
from kernels import WAYS, LeastSquares
from suites import problems
from suites.truth import GradientOracle

_PASSES = 3  # the first one compiles, and brings what fits into the system's cache


def ways() -> list[str]:
    """Return the ways that need no copy of X: those that do not factor it."""
    return [name for name in WAYS if not WAYS[name].factored]


def passes() -> int:
    return len(ways()) * _PASSES


def measure(
    blocks: Blocks, problem: LeastSquares, known: Measured, seen: Callable[[int], object]
) -> None:
    """Fill in what is known of each way. X of ``problem`` is memory-mapped, read for the oracle."""
    w = problems.start(problem)
    oracle = GradientOracle(problem, w)
    seconds = np.empty((_PASSES, len(ways())))
    for k in range(_PASSES):
        for j, name in enumerate(ways()):
            way = known.ways.setdefault(name, Way())
            began = perf_counter()
            _, gradient = value_and_gradient(blocks, name, w, problem.alpha, seen)
            seconds[k, j] = perf_counter() - began
            way.error = oracle.gradient_error(gradient, factored=False)
            way.preparation, way.first_call = 0.0, float(seconds[0, j])
    reference = seconds[1:, ways().index("numpy")]
    known.noise = float(np.ptp(reference) / reference.mean())
    for name, column in zip(ways(), seconds[1:].T, strict=True):
        median, low, high = float(np.median(column)), float(column.min()), float(column.max())
        known.ways[name].times["gradient"] = median, low, high
        ratios = reference / column
        known.ways[name].speedup = (
            float(np.median(ratios)),
            float(ratios.min()),
            float(ratios.max()),
        )

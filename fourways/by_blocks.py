"""The residual-form ways on data beyond memory: right or wrong, then the time of a pass."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from fourways.blocks import Blocks, value_and_gradient
from fourways.measure import Findings, Measured
from kernels import WAYS, Array, LeastSquares
from report.comparison import noise
from report.results import Cell
from suites.harness import Truth, why_wrong
from suites.judge import GradientOracle

_PASSES = 3  # the first one compiles, and brings what fits into the system's cache
_POINTS = 2  # each costs the oracle a read of X
_HEAD = 1 << 18  # entries of X in the first rows, on which a way is judged in full


def ways() -> list[str]:
    """Return the ways that need no copy of X: those that do not factor it."""
    return [name for name in WAYS if not WAYS[name].factored]


def passes() -> int:
    return len(ways()) * _PASSES


def measure(
    blocks: Blocks, problem: LeastSquares, known: Measured, seen: Callable[[int], object]
) -> None:
    """Fill in what is known of each way. X of ``problem`` is memory-mapped, read for the oracle."""
    truth = Truth(problem, _POINTS)
    _judge_on_head(problem, known)
    seconds = np.empty((_PASSES, len(ways())))
    for k in range(_PASSES):
        w, oracle = truth.points[k % _POINTS].copy(), truth.oracles[k % _POINTS]
        for j, name in enumerate(ways()):
            way = known.ways.setdefault(name, Findings())
            began = perf_counter()
            value, gradient = value_and_gradient(blocks, name, w, problem.alpha, seen)
            seconds[k, j] = perf_counter() - began
            _judge(way, oracle, value, gradient)
            if w.tobytes() != truth.points[k % _POINTS].tobytes():
                way.wrong = "w is not what it was"
                w[:] = truth.points[k % _POINTS]
            way.preparation, way.first_call = 0.0, float(seconds[0, j])
    columns = dict(zip(ways(), seconds[1:].T, strict=True))
    right = {name: column for name, column in columns.items() if known.ways[name].is_right}
    for name, column in right.items():
        known.ways[name].times["gradient"] = _median_and_range(column)
    if (reference := right.get("numpy")) is not None:
        worst = float(reference.max() / reference.min())
        known.noise = noise(Cell(1.0, 1 / worst, worst))  # one pass of numpy over another
        for name, column in right.items():
            known.ways[name].speedup = _median_and_range(reference / column)


def _judge_on_head(problem: LeastSquares, known: Measured) -> None:
    """Judge the ways on a few rows in memory, where they can be held to all that is promised."""
    rows = max(1, _HEAD // problem.p)
    X, y = np.array(problem.X[:rows]), np.array(problem.y[:rows])
    for name in ways():
        head = Truth(LeastSquares(X.copy(), y.copy(), problem.alpha))
        known.ways.setdefault(name, Findings()).wrong = why_wrong(WAYS[name](head.problem), head)


def _judge(way: Findings, oracle: GradientOracle, value: float, gradient: Array) -> None:
    """A way is as right as the worst of its passes."""
    way.error = float(np.fmax(way.error, oracle.gradient_error(gradient, factored=False)))
    if not (off := oracle.value_error(value, factored=False)) <= 1:
        way.wrong = f"value is {off:.3g} times its error bound off"


def _median_and_range(samples: Array) -> tuple[float, float, float]:
    return float(np.median(samples)), float(samples.min()), float(samples.max())

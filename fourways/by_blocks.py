"""The ways on X in blocks, of a file or on a cluster: right or wrong, then what they cost."""

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from fourways.measure import Findings, Measured, judged
from kernels import WAYS, Array, LeastSquares
from kernels.blocks.problem import BlockedLeastSquares
from kernels.blocks.ways import OVER_BLOCKS
from report.comparison import noise
from report.results import Cell
from suites.data import problems
from suites.harness.verified import Truth, why_wrong
from suites.judge import GradientOracle, SolutionJudge

_PASSES = 3  # the first one compiles, and brings what fits into the system's cache
_POINTS = 2  # each costs the oracle a read of X
_HEAD = 1 << 18  # entries of X in the first rows, on which a way is judged in full
_OF_ORACLE, _OF_JUDGE = 2, 2  # reads of X: the largest entries, then the sums


def reads(known: Measured) -> int:
    """Return how often `measure` reads X."""
    unfactored = [name for name in known.names if not WAYS[name].factored]
    return _OF_JUDGE + len(known.names) + _POINTS * _OF_ORACLE + _PASSES * len(unfactored) + 1


def measure(problem: BlockedLeastSquares, rank: int, known: Measured, factoring: float) -> None:
    """Fill in what is known of each way.

    ``factoring`` is how many seconds `BlockedLeastSquares.condensed` took, which every solution
    needs, and ways that factor X begin with.
    """
    points = [problems.start(problem, seed) for seed in range(1, _POINTS + 1)]
    oracles = [GradientOracle(problem, w) for w in points]
    _judge_on_head(problem, known)
    ways: dict[str, Any] = {}
    for name in known.names:
        began = perf_counter()
        ways[name] = OVER_BLOCKS[name](problem)
        taken = perf_counter() - began
        known.ways[name].preparation = taken + factoring if ways[name].factored else 0.0
    seconds = np.empty((_PASSES, len(ways)))
    for k in range(_PASSES):
        truth, oracle = points[k % _POINTS], oracles[k % _POINTS]
        w = truth.copy()
        for j, (name, way) in enumerate(ways.items()):
            began = perf_counter()
            value, gradient = way.value_and_gradient(w)
            seconds[k, j] = perf_counter() - began
            _judge(known.ways[name], oracle, value, gradient, factored=way.factored)
            if w.tobytes() != truth.tobytes():
                known.ways[name].wrong = "w is not what it was"
                w[:] = truth
    for name, column in zip(ways, seconds.T, strict=True):
        known.ways[name].first_call = float(column[0])
    _keep(known, dict(zip(ways, seconds[1:].T, strict=True)))
    _solve(problem, rank, ways, known, factoring)


def _keep(known: Measured, seconds: dict[str, Array]) -> None:
    """Keep the times of the ways that were right."""
    right = {name: column for name, column in seconds.items() if known.ways[name].is_right}
    for name, column in right.items():
        known.ways[name].times["value and gradient"] = _median_and_range(column)
        known.ways[name].times["gradient"] = _median_and_range(column)
    if (reference := right.get("numpy")) is not None:
        worst = float(reference.max() / reference.min())
        known.noise = noise(Cell(1.0, 1 / worst, worst))  # one pass of numpy over another
        for name, column in right.items():
            known.ways[name].speedup = _median_and_range(reference / column)


def _solve(
    problem: BlockedLeastSquares,
    rank: int,
    ways: dict[str, Any],
    known: Measured,
    factoring: float,
) -> None:
    """Solve by each way, and judge what it says over all blocks.

    X is factored already: what that took is counted where it is not in the preparation.
    """
    judge = SolutionJudge(problem, rank if rank < problem.p else None)
    for name, prepared in ways.items():
        way = known.ways[name]
        began = perf_counter()
        way.found = prepared.solve()
        way.first_solve = perf_counter() - began + (0.0 if prepared.factored else factoring)
        way.solution = judged(way.found, judge)


def _judge_on_head(problem: BlockedLeastSquares, known: Measured) -> None:
    """Judge the ways on a few rows in memory, where they can be held to all that is promised."""
    rows = max(1, _HEAD // problem.p)
    X, y = problem.one_block(0, partial(_head, rows))
    for name in known.names:
        head = Truth(LeastSquares(X.copy(), y.copy(), problem.alpha))
        known.ways.setdefault(name, Findings()).wrong = why_wrong(WAYS[name](head.problem), head)


def _head(rows: int, block: LeastSquares) -> tuple[Array, Array]:
    return block.X[:rows].copy(), block.y[:rows].copy()


def _judge(
    way: Findings, oracle: GradientOracle, value: float, gradient: Array, *, factored: bool
) -> None:
    """A way is as right as the worst of its passes."""
    way.error = float(np.fmax(way.error, oracle.gradient_error(gradient, factored=factored)))
    if not (off := oracle.value_error(value, factored=factored)) <= 1:
        way.wrong = f"value is {off:.3g} times its error bound off"


def _median_and_range(samples: Array) -> tuple[float, float, float]:
    return float(np.median(samples)), float(samples.min()), float(samples.max())

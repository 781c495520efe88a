"""Rank-deficient least squares: which solver to trust, and what it costs.

Every solver on every family, all in one process (asv's setup_cache). A solver that claims a wrong
answer is recorded as failed; one that says it did not solve the problem is not timed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from kernels import LeastSquares, Solution, minimum_norm
from suites.families import FAMILIES, Posed, duplicated_column, low_rank
from suites.judge import (
    WrongAnswerError,
    check_solution,
    minimum_norm_ratio,
    optimality_ratio,
)
from suites.machine import cores
from suites.solvers import SOLVERS, solve
from suites.timing import interleaved, ratio, use_threads

_SIZES = {"200 x 10": (200, 10), "2000 x 50": (2000, 50)}
_LARGEST = "2000 x 50"
_NAMES = [name for name in SOLVERS if name != "refined"]  # which leaves these to others
_TRIES = 5  # torch's gelsy is right every other time


class Judged(NamedTuple):
    """What a solver made of a problem; ``wrong`` says how, if it is."""

    found: Solution
    wrong: str
    seconds: list[float]


Cache = dict[tuple[str, str, str], Judged]


class _AllJudged:
    version = "1"
    timeout = 900.0

    def setup_cache(self) -> Cache:
        return {
            (name, family, size): judged
            for family, make in FAMILIES.items()
            for size, shape in _SIZES.items()
            for name, judged in judge(make(*shape)).items()
        }


class Accuracy(_AllJudged):
    """Rank and ratios of what a solver answers on a family of 2000 x 50, right or wrong."""

    param_names = ["solver", "family"]
    params = [_NAMES, list(FAMILIES)]

    def track_rank(self, cache: Cache, name: str, family: str) -> float:
        """The numerical rank found; n/a where the solver does not tell."""
        rank = cache[name, family, _LARGEST].found.rank
        return np.nan if rank is None else rank

    def track_optimality_ratio(self, cache: Cache, name: str, family: str) -> float:
        """Below 30 the gradient is zero to rounding."""
        return optimality_ratio(_posed(family).problem, cache[name, family, _LARGEST].found.w)

    def track_minimum_norm_ratio(self, cache: Cache, name: str, family: str) -> float:
        """Below 30 there is no part in the null space; n/a where rounding decides the rank."""
        posed = _posed(family)
        if posed.rank is None:
            return np.nan
        found = cache[name, family, _LARGEST].found
        return minimum_norm_ratio(posed.problem, found.w, posed.rank)

    def track_distance(self, cache: Cache, name: str, family: str) -> float:
        """|w - exact| / |exact|; n/a where the exact solution is not known."""
        exact = _posed(family).w
        if exact is None or not exact.any():
            return np.nan
        w = cache[name, family, _LARGEST].found.w
        return float(np.linalg.norm(w - exact) / np.linalg.norm(exact))

    track_rank.unit = "columns"  # type: ignore[attr-defined]
    track_optimality_ratio.unit = "ratio"  # type: ignore[attr-defined]
    track_minimum_norm_ratio.unit = "ratio"  # type: ignore[attr-defined]
    track_distance.unit = "relative"  # type: ignore[attr-defined]


class Time(_AllJudged):
    """Seconds for a right answer, the solvers of one family and size interleaved."""

    param_names = ["solver", "family", "X"]
    params = [_NAMES, list(FAMILIES), list(_SIZES)]

    def track_time(self, cache: Cache, name: str, family: str, size: str) -> dict[str, Any]:
        _, wrong, seconds = cache[name, family, size]
        if wrong:
            raise WrongAnswerError(wrong)
        return {"samples": seconds or [np.nan], "number": 1}

    track_time.unit = "seconds"  # type: ignore[attr-defined]


class Tall:
    """Time of `numpy.linalg.lstsq` over that of `kernels.minimum_norm`, n much larger than p."""

    param_names = ["family", "X"]
    params = [
        ["duplicated column", "rank p/2"],
        ["5000 x 50", "100000 x 50", "50000 x 100", "50000 x 500"],
    ]
    version = "1"
    timeout = 180.0

    def track_speedup_over_lstsq(self, family: str, size: str) -> dict[str, Any]:
        posed = _tall(family, size)
        use_threads(cores())
        check_solution(posed.problem, posed.rank, minimum_norm(posed.problem))
        return ratio(partial(_lstsq, posed.problem), partial(minimum_norm, posed.problem))

    track_speedup_over_lstsq.unit = "x"  # type: ignore[attr-defined]


def judge(posed: Posed) -> dict[str, Judged]:
    """Try every solver several times, and time those that are right each time, interleaved."""
    use_threads(cores())
    tried = {name: _tried(name, posed) for name in _NAMES}
    right = [name for name, (found, wrong) in tried.items() if found.converged and not wrong]
    calls: list[Callable[[], object]] = [partial(solve, name, posed.problem) for name in right]
    seconds = dict(zip(right, interleaved(calls).T.tolist(), strict=True)) if calls else {}
    return {name: Judged(*tried[name], seconds.get(name, [])) for name in _NAMES}


def _tried(name: str, posed: Posed) -> tuple[Solution, str]:
    """Return a solution and what is wrong with it: the first wrong one of several, if any."""
    for _ in range(_TRIES):
        found = solve(name, posed.problem)
        try:
            check_solution(posed.problem, posed.rank, found)
        except WrongAnswerError as error:
            return found, str(error)
    return found, ""


def _posed(family: str) -> Posed:
    return FAMILIES[family](*_SIZES[_LARGEST])


def _tall(family: str, size: str) -> Posed:
    n, p = map(int, size.split(" x "))
    return duplicated_column(n, p) if family == "duplicated column" else low_rank(n, p, p // 2)


def _lstsq(problem: LeastSquares) -> object:
    return np.linalg.lstsq(problem.X, problem.y, rcond=problem.rcond)

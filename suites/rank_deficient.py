"""Rank-deficient least squares: which solver to trust, and what it costs.

Every solver on every family, all in one process (asv's setup_cache). One of ours that claims a
wrong answer is recorded as failed; what others answer is a verdict: digits lost, and no time. A
solver that says it did not solve the problem is not timed.
"""

import math
from functools import partial
from typing import Any

import numpy as np

from kernels import minimum_norm
from suites.data import problems
from suites.data.families import FAMILIES, Instance, duplicated_column, low_rank
from suites.harness.benchmark import with_attributes
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import OURS, SOLVERS, lstsq
from suites.harness.threads import use_threads
from suites.harness.timing import ratio
from suites.harness.verdicts import Verdict, verdicts
from suites.judge import SolutionJudge, WrongAnswerError

_SIZES = ["200 x 10", "2000 x 50"]
_LARGEST = "2000 x 50"
_NAMES = [name for name in SOLVERS if name != "refined"]  # which leaves these to others

Cache = dict[tuple[str, str, str], Verdict]


class _AllJudged:
    version = "2"
    timeout = 900.0

    def setup_cache(self) -> Cache:
        return {
            (name, family, size): verdict
            for family, make in FAMILIES.items()
            for size in _SIZES
            for name, verdict in verdicts(make(*problems.shape(size)), _NAMES).items()
        }


class Accuracy(_AllJudged):
    """Rank and ratios of what a solver answers on a family of 2000 x 50, right or wrong."""

    param_names = ["solver", "family"]
    params = [_NAMES, list(FAMILIES)]

    @with_attributes(unit="columns")
    def track_rank(self, cache: Cache, name: str, family: str) -> float:
        """The numerical rank found; n/a where the solver does not tell."""
        rank = cache[name, family, _LARGEST].found.rank
        return np.nan if rank is None else rank

    @with_attributes(unit="u|Z|")
    def track_backward_error(self, cache: Cache, name: str, family: str) -> float:
        """The smallest change of Z and y for which it is exact, in u|Z|; below 30 is right."""
        return _told(cache[name, family, _LARGEST], "backward error")

    @with_attributes(unit="ratio")
    def track_least_norm_ratio(self, cache: Cache, name: str, family: str) -> float:
        """Below 30 there is no part in the null space; n/a where rounding decides the rank."""
        return _told(cache[name, family, _LARGEST], "least-norm ratio")

    @with_attributes(unit="relative")
    def track_distance(self, cache: Cache, name: str, family: str) -> float:
        """|w - exact| / |exact|; n/a where the exact solution is not known."""
        exact = FAMILIES[family](*problems.shape(_LARGEST)).w
        if exact is None or not exact.any():
            return np.nan
        w = cache[name, family, _LARGEST].found.w
        return float(np.linalg.norm(w - exact) / np.linalg.norm(exact))


class Time(_AllJudged):
    """Each solver on each family: digits lost, and seconds for a right answer, interleaved."""

    param_names = ["solver", "family", "X"]
    params = [_NAMES, list(FAMILIES), _SIZES]

    @with_attributes(unit="digits")
    def track_digits_lost(self, cache: Cache, name: str, family: str, size: str) -> float:
        """Beyond what is right; 0 is right, more than 6.5 wrong, n/a where the solver says no."""
        return _own_is_right(name, cache[name, family, size]).lost

    @with_attributes(unit="seconds")
    def track_time(self, cache: Cache, name: str, family: str, size: str) -> dict[str, Any]:
        """Seconds for a right answer; n/a where there is none."""
        seconds = _own_is_right(name, cache[name, family, size]).seconds
        return {"samples": seconds or [np.nan], "number": 1}


def _told(verdict: Verdict, name: str) -> float:
    """Return a ratio; n/a where it is not known, and where there is no w: asv takes no infinity."""
    found = verdict.ratios.get(name, np.nan)
    return found if math.isfinite(found) else np.nan


def _own_is_right(name: str, verdict: Verdict) -> Verdict:
    if name in OURS and verdict.lost > 0:
        raise WrongAnswerError(f"{name}: {verdict.ratios}, rank {verdict.found.rank}")
    return verdict


class Tall:
    """Time of `numpy.linalg.lstsq` over that of `kernels.minimum_norm`, n much larger than p."""

    param_names = ["family", "X"]
    params = [
        ["duplicated column", "rank p/2"],
        ["5000 x 50", "100000 x 50", "50000 x 100", "50000 x 500"],
    ]
    version = "1"
    timeout = 180.0

    @with_attributes(unit="x")
    def track_speedup_over_lstsq(self, family: str, size: str) -> dict[str, Any]:
        instance = _tall(family, size)
        use_threads(cores())
        require = SolutionJudge(instance.problem, instance.rank).check
        found = Solutions(partial(minimum_norm, instance.problem), require)
        return ratio(partial(lstsq, instance.problem), found)


def _tall(family: str, size: str) -> Instance:
    n, p = problems.shape(size)
    return duplicated_column(n, p) if family == "duplicated column" else low_rank(n, p, p // 2)

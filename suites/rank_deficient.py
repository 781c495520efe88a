"""Rank-deficient least squares: which solver to trust, and what it costs.

One of ours that claims a wrong answer is recorded as failed; what others answer is a verdict:
digits lost, and no time. A solver that says it did not solve the problem is not timed.
"""

import math
from functools import partial
from itertools import product
from typing import Any

from kernels import minimum_norm
from suites.data import problems
from suites.data.families import FAMILIES, Instance, duplicated_column, low_rank
from suites.harness.benchmark import Benchmark, with_attributes
from suites.harness.group import Findings, Group, key_of, sizes
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import SOLVERS, lstsq
from suites.harness.threads import use_threads
from suites.harness.timing import ratio
from suites.harness.verdicts import verdicts
from suites.judge import SolutionJudge

_SIZES = ["200 x 10", "2000 x 50"]
_LARGEST = "2000 x 50"
_TALL = [
    ["duplicated column", "rank p/2"],
    ["5000 x 50", "100000 x 50", "50000 x 100", "50000 x 500"],
]
_NAMES = [name for name in SOLVERS if name != "refined"]  # which leaves these to others


class Families(Group):
    """Every solver on every family of one size."""

    params = [_SIZES]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (size,) = point
        for family, make in FAMILIES.items():
            verdicts(found, family, make(*problems.shape(size)), _NAMES)

    @staticmethod
    def cost(*point: Any) -> float:
        return 40.0 if point == (_LARGEST,) else 20.0


class Accuracy(Benchmark):
    """Rank and ratios of what a solver answers on a family of 2000 x 50, right or wrong.

    Of several processes the worst, where they differ.
    """

    group = Families
    param_names = ["solver", "family"]
    params = [_NAMES, list(FAMILIES)]
    version = "2"

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        return key_of(key, *point), (_LARGEST,)

    @with_attributes(unit="columns")
    def track_rank(self, *of: Any) -> float:
        """The numerical rank found; n/a where the solver does not tell."""
        return self.same_in_all("rank", *of)

    @with_attributes(unit="u|Z|")
    def track_backward_error(self, *of: Any) -> float:
        """The smallest change of Z and y for which it is exact, in u|Z|; below 30 is right."""
        return self.same_in_all("backward error", *of)

    @with_attributes(unit="ratio")
    def track_least_norm_ratio(self, *of: Any) -> float:
        """Below 30 there is no part in the null space; n/a where rounding decides the rank."""
        return self.same_in_all("least-norm ratio", *of)

    @with_attributes(unit="relative")
    def track_distance(self, *of: Any) -> float:
        """|w - exact| / |exact|; n/a where the exact solution is not known."""
        return self.same_in_all("distance", *of)


class Time(Benchmark):
    """Each solver on each family: digits lost, and seconds for a right answer, interleaved."""

    group = Families
    param_names = ["solver", "family", "X"]
    params = [_NAMES, list(FAMILIES), _SIZES]
    version = "2"

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        family, size = point
        return key_of(key, family), (size,)

    @with_attributes(unit="digits")
    def track_digits_lost(self, *of: Any) -> float:
        """Beyond what is right; 0 is right, more than 6.5 wrong, n/a where the solver says no."""
        return self.same_in_all("digits lost", *of)

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        """Seconds for an answer that is right in every process; n/a where there is none."""
        found = self.figure("time", *of)
        return found if not any(map(math.isnan, found["samples"])) else _NOT_RIGHT


_NOT_RIGHT = {"samples": [math.nan], "number": 1}


class TallProblems(Group):
    """`numpy.linalg.lstsq` and `kernels.minimum_norm`, n much larger than p, by problem."""

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        families, every = _TALL
        for family, size in product(families, sizes(every)):
            key = key_of(family, size)
            instance = tall(family, size)
            use_threads(cores())
            require = SolutionJudge(instance.problem, instance.rank).check
            ours = Solutions(partial(minimum_norm, instance.problem), require)
            theirs = partial(lstsq, instance.problem)
            with found.judging(key):
                found.put("speed-up", key, ratio(theirs, ours, rounds=(1, 5)))

    @staticmethod
    def cost(*point: Any) -> float:
        return 24.0


class Tall(Benchmark):
    """Time of `numpy.linalg.lstsq` over that of `kernels.minimum_norm`, n much larger than p."""

    group = TallProblems
    param_names = ["family", "X"]
    params = _TALL

    @with_attributes(unit="x")
    def track_speedup_over_lstsq(self, *of: Any) -> dict[str, Any]:
        return self.figure("speed-up", *of)


def tall(family: str, size: str) -> Instance:
    """Return a problem of a family that scales to any size."""
    n, p = problems.shape(size)
    return duplicated_column(n, p) if family == "duplicated column" else low_rank(n, p, p // 2)

"""Rank-deficient least squares: which solver to trust, and what it costs.

Every solver on every family, all in one process (asv's setup_cache). One of ours that claims a
wrong answer is recorded as failed; what others answer is a verdict: digits lost, and no time. A
solver that says it did not solve the problem is not timed.
"""

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from kernels import LeastSquares, Solution, minimum_norm
from suites.data.families import FAMILIES, Posed, duplicated_column, low_rank
from suites.harness import Solutions
from suites.harness.machine import cores
from suites.harness.timing import ratio, unchecked, use_threads
from suites.judge import SolutionJudge, WrongAnswerError
from suites.solvers import OURS, SOLVERS, solve

_SIZES = {"200 x 10": (200, 10), "2000 x 50": (2000, 50)}
_LARGEST = "2000 x 50"
_NAMES = [name for name in SOLVERS if name != "refined"]  # which leaves these to others
_TRIES = 5  # torch's gelsy is right every other time


class Judged(NamedTuple):
    """What a solver made of a problem, the digits it lost, the ratios, seconds if right."""

    found: Solution
    lost: float
    ratios: dict[str, float]
    seconds: list[float]


Cache = dict[tuple[str, str, str], Judged]


class _AllJudged:
    version = "2"
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

    def track_backward_error(self, cache: Cache, name: str, family: str) -> float:
        """The smallest change of Z and y for which it is exact, in u|Z|; below 30 is right."""
        return _told(cache[name, family, _LARGEST], "backward error")

    def track_least_norm_ratio(self, cache: Cache, name: str, family: str) -> float:
        """Below 30 there is no part in the null space; n/a where rounding decides the rank."""
        return _told(cache[name, family, _LARGEST], "least-norm ratio")

    def track_distance(self, cache: Cache, name: str, family: str) -> float:
        """|w - exact| / |exact|; n/a where the exact solution is not known."""
        exact = FAMILIES[family](*_SIZES[_LARGEST]).w
        if exact is None or not exact.any():
            return np.nan
        w = cache[name, family, _LARGEST].found.w
        return float(np.linalg.norm(w - exact) / np.linalg.norm(exact))

    track_rank.unit = "columns"  # type: ignore[attr-defined]
    track_backward_error.unit = "u|Z|"  # type: ignore[attr-defined]
    track_least_norm_ratio.unit = "ratio"  # type: ignore[attr-defined]
    track_distance.unit = "relative"  # type: ignore[attr-defined]


class Time(_AllJudged):
    """Each solver on each family: digits lost, and seconds for a right answer, interleaved."""

    param_names = ["solver", "family", "X"]
    params = [_NAMES, list(FAMILIES), list(_SIZES)]

    def track_digits_lost(self, cache: Cache, name: str, family: str, size: str) -> float:
        """Beyond what is right; 0 is right, more than 6.5 wrong, n/a where the solver says no."""
        return _own_is_right(name, cache[name, family, size]).lost

    def track_time(self, cache: Cache, name: str, family: str, size: str) -> dict[str, Any]:
        """Seconds for a right answer; n/a where there is none."""
        seconds = _own_is_right(name, cache[name, family, size]).seconds
        return {"samples": seconds or [np.nan], "number": 1}

    track_digits_lost.unit = "digits"  # type: ignore[attr-defined]
    track_time.unit = "seconds"  # type: ignore[attr-defined]


def _told(judged: Judged, name: str) -> float:
    """Return a ratio; n/a where it is not known, and where there is no w: asv takes no infinity."""
    ratio = judged.ratios.get(name, np.nan)
    return ratio if math.isfinite(ratio) else np.nan


def _own_is_right(name: str, judged: Judged) -> Judged:
    if name in OURS and judged.lost > 0:
        raise WrongAnswerError(f"{name}: {judged.ratios}, rank {judged.found.rank}")
    return judged


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
        require = SolutionJudge(posed.problem, posed.rank).check
        found = Solutions(partial(minimum_norm, posed.problem), require)
        return ratio(partial(_lstsq, posed.problem), found)

    track_speedup_over_lstsq.unit = "x"  # type: ignore[attr-defined]


def judge(posed: Posed) -> dict[str, Judged]:
    """Try every solver several times, and time those that are right each time, interleaved.

    What is timed is judged as well: a solver that is wrong then is wrong, and has no time.
    """
    use_threads(cores())
    judge = SolutionJudge(posed.problem, posed.rank)
    answers = {
        name: _worst(judge, [solve(name, posed.problem) for _ in range(_TRIES)]) for name in _NAMES
    }

    def require_right(name: str, found: Solution) -> None:
        if judge.digits_lost(found) != 0:
            answers[name] = found
            raise WrongAnswerError(f"{name} was right {_TRIES} times, and then was not")

    timed = {
        name: Solutions(partial(solve, name, posed.problem), partial(require_right, name))
        for name, found in answers.items()
        if judge.digits_lost(found) == 0
    }
    seconds = dict(zip(timed, unchecked(list(timed.values())).T.tolist(), strict=True))
    for name, solutions in timed.items():
        if solutions.why_wrong():
            del seconds[name]
    return {
        name: Judged(found, judge.digits_lost(found), judge.ratios(found.w), seconds.get(name, []))
        for name, found in answers.items()
    }


def _worst(judge: SolutionJudge, answers: list[Solution]) -> Solution:
    """Return the answer that lost most digits, or the first that says no."""
    lost = [judge.digits_lost(found) for found in answers]
    return answers[max(range(len(lost)), key=lambda k: (math.isnan(lost[k]), lost[k]))]


def _tall(family: str, size: str) -> Posed:
    n, p = map(int, size.split(" x "))
    return duplicated_column(n, p) if family == "duplicated column" else low_rank(n, p, p // 2)


def _lstsq(problem: LeastSquares) -> object:
    return np.linalg.lstsq(problem.X, problem.y, rcond=problem.rcond)

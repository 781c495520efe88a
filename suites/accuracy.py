"""Digits: on NIST's certified sets, and as the condition number grows from 1 to 1e16."""

import math
from functools import partial
from typing import Any

import numpy as np

from kernels import Solution, refined
from suites.data import nist, problems
from suites.data.families import Instance, with_condition
from suites.harness.benchmark import with_attributes
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import SOLVERS, lstsq, solve
from suites.harness.threads import use_threads
from suites.harness.timing import ratio
from suites.judge import (
    SolutionJudge,
    WrongAnswerError,
    exact_solution,
    log_relative_error,
    normwise_digits,
)

_DECADES = [f"1e{k:02}" for k in range(0, 17, 2)]
_DTYPES = ["float64", "float32"]


class Certified:
    """Digits (LRE) of a solver's coefficients that agree with the certified ones, at most 15."""

    param_names = ["solver", "set"]
    params = [list(SOLVERS), list(nist.regressions())]
    version = "1"

    @with_attributes(unit="digits")
    def track_digits(self, name: str, certified: str) -> float:
        problem, coefficients = nist.regressions()[certified]
        return log_relative_error(solve(name, problem).w, coefficients)


class Variance:
    """Digits of the certified F and residual sum of squares: rank-deficient, [1 | dummies]."""

    param_names = ["solver", "set"]
    params = [list(SOLVERS), [name for name in nist.names() if not nist.load(name).is_regression]]
    version = "1"

    @with_attributes(unit="digits")
    def track_digits(self, name: str, certified: str) -> float:
        loaded = nist.load(certified)
        return loaded.digits(solve(name, loaded.problem()).w)


class Refined:
    """What refinement costs: its time over that of `numpy.linalg.lstsq`, interleaved."""

    param_names = ["X"]
    params = [["21 x 6", "2000 x 50", "20000 x 100"]]
    version = "1"
    timeout = 180.0

    @with_attributes(unit="x")
    def track_time_over_lstsq(self, size: str) -> dict[str, Any]:
        problem = with_condition(*problems.shape(size), 1e8).problem
        use_threads(cores())
        judge = SolutionJudge(problem, problem.p)

        def require(found: Solution) -> None:
            if not found.converged:
                raise WrongAnswerError(f"refinement did not converge on {problem}")
            judge.check(found)

        return ratio(Solutions(partial(refined, problem), require), partial(lstsq, problem))


Cache = dict[tuple[str, str, str], tuple[float, int | None]]


class Condition:
    """Where each solver loses its digits and its rank: 60 x 10, X = U diag(σ) Vᵀ, σ graded.

    Digits are those of |w - exact| / |exact|, exact being the solution in rational arithmetic for
    the X and y as they are, rounded to the dtype.
    """

    param_names = ["solver", "dtype", "condition number"]
    params = [list(SOLVERS), _DTYPES, _DECADES]
    version = "1"
    timeout = 300.0

    def setup_cache(self) -> Cache:
        cache: Cache = {}
        for dtype in _DTYPES:
            for condition in _DECADES:
                problem = _instance(dtype, condition).problem
                exact = np.array([float(entry) for entry in exact_solution(problem).w])
                for name in SOLVERS:
                    found = solve(name, problem)
                    cache[name, dtype, condition] = normwise_digits(found.w, exact), found.rank
        return cache

    @with_attributes(unit="digits")
    def track_digits(self, cache: Cache, name: str, dtype: str, condition: str) -> float:
        return cache[name, dtype, condition][0]

    @with_attributes(unit="columns")
    def track_rank(self, cache: Cache, name: str, dtype: str, condition: str) -> float:
        """The numerical rank found, of 10 columns; n/a where the solver does not tell."""
        rank = cache[name, dtype, condition][1]
        return math.nan if rank is None else rank


def _instance(dtype: str, condition: str) -> Instance:
    instance = with_condition(60, 10, float(condition))
    return instance.as_float32() if dtype == "float32" else instance

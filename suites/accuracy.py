"""Digits: on NIST's certified sets, and as the condition number grows from 1 to 1e16."""

import math
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from kernels import Solution, refined
from suites.data import nist, problems
from suites.data.families import Instance, with_condition
from suites.harness.benchmark import Benchmark, with_attributes
from suites.harness.group import Findings, Group, key_of
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
_VARIANCES = [name for name in nist.names() if not nist.load(name).is_regression]


class Digits(Group):
    """Every solver on every certified set. The same each time: one process says it."""

    processes = 1

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        use_threads(cores())
        for certified, (problem, coefficients) in nist.regressions().items():
            for name in SOLVERS:
                digits = log_relative_error(solve(name, problem).w, coefficients)
                found.put("digits", key_of(name, certified), [digits])
        for certified in _VARIANCES:
            loaded = nist.load(certified)
            for name in SOLVERS:
                digits = loaded.digits(solve(name, loaded.problem()).w)
                found.put("digits", key_of(name, certified), [digits])

    @staticmethod
    def cost(*point: Any) -> float:
        return 10.0


class _OfSets(Benchmark):
    group = Digits
    param_names = ["solver", "set"]


class Certified(_OfSets):
    """Digits (LRE) of a solver's coefficients that agree with the certified ones, at most 15."""

    params = [list(SOLVERS), list(nist.regressions())]

    @with_attributes(unit="digits")
    def track_digits(self, *of: Any) -> float:
        return self.same_in_all("digits", *of)


class Variance(_OfSets):
    """Digits of the certified F and residual sum of squares: rank-deficient, [1 | dummies]."""

    params = [list(SOLVERS), _VARIANCES]

    @with_attributes(unit="digits")
    def track_digits(self, *of: Any) -> float:
        return self.same_in_all("digits", *of)


class Refining(Group):
    """`kernels.refined` and `numpy.linalg.lstsq`, condition 1e8."""

    params = [["21 x 6", "2000 x 50", "20000 x 100"]]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        problem = with_condition(*problems.shape(*point), 1e8).problem
        use_threads(cores())
        judge = SolutionJudge(problem, problem.p)

        def require(answer: Solution) -> None:
            if not answer.converged:
                raise WrongAnswerError(f"refinement did not converge on {problem}")
            judge.check(answer)

        ours = Solutions(partial(refined, problem), require)
        with found.judging("refined"):
            found.put("time over lstsq", "refined", ratio(ours, partial(lstsq, problem)))


class Refined(Benchmark):
    """What refinement costs: its time over that of `numpy.linalg.lstsq`, interleaved."""

    group = Refining
    key = "refined"
    param_names = ["X"]
    params = Refining.params

    @with_attributes(unit="x")
    def track_time_over_lstsq(self, *of: Any) -> dict[str, Any]:
        return self.figure("time over lstsq", *of)


class Conditions(Group):
    """Every solver as the condition number grows. The same each time: one process says it.

    Digits are those of |w - exact| / |exact|, exact being the solution in rational arithmetic for
    the X and y as they are, rounded to the dtype.
    """

    processes = 1

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        use_threads(cores())
        for dtype, condition in product(_DTYPES, _DECADES):
            problem = _instance(dtype, condition).problem
            exact = np.array([float(entry) for entry in exact_solution(problem).w])
            for name in SOLVERS:
                answer, key = solve(name, problem), key_of(name, dtype, condition)
                found.put("digits", key, [normwise_digits(answer.w, exact)])
                found.put("rank", key, [math.nan if answer.rank is None else answer.rank])

    @staticmethod
    def cost(*point: Any) -> float:
        return 20.0


class Condition(Benchmark):
    """Where each solver loses its digits and its rank: 60 x 10, X = U diag(σ) Vᵀ, σ graded."""

    group = Conditions
    param_names = ["solver", "dtype", "condition number"]
    params = [list(SOLVERS), _DTYPES, _DECADES]

    @with_attributes(unit="digits")
    def track_digits(self, *of: Any) -> float:
        return self.same_in_all("digits", *of)

    @with_attributes(unit="columns")
    def track_rank(self, *of: Any) -> float:
        """The numerical rank found, of 10 columns; n/a where the solver does not tell."""
        return self.same_in_all("rank", *of)


def _instance(dtype: str, condition: str) -> Instance:
    instance = with_condition(60, 10, float(condition))
    return instance.as_float32() if dtype == "float32" else instance

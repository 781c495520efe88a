"""Which descent, driven by which gradient, is at the answer first, and where direct solvers win.

All solvers of one problem run in one process (asv's setup_cache): each once to see how it
converges, and then, if it gets to 1e-8, again and again in turn, for as many iterations as that
takes, from X and y as they come: preparation of the way, L and mu included.
"""

import math
from functools import partial
from typing import Any

import numpy as np

from kernels import METHODS, WAYS, LeastSquares, Solution, Stopping, descend
from suites.data import problems
from suites.data.families import with_condition
from suites.harness import benchmark, convergence
from suites.harness.benchmark import with_attributes
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import SOLVERS, lstsq
from suites.harness.threads import use_threads
from suites.harness.timing import ratio
from suites.judge import WrongAnswerError

# The seconds that one descent may take.
_SIZES = {"100 x 10": 0.3, "2000 x 50": 0.5, "200000 x 50": 1.5}
_CONDITIONS = ["10", "1000"]  # of X: 100 and 1e6 for the Hessian
_ALONE = {"torch SGD": "torch", "torch LBFGS": "torch", "lsqr": "numpy", "lsmr": "numpy"}
_ALONE["reduced conjugate gradients"] = "numba"

_DESCENTS = [
    f"{method} by {way}"
    for method in METHODS
    for way in ([_ALONE[method]] if method in _ALONE else WAYS)
]
# Not numba, whose solution is a descent.
_DIRECT = {f"direct by {way}": SOLVERS[way] for way in ("torch", "numpy", "scipy")}
_DIRECT["minimum_norm"] = SOLVERS["minimum_norm"]

Cache = dict[tuple[str, str, str], convergence.Measured]


class Descent:
    """A descent, or a direct solver, to a relative suboptimality of 1e-8; n/a: not reached in time.

    X = U diag(σ) Vᵀ with σ in equal ratios, and noise of a thousandth.
    """

    param_names = ["solver", "condition number", "X"]
    params = [[*_DESCENTS, *_DIRECT], _CONDITIONS, list(_SIZES)]
    version = "1"
    timeout = 1800.0

    def setup_cache(self) -> Cache:
        return {
            (solver, condition, size): measured
            for size, seconds in _SIZES.items()
            for condition in _CONDITIONS
            for solver, measured in convergence.measured(
                with_condition(*problems.shape(size), float(condition)), _DESCENTS, _DIRECT, seconds
            ).items()
        }

    @with_attributes(unit="seconds")
    def track_time(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """Seconds to 1e-8, everything included; median of runs that take turns with the others."""
        measured = cache[key]
        if measured.wrong:
            raise WrongAnswerError(measured.wrong)
        return {"samples": measured.times or [math.nan], "number": 1}

    @with_attributes(unit="iterations")
    def track_iterations(self, cache: Cache, *key: Any) -> float:
        """Iterations to 1e-8; 0 for a direct solver."""
        iterations = cache[key].curve.iterations
        return math.nan if iterations is None else iterations

    @with_attributes(unit="seconds")
    def track_seconds_curve(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """The samples are the curve: seconds to 0.1, 0.01, ... 1e-10, as far as it got."""
        return {"samples": cache[key].curve.seconds or [math.nan], "number": 1}

    @with_attributes(unit="gradients")
    def track_evaluations_curve(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """The samples are the curve: gradients to 0.1, 0.01, ... 1e-10, as far as it got."""
        return {"samples": cache[key].curve.evaluations or [math.nan], "number": 1}


class Loop(benchmark.Benchmark):
    """Time of a loop in Python on another way's gradients over that of the compiled one.

    The same iterations, L included: 1000 where n p <= 1000, 20 out of cache.
    """

    param_names = ["method", "over", "X"]
    params = [
        ["gradient descent", "nesterov", "barzilai-borwein", "conjugate gradients"],
        ["numpy", "torch"],
        ["100 x 4", "100 x 10", "30 x 30", "200000 x 50"],
    ]
    timeout = 300.0

    @staticmethod
    def problem(size: str) -> LeastSquares:
        return with_condition(*problems.shape(size), 10.0).problem

    @with_attributes(unit="x")
    def track_speedup(self, method: str, over: str, size: str) -> dict[str, Any]:
        verified = [self.verify(name, size) for name in (over, "numba")]
        truth, ways = verified[0].truth, [one.way for one in verified]
        n, p = problems.shape(size)
        stopping = convergence.for_iterations(1000 if n * p <= 1000 else 20)
        other, compiled = (partial(descend, method, way, stopping) for way in ways)
        values = [way.value(call().w) for way, call in zip(ways, (other, compiled), strict=True)]
        at_start = ways[0].value(np.zeros(p))  # f(w*) may be zero

        def require_agreement(found: Solution) -> None:
            value = ways[1].value(found.w)
            if not math.isclose(value, values[0], rel_tol=1e-9, abs_tol=1e-12 * at_start):
                raise WrongAnswerError(f"{method}: f = {values[0]} by {over}, {value} compiled")

        return ratio(
            Solutions(other, require_agreement, truth),
            Solutions(compiled, require_agreement, truth),
        )


class Reduced:
    """Time of numpy.linalg.lstsq over that of conjugate gradients on the p x p factor, to 1e-8."""

    param_names = ["condition number", "X"]
    params = [["10", "1000", "1e6"], ["5000 x 50", "200000 x 50", "50000 x 200"]]
    version = "1"
    timeout = 300.0

    @with_attributes(unit="x")
    def track_speedup_over_lstsq(self, condition: str, size: str) -> dict[str, Any]:
        instance = with_condition(*problems.shape(size), float(condition))
        problem = instance.problem
        use_threads(cores())
        solver = "reduced conjugate gradients by numba"
        reach = partial(convergence.descended, solver, problem, Stopping())
        require = partial(convergence.require_target, instance, what=str(problem))
        require(reach())
        return ratio(partial(lstsq, problem), Solutions(reach, require))

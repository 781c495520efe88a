"""Which descent, driven by which gradient, is at the answer first, and where direct solvers win.

All solvers of one problem run in one process, one problem after another: in the first process each
solver once to see how it converges, and then, if it gets to 1e-8, again and again in turn, for as
many iterations as that takes, from X and y as they come: preparation of the way, L and mu included.
"""

import math
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from kernels import METHODS, WAYS, Solution, Stopping, descend
from suites.data import problems
from suites.data.families import with_condition
from suites.harness import benchmark, convergence
from suites.harness.benchmark import with_attributes
from suites.harness.group import Findings, Group, key_of, right_ways, sizes
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import SOLVERS, lstsq
from suites.harness.threads import use_threads
from suites.harness.timing import ratio
from suites.harness.verified import Verified
from suites.judge import WrongAnswerError

# The seconds that one descent may take: more than the slowest direct solver.
_SIZES = {"100 x 10": 0.2, "2000 x 50": 0.2, "200000 x 50": 0.4}
_CONDITIONS = ["10", "1000"]  # of X: 100 and 1e6 for the Hessian
_ALONE = {"torch SGD": "torch", "torch LBFGS": "torch", "lsqr": "numpy", "lsmr": "numpy"}
_ALONE["reduced conjugate gradients"] = "numba"

_DESCENTS = [
    f"{method} by {way}"
    for method in METHODS
    for way in ([_ALONE[method]] if method in _ALONE else WAYS)
]
_LOOPS = ["gradient descent", "nesterov", "barzilai-borwein", "conjugate gradients"]
_OVER = ["numpy", "torch"]
_LOOPED = ["100 x 4", "100 x 10", "30 x 30", "200000 x 50"]
_REDUCED = "reduced conjugate gradients by numba"
_REDUCED_ON = [["10", "1000", "1e6"], ["5000 x 50", "200000 x 50", "50000 x 200"]]
# Not numba, whose solution is a descent.
_DIRECT = {f"direct by {way}": SOLVERS[way] for way in ("torch", "numpy", "scipy")}
_DIRECT["minimum_norm"] = SOLVERS["minimum_norm"]


class Descents(Group):
    """Every descent and direct solver, on one problem after another.

    X = U diag(σ) Vᵀ with σ in equal ratios, and noise of a thousandth. The problems share a
    process, as it takes some six seconds to import and to load what is compiled.
    """

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        for size, condition in product(sizes(_SIZES), _CONDITIONS):
            instance = with_condition(*problems.shape(size), float(condition))
            with found.part(key_of(condition, size)) as of_problem:
                convergence.measure(of_problem, instance, _DESCENTS, _DIRECT, _SIZES[size])

    @staticmethod
    def cost(*point: Any) -> float:
        return 28.0


class Descent(benchmark.Benchmark):
    """A descent, or a direct solver, to a relative suboptimality of 1e-8; n/a: not reached."""

    group = Descents
    param_names = ["solver", "condition number", "X"]
    params = [[*_DESCENTS, *_DIRECT], _CONDITIONS, list(_SIZES)]

    @with_attributes(unit="seconds", version="2")  # threads are awake
    def track_time(self, *of: Any) -> dict[str, Any]:
        """Seconds to 1e-8, everything included; of runs that take turns with the others."""
        return self.figure("time", *of)

    @with_attributes(unit="iterations")
    def track_iterations(self, solver: str, *problem: Any) -> float:
        """Iterations to 1e-8; 0 for a direct solver."""
        if solver in _DIRECT:
            return 0
        judged = self.first(()).judged.get(key_of(*problem), {})
        iterations = judged.get("iterations", {}).get(solver)
        return math.nan if iterations is None else iterations

    @with_attributes(unit="seconds")
    def track_seconds_curve(self, *of: Any) -> dict[str, Any]:
        """The samples are the curve: seconds to 0.1, 0.01, ... 1e-10, as far as it got."""
        return self._curve("seconds curve", *of)

    @with_attributes(unit="gradients")
    def track_evaluations_curve(self, *of: Any) -> dict[str, Any]:
        """The samples are the curve: gradients to 0.1, 0.01, ... 1e-10, as far as it got."""
        return self._curve("evaluations curve", *of)

    def _curve(self, name: str, *of: Any) -> dict[str, Any]:
        curve = self.first(()).figures.get(name, {}).get(key_of(*of))
        return {"samples": curve or [math.nan], "number": 1}


class Loops(Group):
    """Loops in Python on the gradients of numpy and torch, and the compiled ones.

    The same iterations, L included: 1000 where n p <= 1000, 10 out of cache.
    """

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        for size in sizes(_LOOPED):
            with found.part(size) as of_size:
                _loops(of_size, *problems.shape(size))

    @staticmethod
    def cost(*point: Any) -> float:
        return 25.0


def _loops(found: Findings, n: int, p: int) -> None:
    problem = with_condition(n, p, 10.0).problem
    prepared = [(name, WAYS[name](problem)) for name in ("numba", *_OVER)]
    ways = right_ways(found, prepared, found.truth(problem))
    if "numba" not in ways:
        return
    stopping = convergence.for_iterations(1000 if n * p <= 1000 else 10)
    for method, over in product(_LOOPS, _OVER):
        if over in ways:
            _loop(found, method, ways[over], ways["numba"], stopping, key_of(method, over))


def _loop(
    found: Findings, method: str, over: Verified, numba: Verified, stopping: Stopping, key: str
) -> None:
    """Compare two loops, which must end at the same value."""
    truth, ways = numba.truth, [over.way, numba.way]
    other, compiled = (partial(descend, method, way, stopping) for way in ways)
    values = [way.value(call().w) for way, call in zip(ways, (other, compiled), strict=True)]
    at_start = ways[0].value(np.zeros(truth.problem.p))  # f(w*) may be zero

    def require_agreement(answer: Solution) -> None:
        value = ways[1].value(answer.w)
        if not math.isclose(value, values[0], rel_tol=1e-9, abs_tol=1e-12 * at_start):
            raise WrongAnswerError(f"{key}: f = {values[0]}, {value} compiled")

    both = (
        Solutions(other, require_agreement, truth),
        Solutions(compiled, require_agreement, truth),
    )
    with found.judging(key):
        found.put("speed-up", key, ratio(*both, rounds=(1, 1)))  # of a thousand iterations each


class Loop(benchmark.Benchmark):
    """Time of a loop in Python on another way's gradients over that of the compiled one."""

    group = Loops
    param_names = ["method", "over", "X"]
    params = [_LOOPS, _OVER, _LOOPED]

    @with_attributes(unit="x")
    def track_speedup(self, method: str, over: str, size: str) -> dict[str, Any]:
        also = [key_of("numba", size), key_of(over, size)]
        return self.figure("speed-up", method, over, size, also=also)


class Reductions(Group):
    """numpy.linalg.lstsq, and conjugate gradients on the p x p factor to 1e-8, by problem."""

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        conditions, every = _REDUCED_ON
        for size, condition in product(sizes(every), conditions):
            key = key_of(condition, size)
            instance = with_condition(*problems.shape(size), float(condition))
            problem = instance.problem
            use_threads(cores())
            reach = partial(convergence.descended, _REDUCED, problem, Stopping())
            require = partial(convergence.require_target, instance, what=str(problem))
            with found.judging(key):
                require(reach())
                ours = Solutions(reach, require)
                found.put("speed-up", key, ratio(partial(lstsq, problem), ours, rounds=(1, 3)))

    @staticmethod
    def cost(*point: Any) -> float:
        return 20.0


class Reduced(benchmark.Benchmark):
    """Time of numpy.linalg.lstsq over that of conjugate gradients on the p x p factor, to 1e-8."""

    group = Reductions
    param_names = ["condition number", "X"]
    params = _REDUCED_ON

    @with_attributes(unit="x")
    def track_speedup_over_lstsq(self, *of: Any) -> dict[str, Any]:
        return self.figure("speed-up", *of)

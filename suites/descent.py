"""Which descent, driven by which gradient, is at the answer first, and where direct solvers win.

The relative suboptimality of w is (f(w) - f(w*)) / (f(0) - f(w*)) = |X(w - w*)|² / |Xw*|², with w*
known by construction. All solvers of one problem run in one process (asv's setup_cache): each once
to see how it converges, and then, if it gets to 1e-8, again and again in turn, for as many
iterations as that takes, from X and y as they come: preparation of the way, L and mu included.
"""

import math
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from kernels import (
    METHODS,
    WAYS,
    Array,
    LeastSquares,
    Progress,
    Solution,
    Stopping,
    descend,
    minimum_norm,
)
from suites.data.families import Posed, with_condition
from suites.harness import Solutions, Truth, Verified, why_wrong
from suites.harness.machine import cores
from suites.harness.single import in_turn
from suites.harness.timing import ratio, use_threads
from suites.judge import WrongAnswerError

TARGET = 1e-8
_DECADES = range(1, 11)
_SIZES = {"100 x 10": (100, 10), "2000 x 50": (2000, 50), "200000 x 50": (200_000, 50)}
_CONDITIONS = ["10", "1000"]  # of X: 100 and 1e6 for the Hessian
_ALONE = {"torch SGD": "torch", "torch LBFGS": "torch", "lsqr": "numpy", "lsmr": "numpy"}
_ALONE["reduced conjugate gradients"] = "numba"
_SILENT = ("lsqr", "lsmr")  # they show no iterates
_SECONDS = {"100 x 10": 0.3, "2000 x 50": 0.5, "200000 x 50": 1.5}  # for one descent
_BUDGET = 10.0  # seconds for the rounds together

_DESCENTS = [
    f"{method} by {way}"
    for method in METHODS
    for way in ([_ALONE[method]] if method in _ALONE else WAYS)
]
# Not numba, whose solution is a descent.
_DIRECT = ["direct by torch", "direct by numpy", "direct by scipy", "minimum_norm"]


class Converged(NamedTuple):
    """``iterations`` to the target, or None; at each decade reached, the seconds and gradients."""

    iterations: int | None
    seconds: list[float]
    evaluations: list[float]


class Measured(NamedTuple):
    curve: Converged
    times: list[float]
    wrong: str


Cache = dict[tuple[str, str, str], Measured]


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
            for size in _SIZES
            for condition in _CONDITIONS
            for solver, measured in _all_measured(size, condition).items()
        }

    def track_time(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """Seconds to 1e-8, everything included; median of runs that take turns with the others."""
        measured = cache[key]
        if measured.wrong:
            raise WrongAnswerError(measured.wrong)
        return {"samples": measured.times or [math.nan], "number": 1}

    def track_iterations(self, cache: Cache, *key: Any) -> float:
        """Iterations to 1e-8; 0 for a direct solver."""
        iterations = cache[key].curve.iterations
        return math.nan if iterations is None else iterations

    def track_seconds_curve(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """The samples are the curve: seconds to 0.1, 0.01, ... 1e-10, as far as it got."""
        return {"samples": cache[key].curve.seconds or [math.nan], "number": 1}

    def track_evaluations_curve(self, cache: Cache, *key: Any) -> dict[str, Any]:
        """The samples are the curve: gradients to 0.1, 0.01, ... 1e-10, as far as it got."""
        return {"samples": cache[key].curve.evaluations or [math.nan], "number": 1}

    track_time.unit = "seconds"  # type: ignore[attr-defined]
    track_iterations.unit = "iterations"  # type: ignore[attr-defined]
    track_seconds_curve.unit = "seconds"  # type: ignore[attr-defined]
    track_evaluations_curve.unit = "gradients"  # type: ignore[attr-defined]


class Loop:
    """Time of a loop in Python on another way's gradients over that of the compiled one.

    The same iterations, L included: 1000 where n p <= 1000, 20 out of cache.
    """

    param_names = ["method", "over", "X"]
    params = [
        ["gradient descent", "nesterov", "barzilai-borwein", "conjugate gradients"],
        ["numpy", "torch"],
        ["100 x 4", "100 x 10", "30 x 30", "200000 x 50"],
    ]
    version = "1"
    timeout = 300.0

    def track_speedup(self, method: str, over: str, size: str) -> dict[str, Any]:
        n, p = _shape(size)
        problem = with_condition(n, p, 10.0).problem
        iterations = 1000 if n * p <= 1000 else 20
        stopping = Stopping(gradient=0, iterations=iterations, patience=10**6)
        truth = Truth(problem)
        ways = [WAYS[name](problem) for name in (over, "numba")]
        use_threads(cores())
        for way in ways:
            Verified(way, truth)
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

    track_speedup.unit = "x"  # type: ignore[attr-defined]


class Reduced:
    """Time of numpy.linalg.lstsq over that of conjugate gradients on the p x p factor, to 1e-8."""

    param_names = ["condition number", "X"]
    params = [["10", "1000", "1e6"], ["5000 x 50", "200000 x 50", "50000 x 200"]]
    version = "1"
    timeout = 300.0

    def track_speedup_over_lstsq(self, condition: str, size: str) -> dict[str, Any]:
        posed = with_condition(*_shape(size), float(condition))
        problem = posed.problem
        use_threads(cores())
        reach = partial(_descended, "reduced conjugate gradients by numba", problem, Stopping())
        _require_target(posed, reach(), str(problem))
        return ratio(
            partial(np.linalg.lstsq, problem.X, problem.y, problem.rcond),
            Solutions(reach, lambda w: _require_target(posed, w, str(problem))),
        )

    track_speedup_over_lstsq.unit = "x"  # type: ignore[attr-defined]


def _shape(size: str) -> tuple[int, int]:
    n, p = map(int, size.split(" x "))
    return n, p


def _descended(
    solver: str,
    problem: LeastSquares,
    stopping: Stopping,
    observe: Callable[[Progress], None] | None = None,
) -> Array:
    """Prepare the way and descend: what a user does who has X and y."""
    method, way = solver.split(" by ")
    return descend(method, WAYS[way](problem), stopping, observe=observe).w


def _solved(solver: str, problem: LeastSquares) -> Array:
    if solver == "minimum_norm":
        return minimum_norm(problem).w
    return WAYS[solver.removeprefix("direct by ")](problem).solve().w


def suboptimality(posed: Posed, w: Array) -> float:
    X, best = posed.problem.X, posed.w
    assert best is not None
    return float(np.linalg.norm(X @ (w - best)) / np.linalg.norm(X @ best)) ** 2


def _require_target(posed: Posed, w: Array, what: str) -> None:
    if not (gap := suboptimality(posed, w)) <= 1.01 * TARGET:
        raise WrongAnswerError(f"{what}: relative suboptimality {gap:.2g}")


def _all_measured(size: str, condition: str) -> dict[str, Measured]:
    posed = with_condition(*_shape(size), float(condition))
    truth = Truth(posed.problem)
    use_threads(cores())
    wrong = _wrong_ways(truth)
    descents = [solver for solver in _DESCENTS if solver not in wrong]
    curves = {solver: _curve(solver, posed, _SECONDS[size]) for solver in descents}
    calls: dict[str, Callable[[], Array]] = {
        solver: partial(_descended, solver, posed.problem, _for_iterations(curve.iterations))
        for solver, curve in curves.items()
        if curve.iterations
    }
    calls |= {solver: partial(_solved, solver, posed.problem) for solver in _DIRECT}
    curves |= dict.fromkeys(_DIRECT, Converged(0, [], []))
    curves |= dict.fromkeys(wrong, Converged(None, [], []))
    wrong |= {solver: _wrong(posed, solver, call()) for solver, call in calls.items()}
    right = {solver: call for solver, call in calls.items() if not wrong[solver]}
    times, last = in_turn(right, _BUDGET)
    wrong |= {solver: _wrong(posed, solver, w) for solver, w in last.items()}
    truth.require_unchanged("descent")
    return {
        solver: Measured(curve, times.get(solver, []), wrong.get(solver, ""))
        for solver, curve in curves.items()
    }


def _wrong_ways(truth: Truth) -> dict[str, str]:
    """Return the descents whose gradients are wrong, and how: a descent may hide that."""
    way_of = {solver: solver.split(" by ")[1] for solver in _DESCENTS}
    wrong = {way: why_wrong(WAYS[way](truth.problem), truth) for way in set(way_of.values())}
    return {solver: wrong[way] for solver, way in way_of.items() if wrong[way]}


def _until(seconds: float) -> Stopping:
    return Stopping(gradient=1e-11, iterations=10**9, seconds=seconds)


def _for_iterations(count: int) -> Stopping:
    return Stopping(gradient=0, iterations=count, patience=10**6)


def _wrong(posed: Posed, solver: str, w: Array) -> str:
    try:
        _require_target(posed, w, solver)
    except WrongAnswerError as error:
        return str(error)
    return ""


def _curve(solver: str, posed: Posed, seconds: float) -> Converged:
    """Run once, after a first run that compiles, and read the curve off what is shown."""
    problem, best = posed.problem, posed.w
    assert best is not None
    _descended(solver, problem, Stopping(iterations=2))
    if solver.split(" by ")[0] in _SILENT:
        return _silent_curve(solver, posed)
    seen: list[Progress] = []
    _descended(solver, problem, _until(seconds), seen.append)
    if not seen:
        return Converged(None, [], [])
    y, residual = problem.y, problem.X @ best - problem.y
    lowest = float(residual @ residual) / problem.n
    values = np.concatenate([stretch.values for stretch in seen])
    gaps = (values - lowest) / (float(y @ y) / problem.n - lowest)
    firsts = [int(np.argmax(gaps <= 10.0**-k)) for k in _DECADES if (gaps <= 10.0**-k).any()]
    return Converged(
        int(np.argmax(gaps <= TARGET)) + 1 if (gaps <= TARGET).any() else None,
        [float(np.concatenate([stretch.seconds for stretch in seen])[k]) for k in firsts],
        [float(np.concatenate([stretch.evaluations for stretch in seen])[k]) for k in firsts],
    )


def _silent_curve(solver: str, posed: Posed) -> Converged:
    """Run with limits of 1, 2, 3, 5, 7, 11, ... iterations: half more each time."""
    reached: dict[int, tuple[int, float]] = {}
    limit, gap = 1, 1.0
    while gap > 10.0 ** -_DECADES[-1] and limit < 2000:
        began = perf_counter()
        gap = suboptimality(posed, _descended(solver, posed.problem, _for_iterations(limit)))
        for k in _DECADES:
            if gap <= 10.0**-k:
                reached.setdefault(k, (limit, perf_counter() - began))
        limit = max(limit + 1, limit * 3 // 2)
    iterations = reached.get(round(-math.log10(TARGET)), (None, 0.0))[0]
    limits = [reached[k] for k in _DECADES if k in reached]
    return Converged(
        iterations, [time for _, time in limits], [float(count) for count, _ in limits]
    )

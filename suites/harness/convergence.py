"""How a descent converges, and how long it takes to the target beside direct solvers.

The relative suboptimality of w is (f(w) - f(w*)) / (f(0) - f(w*)) = |X(w - w*)|² / |Xw*|², with w*
known by construction.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np

from kernels import WAYS, Array, LeastSquares, Progress, Stopping, descend
from suites.data import problems
from suites.data.families import Instance
from suites.harness.group import Findings
from suites.harness.machine import cores
from suites.harness.solvers import Solver
from suites.harness.threads import use_threads
from suites.harness.timing import round_robin
from suites.harness.verified import Truth, why_wrong
from suites.judge import WrongAnswerError

TARGET = 1e-8
DECADES = range(1, 11)
_SILENT = ("lsqr", "lsmr")  # they show no iterates
_SMALL = problems.gaussian(20, 5)
_BUDGET = 1.0  # seconds for the rounds together


class Curve(NamedTuple):
    """``iterations`` to the target, or None; at each decade reached, the seconds and gradients."""

    iterations: int | None
    seconds: list[float]
    evaluations: list[float]


Iterations = dict[str, int | None]  # to the target, by solver


def measure(
    found: Findings,
    instance: Instance,
    descents: Sequence[str],
    direct: Mapping[str, Solver],
    seconds: float,
    budget: float = _BUDGET,
) -> None:
    """Measure descents ("method by way") and direct solvers on one problem.

    Put down of each are the seconds of runs to the target, iterations and the curve. One descent
    may take some ``seconds`` to show its curve, and the runs that are timed take some ``budget``
    together. What is wrong has no times. The curves are of the first process: it hands the numbers
    of iterations to those that follow.
    """
    problem, truth = instance.problem, found.truth(instance.problem)
    use_threads(cores())
    wrong = _wrong_ways(truth, descents)
    for solver in descents:
        if solver not in wrong:
            _warm_up(solver, problem)
    iterations: Iterations = found.judged.get("iterations") or _curves(
        found, instance, [solver for solver in descents if solver not in wrong], seconds
    )
    found.judged["iterations"] = iterations
    calls: dict[str, Callable[[], Array]] = {
        solver: partial(descended, solver, problem, for_iterations(count))
        for solver, count in iterations.items()
        if count and solver not in wrong
    }
    calls |= {name: partial(_solution, solve, problem) for name, solve in direct.items()}
    times, last = round_robin(calls, budget)
    for solver, w in last.items():
        found.put("time", solver, times[solver])
        wrong |= {solver: why} if (why := _wrong(instance, solver, w)) else {}
    try:
        truth.require_unchanged("descent")
    except WrongAnswerError as error:  # then nothing can be said of any of them
        wrong = dict.fromkeys([*descents, *direct], str(error)) | wrong
    for solver, why in wrong.items():
        found.forget(solver, why)


def _warm_up(solver: str, problem: LeastSquares) -> None:
    """Run for two iterations: what is compiled is loaded, for these n and p, or imported."""
    is_compiled = solver.endswith(" by numba")
    descended(solver, problem if is_compiled else _SMALL, Stopping(iterations=2))


def _curves(
    found: Findings, instance: Instance, descents: Sequence[str], seconds: float
) -> Iterations:
    """Run each descent once, put down its curve, and return its iterations to the target."""
    iterations: Iterations = {}
    for solver in descents:
        curve = _curve(solver, instance, seconds)
        iterations[solver] = curve.iterations
        found.put("seconds curve", solver, curve.seconds)
        found.put("evaluations curve", solver, curve.evaluations)
    return iterations


def descended(
    solver: str,
    problem: LeastSquares,
    stopping: Stopping,
    observe: Callable[[Progress], None] | None = None,
) -> Array:
    """Prepare the way and descend: what a user does who has X and y."""
    method, way = solver.split(" by ")
    return descend(method, WAYS[way](problem), stopping, observe=observe).w


def _solution(solve: Solver, problem: LeastSquares) -> Array:
    return solve(problem).w


def suboptimality(instance: Instance, w: Array) -> float:
    """Return the relative suboptimality of w."""
    X, best = instance.problem.X, instance.w
    assert best is not None
    return float(np.linalg.norm(X @ (w - best)) / np.linalg.norm(X @ best)) ** 2


def require_target(instance: Instance, w: Array, what: str) -> None:
    """Raise `WrongAnswerError` if w is not at the target."""
    if not (gap := suboptimality(instance, w)) <= 1.01 * TARGET:
        raise WrongAnswerError(f"{what}: relative suboptimality {gap:.2g}")


def _wrong_ways(truth: Truth, descents: Sequence[str]) -> dict[str, str]:
    """Return the descents whose gradients are wrong, and how: a descent may hide that."""
    way_of = {solver: solver.split(" by ")[1] for solver in descents}
    wrong = {way: why_wrong(WAYS[way](truth.problem), truth) for way in set(way_of.values())}
    return {solver: wrong[way] for solver, way in way_of.items() if wrong[way]}


def _until(seconds: float) -> Stopping:
    return Stopping(gradient=1e-11, iterations=10**9, seconds=seconds)


def for_iterations(count: int) -> Stopping:
    """Return limits that nothing but the number of iterations meets."""
    return Stopping(gradient=0, iterations=count, patience=10**6)


def _wrong(instance: Instance, solver: str, w: Array) -> str:
    try:
        require_target(instance, w, solver)
    except WrongAnswerError as error:
        return str(error)
    return ""


def _curve(solver: str, instance: Instance, seconds: float) -> Curve:
    """Run once and read the curve off what is shown."""
    problem, best = instance.problem, instance.w
    assert best is not None
    if solver.split(" by ")[0] in _SILENT:
        return _silent_curve(solver, instance, seconds)
    seen: list[Progress] = []
    descended(solver, problem, _until(seconds), seen.append)
    if not seen:
        return Curve(None, [], [])
    y, residual = problem.y, problem.X @ best - problem.y
    lowest = float(residual @ residual) / problem.n
    values = np.concatenate([stretch.values for stretch in seen])
    gaps = (values - lowest) / (float(y @ y) / problem.n - lowest)
    firsts = [int(np.argmax(gaps <= 10.0**-k)) for k in DECADES if (gaps <= 10.0**-k).any()]
    return Curve(
        int(np.argmax(gaps <= TARGET)) + 1 if (gaps <= TARGET).any() else None,
        [float(np.concatenate([stretch.seconds for stretch in seen])[k]) for k in firsts],
        [float(np.concatenate([stretch.evaluations for stretch in seen])[k]) for k in firsts],
    )


def _silent_curve(solver: str, instance: Instance, seconds: float) -> Curve:
    """Run with limits of 1, 2, 3, 5, 7, 11, ... iterations, until a run takes these seconds."""
    reached: dict[int, tuple[int, float]] = {}
    limit, gap, took = 1, 1.0, 0.0
    while gap > 10.0 ** -DECADES[-1] and took < seconds:
        began = perf_counter()
        w = descended(solver, instance.problem, for_iterations(limit))
        took = perf_counter() - began
        gap = suboptimality(instance, w)
        for k in DECADES:
            if gap <= 10.0**-k:
                reached.setdefault(k, (limit, took))
        limit = max(limit + 1, limit * 3 // 2)
    iterations = reached.get(round(-math.log10(TARGET)), (None, 0.0))[0]
    limits = [reached[k] for k in DECADES if k in reached]
    return Curve(iterations, [time for _, time in limits], [float(count) for count, _ in limits])

"""Each way on a user's data: right or wrong first, then what it costs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import scipy.stats

from kernels import WAYS, LeastSquares, Solution
from kernels.one_pass import clock
from report.comparison import noise
from report.results import Cell
from suites.harness.timing import BUDGET, unchecked, wake
from suites.harness.turns import Turns
from suites.harness.verified import Truth, Verified
from suites.judge import RIGHT, SolutionJudge, WrongAnswerError

Step = Callable[[str], None]
_SOLVES, _SOLVING = 6, 3.0  # at most so many, until so many seconds are spent
_ROUNDS = 3, 10_000  # where a user says for how long
_CONFIDENCE = 0.95
_AGAIN = "numpy again"  # numpy against itself: the noise
_NAMES = {_AGAIN: "numpy"}


@dataclass
class Findings:
    """What was found of a way; times are (median, lower, upper quartile) in seconds, if right.

    ``error`` is that of the gradient as a share of its bound: above 1 is wrong. ``solution`` is
    "right", "wrong: why", or "says no: how far off it is". For ``compiling`` seconds the first call
    compiled, or loaded compiled code; ``times`` are without that.
    """

    error: float = float("nan")
    wrong: str = ""
    solution: str = ""
    found: Solution | None = None
    preparation: float = float("nan")
    first_call: float = float("nan")
    first_solve: float = float("nan")
    times: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    speedup: tuple[float, float, float] | None = None
    compiling: float = 0.0

    @property
    def is_judged(self) -> bool:
        return bool(self.wrong) or not math.isnan(self.error)

    @property
    def is_right(self) -> bool:
        return not self.wrong and self.error <= 1


@dataclass
class Measured:
    """The ways by name, and the noise (`report.comparison`): None where it is not known.

    Gradients were timed for so many ``seconds``, all ways together. Ways that are ``left_out``
    cannot be imported, for the reason that is given.
    """

    ways: dict[str, Findings] = field(default_factory=dict)
    noise: float | None = None
    seconds: float = BUDGET
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> "Measured":
        """Import the ways; return what is known of those that can be: nothing yet."""
        known = cls()
        for name in WAYS:
            try:
                WAYS[name]
            except ImportError as error:
                known.left_out[name] = str(error)
        return known

    @property
    def names(self) -> list[str]:
        """The ways of which something is to be found."""
        return [name for name in WAYS if name not in self.left_out]


def measure(
    problem: LeastSquares, rank: int, known: Measured, step: Step, budget: float | None = None
) -> None:
    """Fill in what is known, way by way; what is there already stays if it is interrupted.

    Gradients are timed for a ``budget`` of seconds, all ways together.
    """
    step("reference")
    truth = Truth(problem)
    judge = SolutionJudge(problem, rank if rank < problem.p else None)
    verified: dict[str, Verified] = {}
    for name in known.names:
        step(name)
        way, kind = known.ways.setdefault(name, Findings()), WAYS[name]
        began = perf_counter()
        prepared = kind(problem)
        way.preparation = perf_counter() - began
        began, compiled = perf_counter(), clock.now()
        gradient = prepared.gradient(truth.points[0])
        way.first_call = perf_counter() - began
        way.compiling = way.first_call - (clock.now() - compiled)
        try:
            verified[name] = Verified(prepared, truth)
        except WrongAnswerError as error:
            way.wrong = str(error)
            truth.let_threads_be()  # no other way is to blame for a thread of this one
        if type(gradient) is np.ndarray:
            way.error = truth.oracles[0].gradient_error(gradient, factored=prepared.factored)
        _solve(prepared, judge, way)
    known.seconds = budget or BUDGET
    step("gradients")
    calls = {name: verified[name].gradient for name in verified if known.ways[name].is_right}
    if "numpy" in calls:
        calls[_AGAIN] = verified["numpy"].gradient
    seconds = _timed(known, "gradient", calls, budget)
    if "numpy" in seconds:
        known.noise = noise(Cell(*_of_median(seconds[_AGAIN] / seconds["numpy"])))
        for name in seconds.keys() & known.ways:
            known.ways[name].speedup = _of_median(seconds["numpy"] / seconds[name])
    step("values and gradients")
    right = [name for name in verified if known.ways[name].is_right]
    _timed(known, "value and gradient", {k: verified[k].value_and_gradient for k in right})


def _solve(prepared: Any, judge: SolutionJudge, way: Findings) -> None:
    """Solve, judge, and solve again for a while; what compiling takes is in the first only.

    What the first takes to wake its threads is not in the times.
    """
    way.found, way.first_solve, took = _once(prepared)
    wake(prepared.solve, took)
    times, last = [took], way.found
    while len(times) < _SOLVES and sum(times) < _SOLVING:
        last, _, took = _once(prepared)
        times.append(took)
    way.solution = judged(way.found, judge)
    if way.solution == "right" and last.w.tobytes() != way.found.w.tobytes():
        way.solution = judged(last, judge)
    if way.solution == "right":
        way.times["solve"] = _interval(times[1:] or times)


def judged(found: Solution, judge: SolutionJudge) -> str:
    """Return a verdict as `Findings` has it."""
    if not found.converged:
        off = max(judge.ratios(found.w).values())
        return f"says no: {off:.2g} units of rounding off, and below {RIGHT:g} is right"
    try:
        judge.check(found)
    except WrongAnswerError as error:
        return f"wrong: {error}"
    return "right"


def _once(prepared: Any) -> tuple[Solution, float, float]:
    """Return the solution, and the seconds that it took, with and without those of compiling."""
    began, compiled = perf_counter(), clock.now()
    found = prepared.solve()
    return found, perf_counter() - began, clock.now() - compiled


def _timed(
    known: Measured, what: str, calls: dict[str, Turns], budget: float | None = None
) -> dict[str, Any]:
    """Time the calls; return and keep the times of those that were still right afterwards."""
    them = list(calls.values())
    seconds = unchecked(them) if budget is None else unchecked(them, _ROUNDS, budget)
    columns = dict(zip(calls, seconds.T, strict=True))
    for name, turns in calls.items():
        if wrong := turns.why_wrong():
            way = known.ways[_NAMES.get(name, name)]
            way.wrong, way.speedup = wrong, None
            way.times.pop("gradient", None)
    right = {
        name: column
        for name, column in columns.items()
        if known.ways[_NAMES.get(name, name)].is_right
    }
    for name in right.keys() & known.ways:
        known.ways[name].times[what] = _interval(right[name])
    return right


def _interval(samples: Any) -> tuple[float, float, float]:
    """Return the median and the quartiles."""
    low, median, high = np.quantile(samples, [0.25, 0.5, 0.75])
    return float(median), float(low), float(high)


def _of_median(samples: Any) -> tuple[float, float, float]:
    """Return the median and its interval at 95 %, by order statistics; all there is of a few."""
    ordered = np.sort(samples)
    count = len(ordered)
    k = int(scipy.stats.binom.ppf((1 - _CONFIDENCE) / 2, count, 0.5))
    low, high = ordered[max(0, k - 1)], ordered[min(count - 1, count - k)]
    return float(np.median(ordered)), float(low), float(high)

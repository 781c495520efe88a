"""Each way on a user's data: right or wrong first, then what it costs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from kernels import WAYS, LeastSquares, Solution
from suites import problems
from suites.judge import GradientOracle, WrongAnswerError, check_solution
from suites.timing import interleaved

Step = Callable[[str], None]
_SOLVES, _SOLVING = 6, 3.0  # at most so many, until so many seconds are spent
_TIE = "numpy again"  # numpy against itself: the noise


@dataclass
class Way:
    """What was found of a way; times are (median, lower, upper quartile) in seconds, if right.

    ``error`` is that of the gradient as a share of its bound: above 1 is wrong. ``solution`` is
    "right", "wrong: why", or "says no".
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

    @property
    def is_judged(self) -> bool:
        return bool(self.wrong) or not math.isnan(self.error)

    @property
    def is_right(self) -> bool:
        return not self.wrong and self.error <= 1


@dataclass
class Measured:
    """The ways by name, and the noise: how far numpy was from itself."""

    ways: dict[str, Way] = field(default_factory=dict)
    noise: float = float("nan")


def measure(problem: LeastSquares, rank: int, known: Measured, step: Step) -> None:
    """Fill in what is known, way by way; what is there already stays if it is interrupted."""
    w = problems.start(problem)
    step("reference")
    oracle = GradientOracle(problem, w)
    prepared: dict[str, Any] = {}
    for name in WAYS:
        step(name)
        way, kind = known.ways.setdefault(name, Way()), WAYS[name]  # imported before it is timed
        began = perf_counter()
        prepared[name] = kind(problem)
        way.preparation = perf_counter() - began
        began = perf_counter()
        gradient = prepared[name].gradient(w)
        way.first_call = perf_counter() - began
        way.error = oracle.gradient_error(gradient, factored=prepared[name].factored)
        try:
            oracle.check(prepared[name], w)
        except WrongAnswerError as error:
            way.wrong = str(error)
        _solve(problem, rank, prepared[name], way)
    right = [name for name, way in known.ways.items() if way.is_right]
    if not right:
        return
    step("gradients")
    calls = {name: _call(prepared[name].gradient, w) for name in right}
    seconds = _timed(known, "gradient", calls | {_TIE: _call(prepared["numpy"].gradient, w)})
    if "numpy" in right:
        _, low, high = _interval(seconds[_TIE] / seconds["numpy"])
        known.noise = max(abs(low - 1), abs(high - 1))
        for name in right:
            known.ways[name].speedup = _interval(seconds["numpy"] / seconds[name])
    step("values and gradients")
    calls = {name: _call(prepared[name].value_and_gradient, w) for name in right}
    _timed(known, "value and gradient", calls)


def _solve(problem: LeastSquares, rank: int, prepared: Any, way: Way) -> None:
    """Solve, judge, and solve again for a while: one call may have compiled."""
    way.found, way.first_solve = _once(prepared)
    times = [way.first_solve]
    while len(times) < _SOLVES and sum(times) < _SOLVING:
        times.append(_once(prepared)[1])
    if not way.found.converged:
        way.solution = "says no"
        return
    try:
        check_solution(problem, rank if rank < problem.p else None, way.found)
    except WrongAnswerError as error:
        way.solution = f"wrong: {error}"
    else:
        way.solution = "right"
        way.times["solve"] = _interval(times[1:] or times)


def _once(prepared: Any) -> tuple[Solution, float]:
    began = perf_counter()
    found = prepared.solve()
    return found, perf_counter() - began


def _call(function: Callable[[Any], object], w: Any) -> Callable[[], object]:
    return lambda: function(w)


def _timed(known: Measured, what: str, calls: dict[str, Callable[[], object]]) -> dict[str, Any]:
    seconds = interleaved(list(calls.values()))
    columns = dict(zip(calls, seconds.T, strict=True))
    for name, column in columns.items():
        if name in known.ways:
            known.ways[name].times[what] = _interval(column)
    return columns


def _interval(samples: Any) -> tuple[float, float, float]:
    """Return the median and the quartiles."""
    low, median, high = np.quantile(samples, [0.25, 0.5, 0.75])
    return float(median), float(low), float(high)

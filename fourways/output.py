"""What `fourways compare` says: on a terminal of 80 columns, and as JSON."""

import json
import math
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from fourways.advice import advice, interval, seconds
from fourways.dependencies import Relation
from fourways.diagnosis import Diagnosis
from fourways.measure import Findings, Measured
from fourways.reading import Told
from kernels import LeastSquares
from report.comparison import TOLD, is_beyond, is_tie
from report.results import Cell

_LINE = 100  # characters at most, of what has names of the user's in it
_SHOWN = 12  # relations
_NEARLY_ONE = 0.9999  # R²
_EXACT = 1e-13  # of |y|: a residual that is rounding
_SEEN = 0.05  # seconds of compiling that are said


def described(data: Told, problem: LeastSquares, found: Diagnosis, where: str) -> str:
    """Return the data and X in words: how it was read, shape, rank, fit, dependent columns."""
    lines = [
        *data.notes,
        f"X is {problem.n:,} x {problem.p}, {problem.dtype}, alpha {problem.alpha:g}, {where}",
        f"condition number {found.condition:.2g}, rank {found.rank} of {problem.p}; {_fit(found)}",
    ]
    if data.dropped:
        lines.append(f"rows with missing values, left out: {data.dropped:,}")
    lines += _warnings(problem, found)
    if found.dependencies:
        lines.append("columns that depend on others:")
        lines += _relations(found.dependencies)
        if not problem.alpha:
            lines.append("the solution meant is that of least norm")
    if found.nearly:
        lines.append("columns that depend on others but for the last printed digit:")
        lines += _relations(found.nearly)
    return "\n".join(line if len(line) <= _LINE else line[: _LINE - 4] + " ..." for line in lines)


def _relations(found: list[Relation]) -> list[str]:
    more = len(found) - _SHOWN
    lines = [f"  {relation}" for relation in found[:_SHOWN]]
    return lines + [f"  and {more} more, all of them by --json"] * (more > 0)


def _fit(found: Diagnosis) -> str:
    share = found.r_squared
    about = f"R² {share:.4g}" if share < _NEARLY_ONE else f"R² 1 - {1 - share:.2g}"
    return f"{about}, residual norm {found.residual_norm:.3g}"


def _warnings(problem: LeastSquares, found: Diagnosis) -> list[str]:
    """Say where the fit says nothing."""
    if problem.n == found.rank:
        return [
            f"the fit says nothing: {found.rank} independent columns pass through any {problem.n}"
            f" row{'s' * (problem.n > 1)}"
        ]
    if found.residual_norm <= _EXACT * found.response_norm:
        return ["the target is a combination of the columns, to rounding: R² is 1 by construction"]
    return []


def tables(known: Measured) -> str:
    """Return what is right and what it costs, as two tables of at most 80 columns."""
    judged = [
        [
            name,
            _error(way),
            _solution(way),
            _time(way.preparation),
            _time(way.first_call),
            _speedup(way, known.noise),
        ]
        for name, way in known.ways.items()
    ]
    costs = [
        [name, *(_interval(way, what) for what in ("gradient", "value and gradient", "solve"))]
        for name, way in known.ways.items()
    ]
    noise = "unknown" if known.noise is None else f"{known.noise:.1%}"
    headers = ["way", "gradient error", "solution", "prepare", "first call", "x numpy"]
    return "\n".join(
        [
            "",
            tabulate(judged, headers, disable_numparse=True),
            "gradient error: as a share of what rounding allows; above 1 is wrong.",
            "x numpy: speed-up of a gradient, timed interleaved; = is a tie."
            f" Noise (A/A): {noise}.",
            *_too_noisy(known),
            *_refusals(known),
            *_compiled(known),
            *(f"{name} is left out: {why}" for name, why in known.left_out.items()),
            "",
            tabulate(
                costs, ["way", "gradient", "value and gradient", "solve"], disable_numparse=True
            ),
            "medians, and quartiles in brackets; no first calls, which may compile",
        ]
    )


def _error(way: Findings) -> str:
    if not way.is_judged:
        return "-"
    return f"{way.error:.2g}" if way.is_right else "WRONG"


def _solution(way: Findings) -> str:
    if way.found is None:
        return "-"
    if way.solution.startswith("wrong"):
        return f"WRONG ({way.found.method})"
    return f"{way.solution.partition(':')[0]} ({way.found.method})"


def _time(value: float) -> str:
    return "-" if math.isnan(value) else seconds(value)


def _interval(way: Findings, what: str) -> str:
    return interval(*way.times[what]) if what in way.times else "-"


def _speedup(way: Findings, noise: float | None) -> str:
    if way.speedup is None:
        return "-"
    value, low, high = way.speedup
    mark = ""
    if is_tie(Cell(value, low, high), Cell(1.0, 1.0, 1.0), noise):
        mark = " =" if low <= 1 <= high or _tells(noise) else " ?"
    return f"{value:.3g}{mark}"


def _tells(noise: float | None) -> bool:
    """Return whether ways can be told apart at this noise, as `report.comparison` has it."""
    return is_beyond(TOLD, noise)


def _too_noisy(known: Measured) -> list[str]:
    """Say for how much longer to measure: an interval shrinks as the root of the time."""
    if known.noise is None or _tells(known.noise):
        return []
    longer = known.seconds * math.ceil((known.noise / (TOLD - 1)) ** 2)
    return [
        f"NOISY: numpy differs from itself by {known.noise:.0%}: what is marked ? cannot be told.",
        f"On an idle machine it may; else measure longer: --seconds {longer:.3g}",
    ]


def _refusals(known: Measured) -> list[str]:
    """Explain each answer of which its own way says no."""
    said = {name: way.solution for name, way in known.ways.items()}
    return [f"{name} {solution}" for name, solution in said.items() if solution.startswith("says")]


def _compiled(known: Measured) -> list[str]:
    return [
        f"first call of {name}: {seconds(way.compiling)} to compile, or to load compiled code."
        for name, way in known.ways.items()
        if way.compiling > _SEEN
    ]


def as_json(problem: LeastSquares, data: Told, found: Diagnosis, known: Measured) -> str:
    """Return all that was found as JSON; times are (median, lower, upper quartile) in seconds."""
    ways: dict[str, Any] = {}
    for name, way in known.ways.items():
        ways[name] = asdict(way)
        ways[name]["right"] = way.is_right if way.is_judged else None
        if way.found is not None:
            ways[name]["found"] = asdict(way.found) | {"w": way.found.w.tolist()}
    text: dict[str, Any] = {
        "n": problem.n,
        "p": problem.p,
        "dtype": str(problem.dtype),
        "alpha": problem.alpha,
        "columns": data.names,
        "dropped": data.dropped,
        **asdict(found),
        "r_squared": found.r_squared,
        "notes": data.notes,
        "noise": known.noise,
        "ways": ways,
        "left_out": known.left_out,
        "advice": advice(known),
    }
    return json.dumps(_finite(text), indent=2, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """Return JSON's null for what was not measured: NaN is no JSON."""
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""From what was measured to a sentence: which way, for what, and why."""

from fourways.measure import Findings, Measured
from report.comparison import is_tie
from report.results import Cell


def advice(known: Measured) -> list[str]:
    """Return a sentence for one gradient, for many, and for one solution.

    Only ways that were right at what the sentence is about are named. Times that tie
    (`report.comparison.is_tie`) are said to: medians of many calls by their intervals and the
    noise, single calls by the noise alone.
    """
    right = {
        name: way for name, way in known.ways.items() if way.is_right and "gradient" in way.times
    }
    lines = []
    gradients = {name: Cell(*way.times["gradient"]) for name, way in right.items()}
    once = {name: way.preparation + way.first_call for name, way in right.items()}
    if gradients:
        lines.append("one gradient: " + _named(once, known.noise, "first call included"))
        lines.append("many gradients of this X: " + _many(right, gradients, known.noise))
    solved = {
        name: way.preparation + way.first_solve
        for name, way in known.ways.items()
        if way.solution == "right" and way.found is not None
    }
    if solved:
        lines.append("one solution: " + _named(solved, known.noise, "first call included"))
    return lines or ["nothing: no way gave a right answer"]


def _named(times: dict[str, float], noise: float | None, what: str) -> str:
    best = min(times, key=lambda name: times[name])
    tied = [name for name in times if is_tie(Cell(times[name]), Cell(times[best]), noise)]
    others = [time for name, time in times.items() if name not in tied]
    margin = f"; the next takes {min(others) / times[best]:.1f}x that" if others else ""
    return f"{' or '.join(tied)}, {seconds(times[best])}, {what}{margin}"


def _many(right: dict[str, Findings], measured: dict[str, Cell], noise: float | None) -> str:
    gradients = {name: cell.value or 0.0 for name, cell in measured.items()}
    best = min(gradients, key=lambda name: gradients[name])
    others = {name: time for name, time in gradients.items() if name != best}
    text = f"{best}, {seconds(gradients[best])} each"
    if not others:
        return text
    second = min(others, key=lambda name: others[name])
    if is_tie(measured[second], measured[best], noise):
        return f"{best} or {second} (a tie), {seconds(gradients[best])} each"
    start = {name: right[name].preparation + right[name].first_call for name in gradients}
    paid = {
        name: (start[best] - start[name]) / (time - gradients[best])
        for name, time in others.items()
    }
    last = max(paid, key=lambda name: paid[name])
    if paid[last] > 1:
        return f"{text}, from {paid[last]:,.0f} gradients on; just below that {last}"
    return f"{text}, {others[second] / gradients[best]:.1f} times as fast as {second}"


_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def seconds(value: float) -> str:
    """Return a time with its unit, to three digits."""
    scale, unit = _unit(value)
    return f"{value / scale:.3g} {unit}"


def interval(median: float, low: float, high: float) -> str:
    """Return a time with its interval, in the unit of the median."""
    scale, unit = _unit(median)
    return f"{median / scale:.3g} {unit} [{low / scale:.3g}, {high / scale:.3g}]"


def _unit(value: float) -> tuple[float, str]:
    return next((unit for unit in _UNITS if value >= unit[0]), _UNITS[-1])

"""What a gradient would take on more workers, each with as much of X: on paper, from records."""

from collections.abc import Iterator
from statistics import linear_regression

from report.benchmarks import CLUSTER_TIME, MESSAGES, SCHEDULER
from report.results import Cell, Newest
from report.text import Table, shown

_WORKERS = [2, 10, 100, 1000]
_EACH = 10e9  # bytes of X on a worker
_ON = 2  # workers it was measured on
_WIDTH = "100"  # columns of X
_UNITS = {"MB": 1e6, "GB": 1e9, "TB": 1e12}


def weak_scaling(newest: Newest) -> Table:
    """Return the parts of a gradient's time by workers, and how much of it is spent on X.

    What X takes is that of the largest X measured, by byte and worker. Messages take what they do
    on the fewest workers measured, and for each worker more at least what the process with the
    scheduler computes, at most what all take who share the cores: slopes of straight lines through
    what was measured.
    """
    fewest, latency, most = _line(newest, MESSAGES)
    *_, least = _line(newest, SCHEDULER)
    size, whole = max(_gradients(newest))
    on_X = (whole - latency) / (size / _ON) * _EACH
    rows = []
    for workers in _WORKERS:
        messages = [latency + slope * (workers - fewest) for slope in (least, most)]
        shares = [f"{on_X / (on_X + seconds):.0%}" for seconds in messages[::-1]]
        words = [shown(Cell(seconds)) for seconds in messages]
        X = _in_words(workers * _EACH)
        rows.append([f"{workers:,}", X, shown(Cell(on_X)), _span(words), _span(shares)])
    return Table(["workers", "X", "on X", "messages", "share on X"], rows)


def _span(words: list[str]) -> str:
    return " to ".join(dict.fromkeys(words))


def _line(newest: Newest, benchmark: str) -> tuple[int, float, float]:
    """Return the fewest workers measured, the seconds on them, and those for each worker more."""
    cells = newest.cells(benchmark)
    measured = {int(w): cell.measured for (p, w), cell in cells.items() if p == _WIDTH}
    points = {w: seconds for w, seconds in measured.items() if seconds is not None}
    fewest = min(points)
    slope = linear_regression(list(points), list(points.values())).slope
    return fewest, points[fewest], slope


def _gradients(newest: Newest) -> Iterator[tuple[float, float]]:
    """Yield the bytes of X and the seconds of each gradient on the cluster that was measured."""
    for (what, text), cell in newest.cells(CLUSTER_TIME).items():
        if what == "gradient" and cell.measured is not None:
            number, unit = text.split()
            yield float(number) * _UNITS[unit], cell.measured


def _in_words(size: float) -> str:
    unit = max((name for name in _UNITS if _UNITS[name] <= size), key=lambda name: _UNITS[name])
    return f"{size / _UNITS[unit]:g} {unit}"

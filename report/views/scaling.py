"""What a gradient would take on more workers, each with as much of X: on paper, from records."""

from collections.abc import Callable
from statistics import linear_regression

from report.benchmarks import CLUSTER_TIME, MESSAGES, SCHEDULER
from report.results import Cell, Newest
from report.text import Table, shown

_WORKERS = [2, 10, 100, 1000]
_EACH = 10e9  # bytes of X on a worker
_MEASURED = "gradient", "8 GB"
_ON = 2  # workers it was measured on
_WIDTH = "100"  # columns of X
_UNITS = {"GB": 1e9, "TB": 1e12}


def weak_scaling(newest: Newest) -> Table:
    """Return the parts of a gradient's time by workers, and how much of it is spent on X.

    What X takes is that of the largest X measured, by byte and worker. Messages take l + s W for W
    workers, a straight line through what was measured.
    """
    messages = _line(newest, MESSAGES)
    scheduler = _line(newest, SCHEDULER)
    whole = newest.cells(CLUSTER_TIME)[_MEASURED].measured or 0.0
    size = _bytes(_MEASURED[1])
    reading = (whole - messages(_ON)) / (size / _ON) * _EACH
    rows = [
        [
            f"{workers:,}",
            _in_words(workers * _EACH),
            *(shown(Cell(t)) for t in (reading, messages(workers), scheduler(workers))),
            f"{reading / (reading + messages(workers)):.0%}",
        ]
        for workers in _WORKERS
    ]
    return Table(["workers", "X", "on X", "messages", "scheduler's part", "share on X"], rows)


def _line(newest: Newest, benchmark: str) -> Callable[[int], float]:
    cells = newest.cells(benchmark)
    measured = {int(w): cell.measured for (p, w), cell in cells.items() if p == _WIDTH}
    points = {w: seconds for w, seconds in measured.items() if seconds is not None}
    s, latency = linear_regression(list(points), list(points.values()))
    return lambda workers: latency + s * workers


def _bytes(text: str) -> float:
    number, unit = text.split()
    return float(number) * _UNITS[unit]


def _in_words(size: float) -> str:
    unit = max((name for name in _UNITS if _UNITS[name] <= size), key=lambda name: _UNITS[name])
    return f"{size / _UNITS[unit]:g} {unit}"

"""Where the time of an autograd gradient goes."""

import math

from report.benchmarks import AUTOGRAD
from report.results import Cell, Record, Source
from report.text import Table, shown
from report.views.chart import TIME, Colours, Spec, number, tooltip
from report.views.view import Rows, View, points


class Autograd(View):
    """Seconds of calls of PyTorch that give the value or the gradient."""

    id = "autograd"
    title = "Where the time of autograd goes"
    note = "Calls of PyTorch that give the value (forward ...) or the gradient."
    choose = {"X": "100 x 4"}

    def rows(self, records: list[Record]) -> Rows:
        return points(records, AUTOGRAD, "seconds")

    def chart(self, colours: Colours) -> Spec:
        calls = {"field": "call", "type": "nominal", "sort": None, "title": None}
        return {
            "width": 560,
            "height": {"step": 20},
            "mark": {"type": "bar", "color": colours.known["torch"]},
            "encoding": {
                "y": calls | {"axis": {"labelLimit": 320}},
                "x": number("seconds", "time", axis=TIME),
                "tooltip": tooltip("call", "X", "seconds", "low", "high", "spread", "commit"),
            },
        }


# Each part is a difference of two calls that were timed interleaved.
_PARTS = [
    ("forward, nothing to record", "forward, plain tensor", None),
    ("recording the graph", "forward, recorded", "forward, plain tensor"),
    ("walking it back", "forward and backward", "forward, recorded"),
    ("leaf, checks, NumPy in and out", "way torch", "forward and backward"),
    ("the torch way", "way torch", None),
]


def parts(source: Source) -> Table:
    """Return the parts of the torch way's time, which add up to it."""
    cells = source.cells(AUTOGRAD)
    sizes = _sizes(cells)
    rows = [
        [name, *(shown(_less(cells[call, X], cells.get((less or "", X)))) for X in sizes)]
        for name, call, less in _PARTS
        if sizes
    ]
    return Table(["", *sizes], rows, {""})


def others(source: Source) -> Table:
    """Return the calls that are no part of the torch way: the value or the gradient otherwise."""
    cells = source.cells(AUTOGRAD)
    sizes = _sizes(cells)
    of_parts = {call for _, call, _ in _PARTS}
    calls = [call for call in dict.fromkeys(call for call, _ in cells) if call not in of_parts]
    return Table(["", *sizes], [[c, *(shown(cells[c, X]) for X in sizes)] for c in calls], {""})


def parts_and_others(source: Source) -> Table:
    """Return both tables as one."""
    first = parts(source)
    return Table(first.headers, first.rows + others(source).rows, first.left)


def _sizes(cells: dict[tuple[str, ...], Cell]) -> list[str]:
    return list(dict.fromkeys(X for _, X in cells))


def _less(cell: Cell, other: Cell | None) -> Cell:
    """Return the difference of two medians; none where noise is more, failed if one of them is."""
    if other is None or cell.measured is None:
        return cell
    if other.measured is None:
        return other
    difference = cell.measured - other.measured
    processes = min((c.processes for c in (cell, other) if c.processes is not None), default=None)
    return Cell(difference if difference > 0 else math.nan, processes=processes)

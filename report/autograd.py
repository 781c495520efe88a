"""Where the time of an autograd gradient goes, from the suite `autograd`."""

import math

from tabulate import tabulate

from report.results import Cell, Run, shown

_TIME = "autograd.Autograd.track_time"

# Each part is a difference of two calls that were timed interleaved.
_PARTS = [
    ("forward, nothing to record", "forward, plain tensor", None),
    ("recording the graph", "forward, recorded", "forward, plain tensor"),
    ("walking it back", "forward and backward", "forward, recorded"),
    ("leaf, checks, NumPy in and out", "way torch", "forward and backward"),
    ("the torch way", "way torch", None),
]
_OTHERS = [
    "forward, no_grad",
    "forward, inference_mode",
    "forward, detached",
    "forward and backward, graph retained",
    "backward again",
    "autograd.grad",
    "torch.func.grad",
    "torch.compile, forward and backward",
    "custom Function by numba",
    "torch expression by hand",
    "way numba",
    "way numpy",
]


def breakdown(run: Run) -> str:
    """Return two tables, the parts of the torch way's time and other calls; empty if not run."""
    cells = run.cells(_TIME)
    if not cells:
        return ""
    sizes = list(dict.fromkeys(size for _, size in cells))
    parts = [
        [name, *(shown(_less(cells[call, size], cells.get((less or "", size)))) for size in sizes)]
        for name, call, less in _PARTS
    ]
    others = [[call, *(shown(cells[call, size]) for size in sizes)] for call in _OTHERS]
    align = ["left", *("right" for _ in sizes)]
    return "\n\n".join(
        title + "\n" + str(tabulate(rows, ["", *sizes], colalign=align, disable_numparse=True))
        for title, rows in (
            ("Where the time of an autograd gradient goes (medians; -: lost in the noise)", parts),
            ("The same gradient, or value, otherwise", others),
        )
    )


def _less(cell: Cell, other: Cell | None) -> Cell:
    """Return the difference of two medians; none where noise is more, failed if one of them is."""
    if other is None or cell.measured is None:
        return cell
    if other.measured is None:
        return other
    difference = cell.measured - other.measured
    return Cell(difference if difference > 0 else math.nan)

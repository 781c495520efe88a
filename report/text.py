"""Figures as text: a time with its unit, a table for the terminal and for Markdown."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

from tabulate import tabulate

from report.results import ENOUGH, Cell

UNSURE = "?"  # after what rests on too few processes to know how far they spread
LEGEND = f"{UNSURE}: of fewer than {ENOUGH} processes; their spread is unknown"

_UNITS = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (math.inf, "")]


def shown(cell: Cell | None) -> str:
    """Return a time in the unit that gives one to three digits before the point."""
    if cell is None or (cell.value is not None and math.isnan(cell.value)):
        return "-"
    if cell.value is None:
        return "FAILED"
    for (scale, unit), (next_scale, _) in pairwise(_UNITS):
        if cell.value < next_scale:
            return marked(f"{cell.value / scale:#.3g}".rstrip(".") + f" {unit}", cell)
    return marked(f"{cell.value:.0f} s", cell)


def marked(text: str, *cells: Cell | None) -> str:
    """Return a figure with the mark `UNSURE` where one of the cells that it is of is unsure."""
    unsure = text and any(cell is not None and cell.is_unsure for cell in cells)
    return f"{text}{UNSURE}" if unsure else text


def spread(cell: Cell) -> str:
    """Return what is known of how far processes are apart: "5 processes, ±3 %"."""
    if cell.processes is None:
        return ""
    count = f"{cell.processes} process{'es' * (cell.processes != 1)}"
    if cell.interval is None:
        return f"{count}: spread unknown"
    low, high = cell.interval
    return f"{count}, ±{math.sqrt(high / low) - 1:.0%}"


def factor(value: float) -> str:
    """Return a ratio as "1.3x", and from ten on as "14x"."""
    return f"{value:.{1 if value < 10 else 0}f}x"


@dataclass(frozen=True)
class Table:
    """Cells as text below headers.

    The columns named in ``left`` are words, the others figures. The cells in ``best``, by row and
    column, stand out in Markdown.
    """

    headers: list[str]
    rows: list[list[str]]
    left: set[str] = field(default_factory=set)
    best: set[tuple[int, int]] = field(default_factory=set)

    @property
    def is_unsure(self) -> bool:
        """Whether a figure of it has the mark `UNSURE`."""
        return any(cell.endswith(UNSURE) for row in self.rows for cell in row)

    def plain(self) -> str:
        """Return the table for the terminal."""
        align = ["left" if header in self.left else "right" for header in self.headers]
        return str(
            tabulate(
                self.rows, self.headers, tablefmt="simple", colalign=align, disable_numparse=True
            )
        )

    def markdown(self) -> str:
        """Return the table in Markdown."""
        rule = ["---" if header in self.left else "---:" for header in self.headers]
        rows = [
            [f"**{cell}**" if (i, j) in self.best else cell for j, cell in enumerate(row)]
            for i, row in enumerate(self.rows)
        ]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.headers, rule, *rows))

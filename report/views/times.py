"""How the time of a gradient grows with n, and what its preparation costs."""

import math

from report.benchmarks import GRADIENT, ONE_READ, PREPARATION, SPEEDUP
from report.comparison import Row, Sizes, by_size, reading_X
from report.results import Cell, Record, Source
from report.text import Table, marked, shown
from report.views.chart import (
    LOG,
    READ_LIMIT,
    TIME,
    Colours,
    Spec,
    by_columns,
    number,
    rows_axis,
    tooltip,
    wrong_points,
)
from report.views.fastest import in_words
from report.views.view import Rows, View, points
from report.ways import factored

_DECADES = TIME | {"values": [10.0**k for k in range(-9, 3)]}


class Times(View):
    """Seconds of a gradient by n and p, and those of the fastest read of the same X."""

    id = "times"
    title = "How time grows"
    note = (
        "Dashed: the read limit, the fastest sum over X. A way that reads X for each gradient is"
        " above it; one that has factored X is not."
    )

    def rows(self, records: list[Record]) -> Rows:
        reads = points(records, ONE_READ, "seconds")
        return points(records, GRADIENT, "seconds") + [{"way": READ_LIMIT, **row} for row in reads]

    def chart(self, colours: Colours) -> Spec:
        dashed = {"test": f"datum.way == '{READ_LIMIT}'", "value": [5, 4]}
        line = {
            "mark": {"type": "line", "point": True},
            "encoding": {
                "strokeDash": {"condition": dashed, "value": [1, 0]},
                "tooltip": tooltip("way", "n", "p", "seconds", "low", "high", "spread", "commit"),
            },
        }
        return by_columns(
            {
                "height": 300,
                "encoding": {
                    "x": rows_axis(),
                    "y": number("seconds", "time of a gradient", axis=_DECADES, **LOG),
                    "color": colours.by("way", READ_LIMIT),
                },
                "layer": [line, wrong_points("way", "n", "p")],
            }
        )


def gradients(source: Source) -> Table:
    """Return the time of a gradient by every way at each size, and the fastest way."""
    times, speedups = by_size(source, GRADIENT), by_size(source, SPEEDUP)
    ways = _ways(times)
    rows = [
        [*_size(size), *(shown(row.get(way)) for way in ways), in_words(ratios), among_readers]
        for size, row in times.items()
        if _was_run(row)
        for ratios in [speedups.get(size, {})]
        for among_readers in [in_words(reading_X(ratios))]
    ]
    return Table(["n", "p", *ways, "fastest", "reading X"], rows, {"fastest", "reading X"})


def read_shares(source: Source) -> Table:
    """Return the time of one read of X, and the shares of this limit of the ways that read X."""
    times = by_size(source, GRADIENT)
    reads = {(int(n), int(p)): cell for (n, p), cell in source.cells(ONE_READ).items()}
    ways = [way for way in _ways(times) if way not in factored()]
    rows = [
        [*_size(size), shown(reads[size]), *(_share(reads[size], row.get(way)) for way in ways)]
        for size, row in times.items()
        if size in reads and reads[size].measured
    ]
    return Table(["n", "p", "one read", *ways], rows)


def _share(read: Cell, gradient: Cell | None) -> str:
    if gradient is None or not gradient.measured or not read.measured:
        return "-"
    return marked(f"{read.measured / gradient.measured:.2f}", read, gradient)


def preparations(source: Source) -> Table:
    """Return the time of preparing, and after how many gradients factoring has paid."""
    times, prepared = by_size(source, GRADIENT), by_size(source, PREPARATION)
    ways = _ways(prepared)
    paying = [way for way in ways if way in factored()]
    rows = [
        [
            *_size(size),
            *(shown(row.get(way)) for way in ways),
            *(pays_after(way, row, times.get(size, {})) for way in paying),
        ]
        for size, row in prepared.items()
        if _was_run(row)
    ]
    return Table(["n", "p", *ways, *(f"{way} pays after" for way in paying)], rows)


def pays_after(way: str, preparation: Row, times: Row) -> str:
    """Return the number of gradients after which a way that factors X has paid for it.

    It is the time of its preparation over what each gradient is faster than the fastest that reads
    X; "never" where it is not, and nothing where one of them was not measured.
    """
    prepared, gradient = (row[way].measured if way in row else None for row in (preparation, times))
    others = [cell.measured for cell in reading_X(times).values() if cell.measured]
    if not (others and gradient and prepared):
        return ""
    gain = min(others) - gradient
    return f"{math.ceil(prepared / gain):,}" if gain > 0 else "never"


def _ways(sizes: Sizes) -> list[str]:
    return list(dict.fromkeys(way for row in sizes.values() for way in row))


def _size(size: tuple[int, int]) -> tuple[str, str]:
    n, p = size
    return f"{n:,}", str(p)


def _was_run(row: Row) -> bool:
    return any(cell.measured or cell.value is None for cell in row.values())

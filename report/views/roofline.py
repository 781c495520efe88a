"""How near to the memory limit the compiled kernel is."""

from report.benchmarks import ADVANTAGE, ONE_THREAD, READ_SHARE
from report.results import Cell, Record, Source
from report.text import Table, factor, marked
from report.views.chart import DARK_AND_LIGHT, Colours, Spec, number, tooltip
from report.views.view import Rows, View, points

_SIZES = ["256 KiB", "8 MiB", "160 MiB"]


class Roofline(View):
    """Share of the read limit that the numba kernel reaches."""

    id = "roofline"
    title = "Share of the read limit"
    note = "The numba kernel; 1 is as fast as the fastest sum over X in the same process."
    choose = {"threads": "all"}

    def rows(self, records: list[Record]) -> Rows:
        return points(records, READ_SHARE, "share")

    def chart(self, colours: Colours) -> Spec:
        columns = {"field": "p", "type": "ordinal", "title": "columns p", "axis": {"labelAngle": 0}}
        bars = {
            "mark": {"type": "bar"},
            "encoding": {
                "y": number("share", "share of the read limit"),
                "color": {
                    "field": "order",
                    "scale": {"domain": ["C", "F"], "range": DARK_AND_LIGHT},
                    "legend": {"title": "order", "orient": "top"},
                },
                "tooltip": tooltip("X", "order", "p", "threads", "share", "low", "high", "spread"),
            },
        }
        limit = {
            "mark": {"type": "rule", "strokeDash": [5, 4]},
            "encoding": {"y": {"datum": 1}, "x": None, "xOffset": None},
        }
        return {
            "facet": {"column": {"field": "X", "sort": _SIZES, "title": "X of"}},
            "spec": {
                "width": 270,
                "height": 240,
                "encoding": {"x": columns, "xOffset": {"field": "order"}},
                "layer": [bars, limit],
            },
        }


def beyond_the_caches(source: Source) -> Table:
    """Return, for the largest X, shares of the read limit and speed-ups over numpy and torch."""
    shares, alone = source.cells(READ_SHARE), source.cells(ONE_THREAD)
    over = source.cells(ADVANTAGE)
    X = _SIZES[-1]
    rows = [
        [
            p,
            order,
            *(_share(shares.get((threads, order, X, p))) for threads in ("1", "all")),
            _factor(alone.get((order, X, p))),
            *(_factor(over.get((other, order, X, p))) for other in ("numpy", "torch")),
        ]
        for order, p in _layouts(shares)
    ]
    headers = [
        "columns",
        "order",
        "share of the read limit, 1 thread",
        "all cores",
        "over numpy, 1 thread",
        "over numpy, all cores",
        "over torch, all cores",
    ]
    return Table(headers, rows, {"order"})


def regimes(source: Source) -> Table:
    """Return shares of the read limit beyond the caches, in the outer one, and in the inner."""
    shares = source.cells(READ_SHARE)
    settings = [(X, threads) for X in reversed(_SIZES) for threads in ("1", "all")]
    rows = [
        [p, order, *(_share(shares.get((threads, order, X, p))) for X, threads in settings)]
        for order, p in _layouts(shares)
    ]
    named = [f"{X}, {'1 thread' if threads == '1' else 'all cores'}" for X, threads in settings]
    return Table(["columns", "order", *named], rows, {"order"})


def _layouts(shares: dict[tuple[str, ...], Cell]) -> list[tuple[str, ...]]:
    """Return what was measured of (order, p)."""
    return list(dict.fromkeys((order, p) for _, order, _, p in shares))


def _share(cell: Cell | None) -> str:
    return "-" if cell is None or cell.measured is None else marked(f"{cell.measured:.2f}", cell)


def _factor(cell: Cell | None) -> str:
    return "-" if cell is None or cell.measured is None else marked(factor(cell.measured), cell)

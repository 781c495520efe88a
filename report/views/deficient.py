"""Rank deficiency: which solver is right, and what it takes."""

from collections import Counter

from report.benchmarks import DIGITS_LOST, SOLVE
from report.results import Cell, Newest, Record
from report.text import Table, shown, spread
from report.views.chart import BAD, GOOD, QUIET, WARNING, Colours, Spec, grid
from report.views.view import Rows, View

_HALF = 6.5  # digits of float64 beyond what is right: half of them are lost then
_VERDICTS = {
    "right": GOOD,
    "loses digits": WARNING,
    "wrong": BAD,
    "says no": QUIET,
}
_COUNTS = 1 + len(_VERDICTS)  # columns: the solver and its counts
_LABEL = (
    "datum.verdict == 'right' ? (datum.seconds < 1e-3 ?"
    " format(datum.seconds * 1e6, '.3~r') + ' µs' :"
    " format(datum.seconds * 1e3, '.3~r') + ' ms') + (datum.unsure ? '?' : '') :"
    " datum.verdict == 'wrong' ? 'WRONG' :"
    " datum.verdict == 'says no' ? 'no' : '-' + format(datum.lost, '.1f')"
)


class Deficient(View):
    """Each solver on each rank-deficient family: its verdict, and seconds if right.

    All of it from one record: the families are a set that is judged as a whole.
    """

    id = "deficient"
    title = "Rank deficiency: which solver is right, and its time"
    note = (
        "-k is digits lost beyond what rounding explains, WRONG more than half of them; no says"
        " that it did not solve the problem."
    )
    choose = {"X": "2000 x 50"}

    def rows(self, records: list[Record]) -> Rows:
        record = Newest(records).last(DIGITS_LOST)
        if record is None:
            return []
        times = record.cells(SOLVE)
        return [
            {
                **dict(zip(DIGITS_LOST.parameters, key, strict=True)),
                "seconds": times[key].measured,
                "lost": lost.measured,
                "verdict": _verdict(lost, times[key].measured),
                "unsure": times[key].is_unsure,
                "spread": spread(times[key]),
                "commit": record.commit[:8],
            }
            for key, lost in record.cells(DIGITS_LOST).items()
        ]

    def chart(self, colours: Colours) -> Spec:
        colour = {
            "field": "verdict",
            "scale": {"domain": list(_VERDICTS), "range": list(_VERDICTS.values())},
            "legend": {"title": None, "orient": "top"},
        }
        layers: list[Spec] = [
            {"mark": {"type": "rect", "stroke": "white"}, "encoding": {"color": colour}},
            {
                "mark": {"type": "text", "fontSize": 10, "color": "white"},
                "encoding": {"text": {"field": "label"}},
            },
        ]
        shown = ("solver", "family", "X", "verdict", "lost", "seconds", "spread", "commit")
        label = [{"calculate": _LABEL, "as": "label"}]
        return {"transform": label, **grid("family", "solver", layers, *shown)}


def _verdict(lost: Cell, seconds: float | None) -> str:
    if lost.value is None:
        return "wrong"
    if lost.measured is None:
        return "says no"
    if lost.value == 0:
        return "right" if seconds else "wrong"  # right when it was tried, wrong when it was timed
    return "loses digits" if lost.value <= _HALF else "wrong"


def counts(record: Record) -> Table:
    """Return how often each solver is right."""
    table = verdicts(record)
    return Table(table.headers[:_COUNTS], [row[:_COUNTS] for row in table.rows], table.left)


def verdicts(record: Record) -> Table:
    """Return how often each solver is right, and its time at 2000 x 50 on three families."""
    timed = ["duplicated column", "rank p/2", "Hilbert"]
    rows = Deficient().rows([record])
    table = []
    for solver in dict.fromkeys(row["solver"] for row in rows):
        its = [row for row in rows if row["solver"] == solver]
        counted = Counter(row["verdict"] for row in its)
        at = {
            row["family"]: Cell(row["seconds"], processes=1 if row["unsure"] else None)
            for row in its
            if row["X"] == "2000 x 50" and row["verdict"] == "right"
        }
        table.append(
            [
                solver,
                *(str(counted[verdict]) for verdict in _VERDICTS),
                *(shown(at.get(family)) for family in timed),
            ]
        )
    return Table(["solver", *_VERDICTS, *timed], table, {"solver"})

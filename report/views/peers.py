"""The ways and solvers of this project beside those of other libraries."""

from report.benchmarks import PEERS_SPEEDUP, PEERS_TALL, PEERS_TIME
from report.comparison import by_size, reading_X
from report.results import Newest, Source
from report.text import Table, factor, marked, shown
from report.views.fastest import in_words
from report.ways import recorded

_OURS = "numba"
_FASTEST = "fastest, ways that read X among them"


def beside_gradients(newest: Newest) -> Table:
    """Return the time of numba's gradient and of each peer's, and who leads by how much."""
    others = set(recorded(newest.records)) - {_OURS}
    times, speedups = by_size(newest, PEERS_TIME), by_size(newest, PEERS_SPEEDUP)
    names = [n for n in dict.fromkeys(n for row in times.values() for n in row) if n not in others]
    rows = [
        [f"{n:,}", str(p), *(shown(row.get(name)) for name in names), among_readers]
        for (n, p), row in times.items()
        for among_readers in [in_words(reading_X(speedups[n, p]))]
    ]
    return Table(["n", "p", *names, _FASTEST], rows, {_FASTEST})


def beside_minimum_norm(source: Source) -> Table:
    """Return the time of each routine over that of minimum_norm where it is right, by family."""
    cells = source.cells(PEERS_TALL)
    columns = list(dict.fromkeys((family, X) for _, family, X in cells))
    rows = []
    for routine in dict.fromkeys(routine for routine, *_ in cells):
        of = [cells.get((routine, *column)) for column in columns]
        texts = [
            marked(factor(cell.measured), cell) if cell and cell.measured else "-" for cell in of
        ]
        rows.append([routine, *texts])
    headers = ["routine", *(f"{family}, {X}" for family, X in columns)]
    return Table(headers, rows, {"routine"})

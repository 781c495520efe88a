"""Descent: how fast it converges, against time and against gradients taken."""

from typing import ClassVar

from report.benchmarks import DESCENT, DESCENT_GRADIENTS, DESCENT_SECONDS
from report.results import Cell, Newest, Record, Source
from report.text import Table, shown
from report.views.chart import FEW, LOG, Colours, Spec, number, tooltip
from report.views.view import Rows, View

_GAPS = {"format": ".0e", "values": [10.0**-k for k in range(1, 11)]}
_BY = " by "  # a solver is "method by way", or a name of its own


class Convergence(View):
    """Seconds and gradients to each decade of the relative suboptimality.

    A curve that has seconds and gradients comes from one run of the method, so from one record.
    """

    id = "convergence"
    title = "Convergence against time"
    note = "(f(w) - f(w*)) / (f(0) - f(w*)); preparation of the step length included."
    choose = {"condition number": "10", "X": "200000 x 50", "way": "numba"}
    x: ClassVar[str] = "seconds"

    @property
    def frame(self) -> str:
        return Convergence.id

    def rows(self, records: list[Record]) -> Rows:
        record = Newest(records).last(DESCENT_SECONDS)
        if record is None:
            return []
        counts = record.samples(DESCENT_GRADIENTS)
        rows: Rows = []
        for key, curve in record.samples(DESCENT_SECONDS).items():
            method, _, way = key[0].partition(_BY)
            rows += [
                {
                    "method": method,
                    "way": way,
                    "condition number": key[1],
                    "X": key[2],
                    "suboptimality": 10.0**-decade,
                    "seconds": time,
                    "gradients": count,
                    "commit": record.commit[:8],
                }
                for decade, (time, count) in enumerate(zip(curve, counts[key], strict=True), 1)
            ]
        return rows

    def chart(self, colours: Colours) -> Spec:
        shown = ("method", "way", "suboptimality", "seconds", "gradients", "commit")
        return {
            "width": 560,
            "height": 320,
            "mark": {"type": "line", "point": {"size": 25}},
            "encoding": {
                "x": number(self.x, self.x, axis=FEW, **LOG),
                "y": number("suboptimality", "relative suboptimality", axis=_GAPS, **LOG),
                "color": {
                    "field": "method",
                    "legend": {"title": None, "orient": "right", "labelLimit": 220},
                },
                "order": {"field": "suboptimality", "sort": "descending"},
                "tooltip": tooltip(*shown),
            },
        }


class Evaluations(Convergence):
    """The same rows, drawn against gradients."""

    id = "evaluations"
    title = "Convergence against gradients"
    note = "The same descents, counted in gradients taken."
    x = "gradients"


_REDUCED = "reduced conjugate gradients by numba"
_DIRECT = "direct"
_SHORT = {
    "conjugate gradients": "",
    "barzilai-borwein": "bb",
    "gradient descent": "gd",
    "gradient descent, 2/(L+mu)": "gd",
    "minimum_norm": "mn",
    "direct by numpy": "np",
}


def fastest_descents(source: Source) -> Table:
    """Return, for each X and condition number, the fastest method by each way and otherwise."""
    cells = source.cells(DESCENT)
    ways = _ways(list(dict.fromkeys(solver for solver, *_ in cells)))
    rows = []
    best = set()
    for k, (condition, X) in enumerate(_sizes(cells)):
        times = {
            solver: cell.measured
            for (solver, *rest), cell in cells.items()
            if rest == [condition, X] and cell.measured
        }
        direct = [s for s in times if _BY not in s or s.startswith(_DIRECT)]
        descents = [s for s in times if s not in direct and s != _REDUCED]
        kinds = [*([d for d in descents if d.endswith(_BY + way)] for way in ways)]
        kinds += [[_REDUCED] if _REDUCED in times else [], direct]
        rows.append([X, condition, *(_first(times, kind) for kind in kinds)])
        quickest = min(times, key=lambda solver: times[solver], default="")
        best |= {(k, 2 + j) for j, kind in enumerate(kinds) if quickest in kind}
    headers = ["X", "cond.", *ways, "p x p", "direct"]
    return Table(headers, rows, set(headers), best)


def _ways(solvers: list[str]) -> list[str]:
    """Return the ways that drive methods of descent, in the order of the first that has all."""
    return list(dict.fromkeys(s.partition(_BY)[2] for s in solvers if _BY in s and s != _REDUCED))


def _sizes(cells: dict[tuple[str, ...], Cell]) -> list[tuple[str, str]]:
    """Return the pairs of condition number and X, X by X."""
    pairs = dict.fromkeys((condition, X) for _, condition, X in cells)
    sizes = list(dict.fromkeys(X for _, X in pairs))
    return sorted(pairs, key=lambda pair: sizes.index(pair[1]))


def _first(times: dict[str, float], solvers: list[str]) -> str:
    """Return the fastest of some solvers, as "time method"."""
    if not solvers:
        return "-"
    best = min(solvers, key=lambda solver: times[solver])
    if best == _REDUCED:
        return shown(Cell(times[best]))
    method = best if best.startswith(_DIRECT) else best.partition(_BY)[0]
    return f"{shown(Cell(times[best]))} {_SHORT.get(method, method)}".rstrip()

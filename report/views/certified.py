"""Digits of NIST's certified figures."""

from report.benchmarks import CERTIFIED, VARIANCE
from report.results import Record
from report.text import Table
from report.views.chart import Colours, Spec, grid
from report.views.view import Rows, View, points


class Certified(View):
    """Digits of NIST's certified figures, regressions and analyses of variance."""

    id = "certified"
    title = "Digits of NIST's certified figures"
    note = "Certified: coefficients of regressions. Variance: F and the sums of squares."
    choose = {"kind": "Certified"}

    def rows(self, records: list[Record]) -> Rows:
        return [
            {**row, "kind": kind}
            for kind, benchmark in (("Certified", CERTIFIED), ("Variance", VARIANCE))
            for row in points(records, benchmark, "digits")
        ]

    def chart(self, colours: Colours) -> Spec:
        colour = {
            "field": "digits",
            "type": "quantitative",
            "scale": {"scheme": "viridis", "domain": [0, 15]},
            "legend": {"title": "digits", "orient": "top"},
        }
        dark_on_light = {"test": "datum.digits > 9", "value": "black"}
        layers: list[Spec] = [
            {"mark": {"type": "rect", "stroke": "white"}, "encoding": {"color": colour}},
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {
                    "text": {"field": "digits", "type": "quantitative", "format": ".1f"},
                    "color": {"condition": dark_on_light, "value": "white"},
                },
            },
        ]
        return grid("set", "solver", layers, "solver", "set", "digits", "commit")


def coefficients(record: Record) -> Table:
    """Return the digits of the certified coefficients, the worst of a set, solver by solver."""
    cells = record.cells(CERTIFIED)
    solvers, sets = (list(dict.fromkeys(key[k] for key in cells)) for k in (0, 1))
    rows = [
        [
            solver,
            *("-" if (d := cells[solver, name].measured) is None else f"{d:.1f}" for name in sets),
        ]
        for solver in solvers
    ]
    return Table(["solver", *sets], rows, {"solver"})

"""Digits of the solution against the condition number of X."""

from report.benchmarks import CONDITION
from report.results import Record
from report.views.chart import LOG, Colours, Spec, number, tooltip
from report.views.view import Rows, View, points


class Condition(View):
    """Digits of each solver against the condition number."""

    id = "condition"
    title = "Digits against the condition number"
    note = "60 x 10, against the exact solution in rational arithmetic."
    choose = {"dtype": "float64"}

    def rows(self, records: list[Record]) -> Rows:
        rows = points(records, CONDITION, "digits")
        return [row | {"condition number": float(row["condition number"])} for row in rows]

    def chart(self, colours: Colours) -> Spec:
        of_X = "condition number of X"
        return {
            "width": 560,
            "height": 320,
            "mark": {"type": "line", "point": {"size": 40}},
            "encoding": {
                "x": number("condition number", of_X, axis={"format": ".0e"}, **LOG),
                "y": number("digits", "digits of the solution"),
                "color": {
                    "field": "solver",
                    "sort": None,
                    "legend": {"title": None, "orient": "right"},
                },
                "tooltip": tooltip("solver", "dtype", "condition number", "digits", "commit"),
            },
        }

"""What a gradient costs beyond the value."""

from report.benchmarks import GRADIENT_COST
from report.results import Record
from report.views.chart import Colours, Spec, by_columns, number, rows_axis, tooltip
from report.views.view import Rows, View, points


class GradientCost(View):
    """Time of value and gradient over time of the value.

    Reverse mode bounds it by a small constant, whatever p (A. Griewank and A. Walther, Evaluating
    Derivatives, 2nd ed., section 3.3).
    """

    id = "price"
    title = "The cost of the gradient, relative to the value"
    note = "Time of value and gradient together over time of the value alone."

    def rows(self, records: list[Record]) -> Rows:
        return points(records, GRADIENT_COST, "ratio")

    def chart(self, colours: Colours) -> Spec:
        return by_columns(
            {
                "height": 240,
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "x": rows_axis(),
                    "y": number("ratio", "value and gradient, over value"),
                    "color": colours.by("way"),
                    "tooltip": tooltip("way", "n", "p", "ratio", "low", "high", "spread", "commit"),
                },
            }
        )

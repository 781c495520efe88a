"""When compiling has paid for itself."""

from report.benchmarks import BREAK_EVEN
from report.results import Record
from report.views.chart import DARK_AND_LIGHT, FEW, LOG, Colours, Spec, number, rows_axis, tooltip
from report.views.view import Rows, View, points


class Payback(View):
    """Gradients after which compiling, or loading what was compiled, has paid against numpy."""

    id = "payback"
    title = "When compiling has paid for itself"
    note = "Against numpy's gradient, which needs no compiling."

    def rows(self, records: list[Record]) -> Rows:
        return points(records, BREAK_EVEN, "gradients")

    def chart(self, colours: Colours) -> Spec:
        return {
            "width": 560,
            "height": 240,
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": rows_axis("rows n, 30 columns"),
                "y": number("gradients", "gradients until it has paid", axis=FEW, **LOG),
                "color": {
                    "field": "first call",
                    "scale": {"domain": ["compiles", "loads"], "range": DARK_AND_LIGHT},
                    "legend": {"title": "the first call", "orient": "top"},
                },
                "tooltip": tooltip("first call", "n", "gradients", "commit"),
            },
        }

"""Each figure over the recorded commits."""

import math

from report.benchmarks import (
    AUTOGRAD,
    BREAK_EVEN,
    CERTIFIED,
    DESCENT,
    GRADIENT,
    GRADIENT_COST,
    ONE_THREAD,
    PREPARATION,
    READ_SHARE,
    SOLVE,
    SPEEDUP,
)
from report.results import Record, as_last_defined
from report.steps import changes
from report.views.chart import FEW, LOG, Colours, Spec, number, tooltip, wrong_points
from report.views.view import Rows, View, measured

# What has a history: the benchmark, whose first parameter names the series, and its unit.
METRICS = {
    "gradient": (GRADIENT, "seconds"),
    "speed-up over numpy": (SPEEDUP, "x"),
    "preparation": (PREPARATION, "seconds"),
    "value and gradient over value": (GRADIENT_COST, "x"),
    "share of the read limit": (READ_SHARE, "share"),
    "speed-up over numpy, one thread": (ONE_THREAD, "x"),
    "compiling has paid after": (BREAK_EVEN, "gradients"),
    "rank deficient": (SOLVE, "seconds"),
    "certified": (CERTIFIED, "digits"),
    "descent to 1e-8": (DESCENT, "seconds"),
    "autograd": (AUTOGRAD, "seconds"),
}


class History(View):
    """Every figure of these benchmarks over the records, with the versions they ran on.

    ``step`` says by what factor a figure is worse or better from this record on (`report.steps`).
    """

    id = "history"
    title = "History"
    note = (
        "Each figure over the recorded commits, with 99 % intervals between processes; ▲ and ▼ mark"
        " steps of the whole series. Where nothing changes, one history in a hundred has any."
    )
    choose = {"metric": "gradient", "case": "10000, 30"}

    def rows(self, records: list[Record]) -> Rows:
        found = {
            (step.benchmark, step.key, step.after): step.worse for step in changes(records).steps
        }
        rows: Rows = []
        for metric, (benchmark, unit) in METRICS.items():
            for record in as_last_defined(records, benchmark):
                for key, cell in record.cells(benchmark).items():
                    if cell.value is not None and cell.measured is None:
                        continue
                    step = found.get((benchmark, key, record))
                    rows.append(
                        {
                            "metric": metric,
                            "unit": unit,
                            "case": ", ".join(key[1:]),
                            "series": key[0],
                            "at": f"{record.commit[:8]}{_suffix(record, records)}",
                            "date": record.date,
                            **measured(cell, "value"),
                            "step": _in_words(step),
                            "versions": record.versions,
                        }
                    )
        return rows

    def chart(self, colours: Colours) -> Spec:
        shown = ("series", "at", "value", "low", "high", "spread", "step", "status", "versions")
        return {
            "width": 560,
            "height": 320,
            "encoding": {
                "x": _COMMITS,
                "color": {
                    "field": "series",
                    "sort": None,
                    "legend": {"title": None, "orient": "right", "labelLimit": 220},
                },
                "tooltip": tooltip(*shown),
            },
            "layer": [
                {
                    "mark": {"type": "line", "point": {"size": 40}},
                    "encoding": {"y": number("value", "value", axis=FEW, **LOG)},
                },
                {
                    "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
                    "encoding": {"y": number("low", "value"), "y2": {"field": "high"}},
                },
                {
                    "mark": {"type": "text", "align": "left", "dx": 5, "dy": -9, "fontSize": 10},
                    "encoding": {"y": number("value", "value"), "text": {"field": "step"}},
                },
                wrong_points("series", "at"),
            ],
        }


_COMMITS = {
    "field": "at",
    "type": "ordinal",
    "title": "commit, the oldest first",
    "sort": {"field": "date"},
    "scale": {"padding": 0.8},  # the last step's label stays within
    "axis": {"labelAngle": -30, "labelLimit": 260},
}


def _in_words(factor: float | None) -> str:
    if factor is None:
        return ""
    if factor in (0, math.inf):
        return "▲ wrong" if factor else "▼ right again"
    return f"▲ {factor:.2f}x worse" if factor > 1 else f"▼ {1 / factor:.2f}x better"


def _suffix(record: Record, records: list[Record]) -> str:
    """Tell apart records of one commit: by NumPy's version, and by the number of the run."""
    same = [other for other in records if other.commit == record.commit]
    runs = [other for other in same if other.versions == record.versions]
    versions = f", numpy {record.environment['numpy']}" if len(runs) < len(same) else ""
    return versions + (f", run {1 + runs.index(record)}" if len(runs) > 1 else "")

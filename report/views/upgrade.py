"""What an upgrade of the libraries changed."""

from itertools import combinations

from report.results import Newest, Record
from report.steps import changes
from report.views.chart import Colours, Spec, number, tooltip
from report.views.history import METRICS
from report.views.view import Rows, View

_RATIOS = {"values": [0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4], "format": "~r"}
_WITHIN = "within noise"


class Upgrade(View):
    """What one commit gave on older and on newer versions of the libraries.

    ``ratio`` is that of new over old; ``verdict`` says whether it is more than noise, as for a step
    of the history.
    """

    id = "upgrade"
    title = "Did the upgrade cost anything?"
    note = (
        "One commit on numpy 2.2, scipy 1.15 and numba 0.61 and on the versions of today; faint"
        " points are within the noise."
    )
    choose = {"metric": "gradient"}

    def rows(self, records: list[Record]) -> Rows:
        rows: Rows = []
        for before, after in _upgraded(records):
            old, new = before[-1], after[-1]
            factor = changes(records).factor
            for metric, (benchmark, _) in METRICS.items():
                was = Newest(before).cells(benchmark)
                for key, cell in Newest(after).cells(benchmark).items():
                    if not cell.measured or key not in was or not (value := was[key].measured):
                        continue
                    rows.append(
                        {
                            "metric": metric,
                            "case": ", ".join(key[1:]),
                            "way": key[0],
                            "ratio": cell.measured / value,
                            "verdict": _verdict(factor(benchmark, key, before, after)),
                            "from": old.versions,
                            "to": new.versions,
                            "commit": new.commit[:8],
                        }
                    )
        return rows

    def chart(self, colours: Colours) -> Spec:
        faint = {"test": f"datum.verdict == '{_WITHIN}'", "value": 0.35}
        return {
            "width": 560,
            "height": {"step": 22},
            "encoding": {
                "y": {"field": "case", "type": "nominal", "sort": None, "title": None},
                "yOffset": {"field": "way"},
                "tooltip": tooltip("way", "case", "ratio", "verdict", "from", "to", "commit"),
            },
            "layer": [
                {
                    "mark": {"type": "rule", "strokeDash": [5, 4]},
                    "encoding": {"x": {"datum": 1}, "y": None, "yOffset": None},
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 70},
                    "encoding": {
                        "x": number("ratio", "new versions over old", axis=_RATIOS)
                        | {"scale": {"type": "log", "nice": False, "padding": 30}},
                        "color": colours.by("way"),
                        "opacity": {"condition": faint, "value": 1},
                    },
                },
            ],
        }


def _verdict(factor: float | None) -> str:
    if factor is None:
        return _WITHIN
    return "worse" if factor > 1 else "better"


def _upgraded(records: list[Record]) -> list[tuple[list[Record], list[Record]]]:
    """Return the last pair of sets of records of one commit, on older and on newer versions."""
    runs: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        runs.setdefault((record.commit, record.versions), []).append(record)
    pairs = combinations(runs.values(), 2)
    return [(old, new) for old, new in pairs if old[0].commit == new[0].commit][-1:]

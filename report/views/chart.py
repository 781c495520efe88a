"""What the charts share: colours, axes, tooltips, marks, as pieces of Vega-Lite."""

from typing import Any

Spec = dict[str, Any]

# Okabe and Ito's palette, told apart by the colour-blind, on white and on black.
_KNOWN = {
    "numba": "#0072B2",
    "torch": "#D55E00",
    "numpy": "#009E73",
    "scipy": "#CC79A7",
}
_FURTHER = ["#E69F00", "#56B4E9", "#882255", "#44AA99"]  # theirs too, then Paul Tol's
_GREY = "#999999"
_OTHERS = [
    "#56B4E9",
    "#E69F00",
    "#000000",
    "#882255",
    "#44AA99",
    "#999933",
    "#8C6BB1",
    "#8C564B",
    "#CC6677",
    "#DDCC77",
]
# Two settings of one way, in two tones of one hue.
DARK_AND_LIGHT = ["#0072B2", "#56B4E9"]
GOOD, WARNING, BAD, WORST, QUIET = "#009E73", "#A06A00", "#D55E00", "#882255", _GREY  # verdicts
TIE, READ_LIMIT, PEER = (
    "tie",
    "read limit",
    "another library",
)  # what stands among the ways and is none


class Colours:
    """A colour for each way, the same in every chart.

    The first four ways have theirs. Others take the next ones in turn, in the order of the records,
    and what is no way then goes without these.
    """

    def __init__(self, ways: list[str]) -> None:
        new = [way for way in ways if way not in _KNOWN]
        taken = {way: _FURTHER[k % len(_FURTHER)] for k, way in enumerate(new)}
        self.ways = [*(way for way in _KNOWN if way in ways), *new]
        self.known = _KNOWN | taken | {TIE: _GREY, READ_LIMIT: _GREY, PEER: WORST}
        self.others = [colour for colour in _OTHERS if colour not in taken.values()]

    def by(self, field: str, *more: str) -> Spec:
        """Return the colour of a mark by the way in a field, or by what stands beside the ways."""
        domain = [*self.ways, *more]
        return {
            "field": field,
            "type": "nominal",
            "scale": {"domain": domain, "range": [self.known[name] for name in domain]},
            "legend": {"title": None, "orient": "top"},
        }


LOG: Spec = {"scale": {"type": "log"}}
TIME: Spec = {"format": "~s", "labelExpr": "datum.label ? datum.label + 's' : ''"}
FEW: Spec = {"format": "~s", "tickCount": 5}
_ROWS: Spec = {"values": [100, 1_000, 10_000, 100_000, 1_000_000], "format": "~s"}


def number(name: str, title: str, **more: Any) -> Spec:
    """Return an axis on which a field is a number."""
    return {"field": name, "type": "quantitative", "title": title, **more}


def rows_axis(title: str = "rows n") -> Spec:
    """Return the axis of n, logarithmic."""
    return number("n", title, axis=_ROWS, **LOG)


def by_columns(spec: Spec) -> Spec:
    """Return a chart for each number of columns p, side by side."""
    facet = {"column": {"field": "p", "type": "ordinal", "title": "columns p"}}
    return {"facet": facet, "spec": {"width": 270, **spec}}


def tooltip(*names: str) -> list[Spec]:
    """Return the fields that a mark shows when it is pointed at."""
    return [{"field": name, "type": "nominal"} for name in names]


def wrong_points(*names: str) -> Spec:
    """Return the layer that marks, at the top, what failed its check and so has no value."""
    return {
        "transform": [{"calculate": "datum.status == 'wrong' ? '✗ wrong' : ''", "as": "mark"}],
        "mark": {"type": "text", "fontSize": 14, "fontWeight": "bold"},
        "encoding": {
            "y": {"value": 10},
            "text": {"field": "mark"},
            "tooltip": tooltip(*names, "status"),
        },
    }


def grid(x: str, y: str, layers: list[Spec], *shown: str) -> Spec:
    """Return cells of a field across and another down, coloured and labelled by the layers."""
    return {
        "width": {"step": 58},
        "height": {"step": 26},
        "encoding": {
            "x": {"field": x, "sort": None, "title": None, "axis": {"labelAngle": -40}},
            "y": {"field": y, "sort": None, "title": None},
            "tooltip": tooltip(*shown),
        },
        "layer": layers,
    }

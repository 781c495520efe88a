"""The charts of the page as Vega-Lite specifications, without their data.

Each section names the frame of `report.frames` that it draws, the fields by which a reader can
choose among its rows, and a specification.
"""

from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]

# Okabe and Ito's palette, told apart by the colour-blind, on white and on black.
COLOURS = {
    "numba": "#0072B2",
    "torch": "#D55E00",
    "numpy": "#009E73",
    "scipy": "#CC79A7",
    "tie": "#999999",
    "read limit": "#999999",
}
# For what is no way: methods, solvers.
OTHERS = [
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
_WAYS = ["numba", "torch", "numpy", "scipy"]


@dataclass(frozen=True)
class Section:
    """A chart of the page. ``choose`` maps a field to the value that is chosen at first."""

    id: str
    title: str
    note: str
    frame: str
    spec: Spec
    choose: dict[str, str] = field(default_factory=dict)


def _way(*more: str, name: str = "way") -> Spec:
    domain = [*_WAYS, *more]
    return {
        "field": name,
        "type": "nominal",
        "scale": {"domain": domain, "range": [COLOURS[way] for way in domain]},
        "legend": {"title": None, "orient": "top"},
    }


def _x(name: str, title: str, **more: Any) -> Spec:
    return {"field": name, "type": "quantitative", "title": title, **more}


_LOG: Spec = {"scale": {"type": "log"}}
_POINTS = {"values": [100, 1_000, 10_000, 100_000, 1_000_000], "format": "~s"}
_TIME = {"format": "~s", "labelExpr": "datum.label ? datum.label + 's' : ''"}
_DECADES = _TIME | {"values": [10.0**k for k in range(-9, 3)]}


_GAPS = {"format": ".0e", "values": [10.0**-k for k in range(1, 11)]}
_RATIOS = {"values": [0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4], "format": "~r"}
_FEW = {"format": "~s", "tickCount": 5}


def _tooltip(*names: str) -> list[Spec]:
    return [{"field": name, "type": "nominal"} for name in names]


def _wrong_points(*names: str) -> Spec:
    """Return the layer that marks, at the top, what failed its check and so has no value."""
    return {
        "transform": [{"calculate": "datum.status == 'wrong' ? '✗ wrong' : ''", "as": "mark"}],
        "mark": {"type": "text", "fontSize": 14, "fontWeight": "bold"},
        "encoding": {
            "y": {"value": 10},
            "text": {"field": "mark"},
            "tooltip": _tooltip(*names, "status"),
        },
    }


_FASTEST: Spec = {
    "width": 560,
    "height": 220,
    "encoding": {
        "x": {"field": "n", "type": "ordinal", "title": "rows n", "axis": {"labelAngle": 0}},
        "y": {"field": "p", "type": "ordinal", "title": "columns p"},
        "tooltip": _tooltip("n", "p", "way", "margin", "wrong", "commit"),
    },
    "layer": [
        {
            "mark": {"type": "rect", "cornerRadius": 4, "stroke": "white", "strokeWidth": 2},
            "encoding": {"color": _way("tie", name="colour")},
        },
        {
            "mark": {"type": "text", "color": "white", "fontWeight": "bold", "dy": -6},
            "encoding": {"text": {"field": "way"}},
        },
        {
            "mark": {"type": "text", "color": "white", "dy": 9},
            "encoding": {"text": {"field": "margin_label"}},
        },
        {
            "mark": {"type": "text", "color": "white", "dy": 24, "fontWeight": "bold"},
            "encoding": {"text": {"field": "wrong_label"}},
        },
    ],
}
_FASTEST["transform"] = [
    {"calculate": "datum.wrong ? 'WRONG: ' + datum.wrong : ''", "as": "wrong_label"},
    {"calculate": "datum.margin ? format(datum.margin, '.3~r') + 'x' : ''", "as": "margin_label"},
]

_TIMES: Spec = {
    "facet": {"column": {"field": "p", "type": "ordinal", "title": "columns p"}},
    "spec": {
        "width": 270,
        "height": 300,
        "encoding": {
            "x": _x("n", "rows n", axis=_POINTS, **_LOG),
            "y": _x("seconds", "time of a gradient", axis=_DECADES, **_LOG),
            "color": _way("read limit"),
        },
        "layer": [
            {
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "strokeDash": {
                        "condition": {"test": "datum.way == 'read limit'", "value": [5, 4]},
                        "value": [1, 0],
                    },
                    "tooltip": _tooltip("way", "n", "p", "seconds", "low", "high", "commit"),
                },
            },
            _wrong_points("way", "n", "p"),
        ],
    },
}

_ROOFLINE: Spec = {
    "facet": {"column": {"field": "X", "sort": ["256 KiB", "8 MiB", "160 MiB"], "title": "X of"}},
    "spec": {
        "width": 270,
        "height": 240,
        "encoding": {
            "x": {"field": "p", "type": "ordinal", "title": "columns p", "axis": {"labelAngle": 0}},
            "xOffset": {"field": "order"},
        },
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "y": _x("share", "share of the read limit"),
                    "color": {
                        "field": "order",
                        "scale": {"domain": ["C", "F"], "range": ["#0072B2", "#56B4E9"]},
                        "legend": {"title": "order", "orient": "top"},
                    },
                    "tooltip": _tooltip("X", "order", "p", "threads", "share", "low", "high"),
                },
            },
            {
                "mark": {"type": "rule", "strokeDash": [5, 4]},
                "encoding": {"y": {"datum": 1}, "x": None, "xOffset": None},
            },
        ],
    },
}

_PRICE: Spec = {
    "facet": {"column": {"field": "p", "type": "ordinal", "title": "columns p"}},
    "spec": {
        "width": 270,
        "height": 240,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _x("n", "rows n", axis=_POINTS, **_LOG),
            "y": _x("ratio", "value and gradient, over value"),
            "color": _way(),
            "tooltip": _tooltip("way", "n", "p", "ratio", "low", "high", "commit"),
        },
    },
}

_AUTOGRAD: Spec = {
    "width": 560,
    "height": {"step": 20},
    "mark": {"type": "bar", "color": COLOURS["torch"]},
    "encoding": {
        "y": {"field": "call", "type": "nominal", "sort": None, "title": None}
        | {"axis": {"labelLimit": 320}},
        "x": _x("seconds", "time", axis=_TIME),
        "tooltip": _tooltip("call", "X", "seconds", "low", "high", "commit"),
    },
}

_PAYBACK: Spec = {
    "width": 560,
    "height": 240,
    "mark": {"type": "line", "point": True},
    "encoding": {
        "x": _x("n", "rows n, 30 columns", axis=_POINTS, **_LOG),
        "y": _x("gradients", "gradients until it has paid", axis=_FEW, **_LOG),
        "color": {
            "field": "first call",
            "scale": {"domain": ["compiles", "loads"], "range": ["#0072B2", "#56B4E9"]},
            "legend": {"title": "the first call", "orient": "top"},
        },
        "tooltip": _tooltip("first call", "n", "gradients", "commit"),
    },
}

_VERDICTS = {
    "right": "#009E73",
    "loses digits": "#A06A00",
    "wrong": "#D55E00",
    "says no": "#999999",
}

_DEFICIENT: Spec = {
    "width": {"step": 58},
    "height": {"step": 26},
    "transform": [
        {
            "calculate": "datum.verdict == 'right' ? (datum.seconds < 1e-3 ?"
            " format(datum.seconds * 1e6, '.3~r') + ' µs' :"
            " format(datum.seconds * 1e3, '.3~r') + ' ms') :"
            " datum.verdict == 'wrong' ? 'WRONG' :"
            " datum.verdict == 'says no' ? 'no' : '-' + format(datum.lost, '.1f')",
            "as": "label",
        }
    ],
    "encoding": {
        "x": {"field": "family", "sort": None, "title": None, "axis": {"labelAngle": -40}},
        "y": {"field": "solver", "sort": None, "title": None},
        "tooltip": _tooltip("solver", "family", "X", "verdict", "lost", "seconds", "commit"),
    },
    "layer": [
        {
            "mark": {"type": "rect", "stroke": "white"},
            "encoding": {
                "color": {
                    "field": "verdict",
                    "scale": {"domain": list(_VERDICTS), "range": list(_VERDICTS.values())},
                    "legend": {"title": None, "orient": "top"},
                }
            },
        },
        {
            "mark": {"type": "text", "fontSize": 10, "color": "white"},
            "encoding": {"text": {"field": "label"}},
        },
    ],
}

_CERTIFIED: Spec = {
    "width": {"step": 58},
    "height": {"step": 26},
    "encoding": {
        "x": {"field": "set", "sort": None, "title": None, "axis": {"labelAngle": -40}},
        "y": {"field": "solver", "sort": None, "title": None},
        "tooltip": _tooltip("solver", "set", "digits", "commit"),
    },
    "layer": [
        {
            "mark": {"type": "rect", "stroke": "white"},
            "encoding": {
                "color": {
                    "field": "digits",
                    "type": "quantitative",
                    "scale": {"scheme": "viridis", "domain": [0, 15]},
                    "legend": {"title": "digits", "orient": "top"},
                }
            },
        },
        {
            "mark": {"type": "text", "fontSize": 11},
            "encoding": {
                "text": {"field": "digits", "type": "quantitative", "format": ".1f"},
                "color": {
                    "condition": {"test": "datum.digits > 9", "value": "black"},
                    "value": "white",
                },
            },
        },
    ],
}

_CONDITION: Spec = {
    "width": 560,
    "height": 320,
    "mark": {"type": "line", "point": {"size": 40}},
    "encoding": {
        "x": _x("condition number", "condition number of X", axis={"format": ".0e"}, **_LOG),
        "y": _x("digits", "digits of the solution"),
        "color": {
            "field": "solver",
            "sort": None,
            "legend": {"title": None, "orient": "right"},
        },
        "tooltip": _tooltip("solver", "dtype", "condition number", "digits", "commit"),
    },
}


def _convergence(x: str, title: str) -> Spec:
    return {
        "width": 560,
        "height": 320,
        "mark": {"type": "line", "point": {"size": 25}},
        "encoding": {
            "x": _x(x, title, axis=_FEW, **_LOG),
            "y": _x("suboptimality", "relative suboptimality", axis=_GAPS, **_LOG),
            "color": {
                "field": "method",
                "legend": {"title": None, "orient": "right", "labelLimit": 220},
            },
            "order": {"field": "suboptimality", "sort": "descending"},
            "tooltip": _tooltip("method", "way", "suboptimality", "seconds", "gradients", "commit"),
        },
    }


_HISTORY: Spec = {
    "width": 560,
    "height": 320,
    "encoding": {
        "x": {
            "field": "at",
            "type": "ordinal",
            "title": "commit, the oldest first",
            "sort": {"field": "date"},
            "scale": {"padding": 0.8},  # the last step's label stays within
            "axis": {"labelAngle": -30, "labelLimit": 260},
        },
        "color": {
            "field": "series",
            "sort": None,
            "legend": {"title": None, "orient": "right", "labelLimit": 220},
        },
        "tooltip": _tooltip("series", "at", "value", "low", "high", "step", "status", "versions"),
    },
    "layer": [
        {
            "mark": {"type": "line", "point": {"size": 40}},
            "encoding": {"y": _x("value", "value", axis=_FEW, **_LOG)},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
            "encoding": {"y": _x("low", "value"), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 5, "dy": -9, "fontSize": 10},
            "encoding": {"y": _x("value", "value"), "text": {"field": "step"}},
        },
        _wrong_points("series", "at"),
    ],
}

_UPGRADE: Spec = {
    "width": 560,
    "height": {"step": 22},
    "encoding": {
        "y": {"field": "case", "type": "nominal", "sort": None, "title": None},
        "yOffset": {"field": "way"},
        "tooltip": _tooltip("way", "case", "ratio", "verdict", "from", "to", "commit"),
    },
    "layer": [
        {
            "mark": {"type": "rule", "strokeDash": [5, 4]},
            "encoding": {"x": {"datum": 1}, "y": None, "yOffset": None},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {
                "x": _x("ratio", "new versions over old", axis=_RATIOS)
                | {"scale": {"type": "log", "nice": False, "padding": 30}},
                "color": _way(),
                "opacity": {
                    "condition": {"test": "datum.verdict == 'within noise'", "value": 0.35},
                    "value": 1,
                },
            },
        },
    ],
}

_CASE = {"condition number": "10", "X": "200000 x 50", "way": "numba"}

SECTIONS = [
    Section(
        "fastest",
        "Which way is fastest",
        "One gradient, once prepared. The number is the margin over the next; grey is a tie,"
        " within the intervals or within the noise of numpy against itself. scipy does not read X"
        " once it has factored it.",
        "fastest",
        _FASTEST,
        {"among": "ways that read X"},
    ),
    Section(
        "times",
        "How time grows",
        "Dashed: the fastest plain sum over X. A gradient that reads X is above, unless it asks"
        " memory further ahead than a sum does.",
        "times",
        _TIMES,
    ),
    Section(
        "roofline",
        "Share of the read limit",
        "The numba kernel; 1 is as fast as the fastest sum over X in the same process.",
        "roofline",
        _ROOFLINE,
        {"threads": "all"},
    ),
    Section(
        "price",
        "The price of the gradient",
        "Time of value and gradient together over time of the value alone.",
        "price",
        _PRICE,
    ),
    Section(
        "autograd",
        "Where the time of autograd goes",
        "Calls of PyTorch that give the value (forward ...) or the gradient.",
        "autograd",
        _AUTOGRAD,
        {"X": "100 x 4"},
    ),
    Section(
        "payback",
        "When compiling has paid for itself",
        "Against numpy's gradient, which needs no compiling.",
        "payback",
        _PAYBACK,
    ),
    Section(
        "deficient",
        "Rank deficiency: which solver is right, and its time",
        "-k is digits lost beyond what rounding explains, WRONG more than half of them; no says"
        " that it did not solve the problem.",
        "deficient",
        _DEFICIENT,
        {"X": "2000 x 50"},
    ),
    Section(
        "certified",
        "Digits of NIST's certified figures",
        "Certified: coefficients of regressions. Variance: F and the sums of squares.",
        "certified",
        _CERTIFIED,
        {"kind": "Certified"},
    ),
    Section(
        "condition",
        "Digits against the condition number",
        "60 x 10, against the exact solution in rational arithmetic.",
        "condition",
        _CONDITION,
        {"dtype": "float64"},
    ),
    Section(
        "convergence",
        "Convergence against time",
        "(f(w) - f(w*)) / (f(0) - f(w*)); preparation of the step length included.",
        "convergence",
        _convergence("seconds", "seconds"),
        _CASE,
    ),
    Section(
        "evaluations",
        "Convergence against gradients",
        "The same descents, counted in gradients taken.",
        "convergence",
        _convergence("gradients", "gradients"),
        _CASE,
    ),
    Section(
        "history",
        "History",
        "Each figure over the recorded commits, with 99 % intervals of the medians; ▲ and ▼ mark"
        " steps that are more than noise.",
        "history",
        _HISTORY,
        {"metric": "gradient", "case": "10000, 30"},
    ),
    Section(
        "upgrade",
        "Did the upgrade cost anything?",
        "One commit on numpy 2.2, scipy 1.15 and numba 0.61 and on the versions of today; faint"
        " points are within the noise.",
        "upgrade",
        _UPGRADE,
        {"metric": "gradient"},
    ),
]

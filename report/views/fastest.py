"""Which way is fastest, at each n x p."""

from collections.abc import Callable

from report.benchmarks import PEERS_SPEEDUP, SPEEDUP, Benchmark
from report.comparison import Row, by_size, leaders, reading_X
from report.results import Newest, Record
from report.text import factor, marked, spread
from report.views.chart import PEER, TIE, Colours, Spec, tooltip
from report.views.view import Rows, View
from report.ways import recorded


class Fastest(View):
    """The fastest way at each n x p, its margin, ties, and ways that were wrong there."""

    id = "fastest"
    title = "Which way is fastest"
    note = (
        "One gradient, once prepared. The number is the margin over the next; grey is a tie,"
        " within the intervals between processes or the noise of numpy against itself. A factored"
        " way does not read X once it has factored it. Peers are JAX, torch.func, torch.compile and"
        " autograd."
    )
    choose = {"among": "ways that read X"}

    def rows(self, records: list[Record]) -> Rows:
        newest, ways = Newest(records), recorded(records)
        rows: Rows = []
        for among, benchmark, chosen in _AMONG:
            points = newest.points(benchmark)
            commits = {key[1:]: record.commit[:8] for key, (_, record) in points.items()}
            rows += [
                {"among": among, "n": n, "p": p, **found, "commit": commits[str(n), str(p)]}
                for (n, p), every in by_size(newest, benchmark).items()
                if (found := _found(chosen(every), ways))
            ]
        return rows

    def chart(self, colours: Colours) -> Spec:
        text: Spec = {"type": "text", "color": "white"}
        return {
            "width": 560,
            "height": 220,
            "transform": [
                {"calculate": "datum.wrong ? 'WRONG: ' + datum.wrong : ''", "as": "wrong_label"},
                {
                    "calculate": "(datum.margin ? format(datum.margin, '.3~r') + 'x' : '')"
                    " + (datum.unsure ? '?' : '')",
                    "as": "margin_label",
                },
                {"calculate": "split(datum.way, ' = ')", "as": "ways"},  # a line each
            ],
            "encoding": {
                "x": {
                    "field": "n",
                    "type": "ordinal",
                    "title": "rows n",
                    "axis": {"labelAngle": 0},
                },
                "y": {"field": "p", "type": "ordinal", "title": "columns p"},
                "tooltip": tooltip("n", "p", "way", "margin", "spread", "wrong", "commit"),
            },
            "layer": [
                {
                    "mark": {
                        "type": "rect",
                        "cornerRadius": 4,
                        "stroke": "white",
                        "strokeWidth": 2,
                    },
                    "encoding": {"color": colours.by("colour", TIE, PEER)},
                },
                {
                    "mark": text | {"fontWeight": "bold", "dy": -6},
                    "encoding": {"text": {"field": "ways"}},
                },
                {"mark": text | {"dy": 9}, "encoding": {"text": {"field": "margin_label"}}},
                {
                    "mark": text | {"dy": 24, "fontWeight": "bold"},
                    "encoding": {"text": {"field": "wrong_label"}},
                },
            ],
        }


def _any(every: Row) -> Row:
    return every


_AMONG: list[tuple[str, Benchmark, Callable[[Row], Row]]] = [
    ("ways that read X", SPEEDUP, reading_X),
    ("all ways", SPEEDUP, _any),
    ("against peers", PEERS_SPEEDUP, reading_X),
]


def _found(speedups: Row, ours: list[str]) -> dict[str, object]:
    """Return who leads and who was wrong; empty where there is neither."""
    ways, margin = leaders(speedups)
    wrong = [way for way, cell in speedups.items() if cell.value is None]
    if not (ways or wrong):
        return {}
    return {
        "way": " = ".join(ways) or "none",
        "colour": TIE if len(ways) != 1 else ways[0] if ways[0] in ours else PEER,
        "margin": margin,
        "unsure": any(speedups[way].is_unsure for way in ways),
        "spread": ", ".join(f"{way} {known}" for way in ways if (known := spread(speedups[way]))),
        "wrong": ", ".join(wrong),
    }


def in_words(speedups: Row) -> str:
    """Return the fastest right way and its margin over the next, or the ways that tie for it."""
    ways, margin = leaders(speedups)
    text = f"{ways[0]} {factor(margin)}" if margin is not None else " = ".join(ways)
    return marked(text, *(speedups[way] for way in ways))

"""Which least squares routine of which library can be trusted, and what a release changed."""

import re
from itertools import pairwise

from report.benchmarks import CONFORMANCE
from report.results import Newest, Record, as_last_defined
from report.text import Table
from report.views.chart import BAD, GOOD, QUIET, WARNING, WORST, Colours, Spec, grid
from report.views.view import Rows, View
from suites.conform.files import WITNESSES, file_of

# The worst first, as suites.conform.trial counts them, and how each is drawn.
_KINDS = {
    "crashes": "#000000",
    "wrong": BAD,
    "not deterministic": WORST,
    "loses": WARNING,
    "says no": QUIET,
    "right": GOOD,
}
_OUTSIDE, _NOT_PROMISED = "-", "not promised"  # in a table, on the page
_BY_OUR_RULE = ", by our rule"
_PACKAGES = (
    "numpy",
    "scipy",
    "torch",
    "jax",
    "scikit-learn",
    "statsmodels",
    "lineax",
    "dask",
    "polars_ds",
)
_OF_ANOTHER_NAME = {"sklearn": "scikit-learn"}

Cases = dict[str, int]  # by verdict


class Conformance(View):
    """The worst verdict on each routine in each group of cases, and of how many cases it is that.

    All of it from one record of each set of versions, as families are judged as a whole.
    """

    id = "conformance"
    title = "Which least squares routine can be trusted"
    note = (
        "The worst verdict of a group of cases, and of how many it is that; each routine against"
        " its own documentation. Click one that is not right for the smallest matrix that shows it."
    )
    choose = {"versions": "", "threshold": "the library's own"}

    def rows(self, records: list[Record]) -> Rows:
        return [
            {
                "routine": named(routine.removesuffix(_BY_OUR_RULE), record),
                "cases": group,
                "verdict": _NOT_PROMISED if worst(cases) == _OUTSIDE else worst(cases),
                "said": in_words(cases),
                "label": _count(cases),
                "threshold": "ours" if routine.endswith(_BY_OUR_RULE) else "the library's own",
                "versions": versions(record),
                "detail": "" if worst(cases) in ("right", _OUTSIDE) else _witness(routine),
                "commit": record.commit[:8],
            }
            for record in reversed(by_versions(records))
            for (routine, group), cases in found(record).items()
        ]

    def chart(self, colours: Colours) -> Spec:
        colour = {
            "field": "verdict",
            "scale": {"domain": [*_KINDS, _NOT_PROMISED], "range": [*_KINDS.values(), "#00000000"]},
            "legend": {"title": None, "orient": "top"},
        }
        layers: list[Spec] = [
            {
                "mark": {"type": "rect", "stroke": "white", "cursor": "pointer"},
                "encoding": {"color": colour},
            },
            {
                "mark": {"type": "text", "fontSize": 10, "color": "white", "cursor": "pointer"},
                "encoding": {"text": {"field": "label"}},
            },
        ]
        shown = ("routine", "cases", "said", "versions", "commit")
        spec = grid("cases", "routine", layers, *shown)
        spec["encoding"]["x"]["axis"]["orient"] = "top"  # the grid is tall
        spec["encoding"]["y"]["axis"] = {"labelLimit": 320}
        return spec


def found(record: Record) -> dict[tuple[str, str], Cases]:
    """Return how many cases of each verdict a routine has in a group; empty: not its claim."""
    every: dict[tuple[str, str], Cases] = {}
    for (routine, group, verdict), cell in record.cells(CONFORMANCE).items():
        if named(routine, record) != routine:  # else its library was not installed
            cases = every.setdefault((routine, group), {})
            if cell.measured:
                cases[verdict] = int(cell.measured)
    return every


def worst(cases: Cases) -> str:
    """Return the worst verdict that came; "-" where no case was within the claim."""
    return next((kind for kind in _KINDS if cases.get(kind)), _OUTSIDE)


def in_words(cases: Cases) -> str:
    """Return the worst verdict and of how many cases it is that: "wrong, 3 of 12"."""
    kind, total = worst(cases), sum(cases.values())
    return kind if cases.get(kind, 0) == total else f"{kind}, {cases[kind]} of {total}"


def _count(cases: Cases) -> str:
    """Return of how many cases it is the worst verdict, short enough for a cell."""
    kind = worst(cases)
    return "" if kind in ("right", _OUTSIDE) else f"{cases[kind]}/{sum(cases.values())}"


def by_versions(records: list[Record]) -> list[Record]:
    """Return the newest record of each set of versions, the oldest versions first."""
    kept: list[Record] = []
    for record in as_last_defined(records, CONFORMANCE):
        kept = [other for other in kept if not _has_all_of(record, other)] + [record]
    return sorted(kept, key=_numbers)


def _has_all_of(record: Record, other: Record) -> bool:
    """Return whether a record has every library of another, in the same versions."""
    here, there = record.environment, other.environment
    return all(here.get(name) == there[name] for name in _PACKAGES if there.get(name))


def _numbers(record: Record) -> list[list[int]]:
    texts = (record.environment.get(name) or "" for name in _PACKAGES)
    return [[int(part) for part in re.findall(r"\d+", text)] for text in texts]


def versions(record: Record) -> str:
    """Return what the environment has of the libraries, in one line."""
    here = record.environment
    return ", ".join(f"{name} {here[name]}" for name in _PACKAGES if here.get(name))


def named(routine: str, record: Record) -> str:
    """Return a routine with the version of its library; without one where that is not known."""
    first = routine.replace(" ", ".").partition(".")[0]
    if first == "fourways":
        return f"{routine} ({record.commit[:8]})"
    version = record.environment.get(_OF_ANOTHER_NAME.get(first, first))
    return f"{routine} ({version})" if version else routine


def _witness(routine: str) -> str:
    file = WITNESSES / file_of(routine.removesuffix(_BY_OUR_RULE))
    return file.read_text("utf-8") if file.exists() else ""


def routines(newest: Newest) -> Table:
    """Return the worst verdicts, with the library's own threshold; the witness of each."""
    record = newest.last(CONFORMANCE)
    assert record is not None
    every = found(record)
    groups = list(dict.fromkeys(group for _, group in every))
    rows = []
    for routine in dict.fromkeys(routine for routine, _ in every):
        if not routine.endswith(_BY_OUR_RULE):
            file = file_of(routine)
            link = f"[shown](witnesses/{file})" if (WITNESSES / file).exists() else ""
            cells = [in_words(every[routine, group]) for group in groups]
            rows.append([named(routine, record), *cells, link])
    headers = ["routine", *groups, "witness"]
    return Table(headers, rows, set(headers))


def by_our_rule(newest: Newest) -> Table:
    """Return what changes where a routine that takes a threshold for the rank is given ours."""
    record = newest.last(CONFORMANCE)
    assert record is not None
    every = found(record)
    rows = [
        [routine, group, in_words(every[routine, group]), in_words(cases)]
        for (given, group), cases in every.items()
        if given.endswith(_BY_OUR_RULE)
        and cases
        and cases != every[(routine := given.removesuffix(_BY_OUR_RULE)), group]
    ]
    headers = ["routine", "cases", "by its own threshold", "by ours"]
    return Table(headers, rows, set(headers))


def releases(newest: Newest) -> Table:
    """Return the cells in which sets of versions differ, the older set before the newer."""
    rows = []
    for before, after in pairwise(by_versions(newest.records)):
        old, new = found(before), found(after)
        rows += [
            [
                routine,
                group,
                f"{in_words(old[routine, group])} ({named(routine, before).partition('(')[2]}",
                f"{in_words(cases)} ({named(routine, after).partition('(')[2]}",
            ]
            for (routine, group), cases in new.items()
            if not routine.endswith(_BY_OUR_RULE)
            and named(routine, before) != named(routine, after)
            and in_words(cases) != in_words(old.get((routine, group), cases))
        ]
    headers = ["routine", "cases", "before", "after"]
    return Table(headers, rows, set(headers))

"""`fourways conform`: every routine of least squares against its own documentation."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from fourways.errors import InputError
from suites.conform.cases import TABLES
from suites.conform.registry import LIBRARIES, version_of
from suites.conform.survey import survey
from suites.conform.trial import CHANGES, CRASHES, NO, OUTSIDE, Trial
from suites.conform.witness import file_of

# The worst of several first; what is outside of a claim counts for nothing.
_KINDS = (CRASHES, "wrong", CHANGES, "loses", NO, "right", OUTSIDE)
_GROUPS = {
    "full rank": ("full rank, tall", "full rank, square", "full rank, wide", "full rank, long"),
    "dependent columns": (
        *("duplicated column", "zero column", "sum of the others", "dummy trap", "all zeros"),
        *("rank 2", "rank 3", "rank p/2"),
    ),
    "wide": ("wide",),
    "units of columns": ("columns x 1e8", TABLES),
    "range": ("all x 1e150", "all x 1e-150"),
    "nearly dependent": ("collinear 1e-10", "collinear 2^-50"),
    "ill conditioned": ("Vandermonde", "Hilbert", "graded"),
}
_BEGIN, _END = "<!-- conform -->\n", "<!-- end -->"


def conform(libraries: list[str], found: Path | None, document: Path | None) -> int:
    """Print what each routine is worth; write all trials as JSON, and a document's table."""
    for library in libraries:
        if library not in LIBRARIES:
            raise InputError(f"no library {library!r}; there are {', '.join(LIBRARIES)}")
    if document:
        _place(document)
    wanted = libraries or list(LIBRARIES)
    there = [library for library in wanted if version_of(library) is not None]
    with tqdm(desc="trials", leave=False, disable=None, delay=1) as bar:

        def trials(library: str) -> list[Trial]:
            done = []
            for trial in survey(library):
                done.append(trial)
                bar.update()
            return done

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            every = dict(zip(there, threads.map(trials, there), strict=True))
    print("\n\n".join(counts(library, every[library]) for library in there))
    for library in wanted:
        if library not in there:
            print(f"\n{library} is not installed, and left out: pip install 'fourways[peers]'")
    if found:
        text = {
            library: {"version": version_of(library), "trials": [asdict(t) for t in every[library]]}
            for library in there
        }
        found.write_text(json.dumps(text, indent=1) + "\n")
    if document:
        written(document, every)
    return 0


def kind_of(verdict: str) -> str:
    return "loses" if verdict.startswith("loses") else verdict


def counts(library: str, trials: list[Trial]) -> str:
    """Return a library's routines and how often each verdict came, with the library's defaults."""
    shown = [kind for kind in _KINDS[::-1] if any(kind_of(t.verdict) == kind for t in trials)]
    rows = []
    for routine in dict.fromkeys(trial.routine for trial in trials):
        of = Counter(kind_of(t.verdict) for t in _by_default(trials) if t.routine == routine)
        rows.append([routine, *(of[kind] or "" for kind in shown)])
    heading = f"{library} {version_of(library)}"
    return str(tabulate(rows, [heading, *shown]))


def _by_default(trials: Iterable[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.rule == "default"]


def worst(trials: list[Trial]) -> str:
    """Return the worst of the verdicts and how many of them it is; "-" where none counts."""
    kinds = Counter(kind_of(trial.verdict) for trial in trials)
    counted = sum(kinds.values()) - kinds[OUTSIDE]
    kind = next((kind for kind in _KINDS if kinds[kind]), OUTSIDE)
    if kind == OUTSIDE:
        return "-"
    return kind if kinds[kind] == counted else f"{kind}, {kinds[kind]} of {counted}"


def table(every: dict[str, list[Trial]], witnesses: Path) -> str:
    """Return the table of a page: routines down, families across, links to the witnesses."""
    rows = []
    for library, trials in every.items():
        own = _by_default(trials)
        for routine in dict.fromkeys(trial.routine for trial in own):
            of = [trial for trial in own if trial.routine == routine]
            groups = [[t for t in of if t.family in families] for families in _GROUPS.values()]
            file = file_of(routine)
            link = f"[shown](witnesses/{file})" if (witnesses / file).exists() else ""
            rows.append([f"{routine} ({version_of(library)})", *map(worst, groups), link])
    return str(tabulate(rows, ["routine", *_GROUPS, "witness"], tablefmt="github"))


def written(document: Path, every: dict[str, list[Trial]]) -> None:
    """Put the table into a document, between its marks."""
    text, begin, end = _place(document)
    made = table(every, document.parent / "witnesses")
    document.write_text(f"{text[:begin]}\n{made}\n\n{text[end:]}", "utf-8")


def _place(document: Path) -> tuple[str, int, int]:
    """Return a document, and where in it the table begins and ends."""
    if not document.is_file():
        raise InputError(f"--document: {document} is no file")
    text = document.read_text("utf-8")
    begin, end = text.find(_BEGIN), text.find(_END)
    if begin < 0 or end < begin:
        raise InputError(f"{document} has no lines {_BEGIN.strip()} and {_END} for the table")
    return text, begin + len(_BEGIN), end

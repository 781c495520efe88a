"""`fourways conform`: every routine of least squares against its own documentation."""

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from fourways.errors import InputError
from suites.conform.registry import LIBRARIES, version_of
from suites.conform.survey import survey
from suites.conform.trial import KINDS, OUTSIDE, RULES, Trial, kind_of


def conform(libraries: list[str], found: Path | None) -> int:
    """Print how often each routine is right, and how it is not; write all trials as JSON."""
    for library in libraries:
        if library not in LIBRARIES:
            raise InputError(f"no library {library!r}; there are {', '.join(LIBRARIES)}")
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
            longest_first = there[::-1]  # those that compile, and ours
            by = dict(zip(longest_first, threads.map(trials, longest_first), strict=True))
    print("\n\n".join(counts(library, by[library]) for library in there))
    for library in wanted:
        if library not in there:
            print(f"\n{library} is not installed, and left out: pip install 'fourways[peers]'")
    if found:
        text = {
            library: {
                "version": version_of(library),
                "trials": [asdict(t) for t in by[library]],
            }
            for library in there
        }
        found.write_text(json.dumps(text, indent=1) + "\n")
    return 0


def counts(library: str, trials: list[Trial]) -> str:
    """Return a library's routines and how often each verdict came, with the library's defaults."""
    by_default = [trial for trial in trials if trial.rule == RULES[0]]
    came = {kind_of(trial.verdict) for trial in by_default}
    shown = [kind for kind in (*KINDS[::-1], OUTSIDE) if kind in came]
    rows = []
    for routine in dict.fromkeys(trial.routine for trial in by_default):
        of = Counter(kind_of(t.verdict) for t in by_default if t.routine == routine)
        rows.append([routine, *(of[kind] or "" for kind in shown)])
    heading = f"{library} {version_of(library)}"
    return str(tabulate(rows, [heading, *shown]))

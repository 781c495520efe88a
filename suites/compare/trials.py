"""The trials that prove what `make compare` says: each has an answer that is known.

    python -m suites.compare.trials                   # 20 trials, or what is missing of them
    python -m suites.compare.trials --load            # the same with a busy process on one core
    python -m suites.compare.trials --report          # docs/compare.md from what was recorded

A trial compares a tree with itself, built again, and with trees whose numba gradient a busy wait
makes slower by 5, 10 and 20 %. Each process is a line of .asv/trials/quiet.jsonl or load.jsonl; a
second call goes on where the first was interrupted, and leaves out what docs/compare_trials.jsonl
has. A trial takes some four minutes, half of that with ``--minutes 2.5``.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TextIO

from suites.compare import trial_report
from suites.compare.arms import BASE, LANE, Measured, Trial, built
from suites.compare.builds import ROOT, Build, BuildError, interpreter
from suites.compare.cells import LANES
from suites.compare.processes import Known, measured, verified

_FOLDER = ROOT / ".asv" / "trials"
_BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def replayed(path: Path, minutes: float) -> dict[int, Trial]:
    """Return the trials of a file as they stood after its last whole round."""
    trials: dict[int, Trial] = {}
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for (number, _), processes in groupby(lines, lambda line: (line["trial"], line["round"])):
        found = {p["arm"]: Measured(p["seconds"], p["cells"]) for p in processes}
        trial = trials.setdefault(number, Trial(number, minutes))
        if found.keys() >= set(trial.open_arms()):
            trial.add(found)
    return trials


def run(condition: str, trials: int, minutes: float) -> None:
    """Run what is missing of so many trials, and write each process to a file."""
    builds = built(interpreter("base", {}))
    known = {arm: _verified(build) for arm, build in builds.items()}
    for arm in known:  # batches of one length
        for name, cell in known[arm].items():
            cell["number"] = known[BASE][name]["number"]
    path = _file(condition)
    path.parent.mkdir(parents=True, exist_ok=True)
    so_far = replayed(path, minutes)
    reported = trial_report.numbers(condition, minutes)
    with path.open("a", buffering=1) as file:
        for number in sorted(set(range(trials)) - reported):
            trial = so_far.get(number) or Trial(number, minutes)
            while trial.open_arms():
                _round(number, trial, builds, known, file)
            print(f"trial {number + 1} of {trials}: {_told(trial)}", flush=True)


def _file(condition: str) -> Path:
    return _FOLDER / f"{condition}.jsonl"


def _verified(build: Build) -> Known:
    print(f"verifying {build.label}", flush=True)
    known = verified(build, LANES[LANE])
    for name, found in known.items():
        if "number" not in found:
            raise BuildError(f"{build.label}: {name}: {found}")
    return known


def _round(
    number: int, trial: Trial, builds: dict[str, Build], known: dict[str, Known], file: TextIO
) -> None:
    """Measure a process of each open arm; a round in which one fails counts for none."""
    rng = random.Random()
    cells = trial.open_cells()
    first = rng.randrange(len(cells))
    found = {}
    for arm in trial.order(rng):
        outcome = measured(builds[arm], cells[first:] + cells[:first], known[arm])
        if outcome.failure:
            print(f"{arm}: {outcome.failure}", file=sys.stderr)
            return
        seconds = {name: cell["seconds"] for name, cell in outcome.value.items()}
        found[arm] = Measured(outcome.seconds, seconds)
    # A whole round at once, under a number of its own: what was interrupted leaves nothing.
    turn = f"{rng.getrandbits(32):08x}"
    for arm, process in found.items():
        line = {"trial": number, "round": turn, "arm": arm}
        file.write(json.dumps({**line, "seconds": process.seconds, "cells": process.cells}) + "\n")
    trial.add(found)


def _told(trial: Trial) -> str:
    counts = []
    for arm, comparison in trial.comparisons.items():
        verdicts = [comparison.cells[cell.name].verdict for cell in LANES[LANE]]
        slower, faster = verdicts.count("slower"), verdicts.count("faster")
        counts.append(f"{arm} {slower} slower {faster} faster")
    return ", ".join(counts)


@contextmanager
def _busy_core() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m suites.compare.trials", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5.0, help="as of make compare")
    parser.add_argument("--load", action="store_true", help="with a busy process on one core")
    parser.add_argument("--report", action="store_true", help="write docs/compare.md")
    given = parser.parse_args(arguments)
    if given.report:
        for name in trial_report.CONDITIONS:
            trials = replayed(_file(name), given.minutes)
            trial_report.keep(name, given.minutes, trials)
        trial_report.write()
        return 0
    try:
        if given.load:
            with _busy_core():
                run("load", given.trials, given.minutes)
        else:
            run("quiet", given.trials, given.minutes)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

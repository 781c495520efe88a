"""What the trials found: docs/compare_trials.jsonl, and the tables of docs/compare.md from it.

A line of the file is an arm of a trial: of each cell the verdict, the seconds after which it came,
the ratio, and the microseconds of a call of A.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from suites.compare.arms import LANE, LEAST, SLOWER, Trial, is_slowed
from suites.compare.builds import ROOT
from suites.compare.cells import LANES
from suites.harness import machine

CONDITIONS = {"quiet": "With nothing else running", "load": "With a busy process on one core"}

_TO_BE_FOUND = 10  # percent: what is slower by as much is to be found in the default time

_KEPT = ROOT / "docs" / "compare_trials.jsonl"
_PAGE = ROOT / "docs" / "compare.md"
_BLOCK = re.compile(r"(?s)(<!-- trials -->\n).*?(<!-- end of trials -->)")

Arm = dict[str, Any]


def keep(condition: str, minutes: float, trials: Mapping[int, Trial]) -> None:
    """Write the trials that are over into the file, in place of shorter ones that missed some."""
    new = trials.keys() - numbers(condition, minutes)
    over = {number: trials[number] for number in new if not trials[number].open_arms()}
    others = [arm for arm in kept() if arm["condition"] != condition or arm["trial"] not in over]
    mine = [
        {
            "condition": condition,
            "machine": machine.describe()["machine"],
            "minutes": minutes,
            "trial": number,
            "arm": arm,
            "cells": _cells(trial, arm),
        }
        for number, trial in sorted(over.items())
        for arm in trial.comparisons
    ]
    arms = sorted(others + mine, key=lambda arm: (arm["condition"], arm["trial"]))
    _KEPT.write_text("".join(json.dumps(arm) + "\n" for arm in arms))


def _cells(trial: Trial, arm: str) -> dict[str, list[Any]]:
    found = {}
    for cell in LANES[LANE]:
        evidence = trial.comparisons[arm].cells[cell.name]
        if evidence.base:
            seconds = trial.decided[arm].get(cell.name)
            found[cell.name] = [
                evidence.verdict,
                seconds and round(seconds, 1),
                round(math.exp(evidence.location), 4),
                float(f"{1e6 * math.exp(median(evidence.base)):.3g}"),
            ]
    return found


def kept() -> list[Arm]:
    """Return what the file holds."""
    return [json.loads(line) for line in _KEPT.read_text().splitlines()] if _KEPT.exists() else []


def numbers(condition: str, minutes: float) -> set[int]:
    """Return the numbers of the trials that need no more: they had the minutes, or found all."""
    mine = [arm for arm in kept() if arm["condition"] == condition]
    short = {arm["trial"] for arm in mine if arm["minutes"] < minutes and _has_missed(arm)}
    return {arm["trial"] for arm in mine} - short


def _has_missed(arm: Arm) -> bool:
    return SLOWER[arm["arm"]] >= _TO_BE_FOUND and any(
        verdict != "slower" for verdict, *_ in _long_enough(arm)
    )


def _long_enough(arm: Arm) -> list[list[Any]]:
    """Return the slower cells of an arm whose calls are long enough for them to be found."""
    return [cell for name, cell in arm["cells"].items() if is_slowed(name) and cell[3] >= LEAST]


def write() -> None:
    """Write the tables into the page."""
    _PAGE.write_text(page(_PAGE.read_text(), kept()))


def page(text: str, arms: list[Arm]) -> str:
    """Return the page with its tables anew."""
    parts = [
        _condition(title, [arm for arm in arms if arm["condition"] == name])
        for name, title in CONDITIONS.items()
    ]
    return _BLOCK.sub(lambda found: found[1] + "\n".join(parts) + found[2], text)


def _condition(title: str, arms: list[Arm]) -> str:
    if not arms:
        return f"### {title}\n\nNot recorded yet.\n"
    trials = Counter({arm["trial"]: arm["minutes"] for arm in arms}.values())
    of_minutes = " and ".join(f"{count} of {length:g}" for length, count in sorted(trials.items()))
    machines = " and ".join(sorted({arm["machine"] for arm in arms}))
    about = f"{trials.total()} trials on {machines}, {of_minutes} minutes."
    false, judged = _false(arms)
    lines = [
        f"### {title}\n\n{about} Of {judged} cells that are what A's are, {false} were called"
        " slower or faster.\n",
        f"| cell | µs | {' | '.join(SLOWER)} |",
        f"| --- | ---: | {' | '.join(['---'] * len(SLOWER))} |",
        *(_row(cell.name, arms) for cell in LANES[LANE]),
    ]
    there = {arm["arm"] for arm in arms}
    slower = [arm for arm, percent in SLOWER.items() if percent and arm in there]
    lines += [f"\n{arm} slower: {_found(arm, arms)}" for arm in slower]
    return "\n".join(lines) + "\n"


def _is_true(arm: str, name: str) -> bool:
    """Return whether "slower" is the truth."""
    return SLOWER[arm] > 0 and is_slowed(name)


def _false(arms: list[Arm]) -> tuple[int, int]:
    """Return how many cells were called slower or faster that are neither, and of how many."""
    verdicts = [
        cell[0]
        for arm in arms
        for name, cell in arm["cells"].items()
        if not _is_true(arm["arm"], name)
    ]
    return sum(verdict in ("slower", "faster") for verdict in verdicts), len(verdicts)


def _row(name: str, arms: list[Arm]) -> str:
    cells = {a: [x["cells"][name] for x in arms if x["arm"] == a] for a in SLOWER}
    micros = median(cell[3] for cell in cells["A again"])
    return f"| {name} | {micros:.3g} | {' | '.join(_counts(cells[arm]) for arm in SLOWER)} |"


def _counts(cells: list[list[Any]]) -> str:
    counts = Counter(cell[0] for cell in cells)
    return ", ".join(
        f"{counts[v]} {v}" for v in ("slower", "faster", "equal", "undecided") if counts[v]
    )


def _found(arm: str, arms: list[Arm]) -> str:
    """Return how often what is slower was found, on cells that are not too short."""
    cells = [_long_enough(a) for a in arms if a["arm"] == arm]
    whole = sum(all(cell[0] == "slower" for cell in trial) for trial in cells)
    found = [cell for trial in cells for cell in trial if cell[0] == "slower"]
    seconds = (
        f", half of them within {median(cell[1] for cell in found):.0f} seconds" if found else ""
    )
    return (
        f"found in {len(found)} of {sum(map(len, cells))} cells of {LEAST:g} microseconds and"
        f" more{seconds}; in all of a trial's in {whole} of {len(cells)}."
    )

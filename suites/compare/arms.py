"""The arms of a trial, all against one A: the same tree built again, and trees that are slower."""

import math
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from suites.compare.builds import Build, Python, folder_of, source
from suites.compare.cells import LANES, SHARES, Cell
from suites.compare.sequential import Comparison

BASE = "A"
SLOWER = {"A again": 0, "5 %": 5, "10 %": 10, "20 %": 20}  # in percent of the call's own time

EVERY = {"A again": 1, "5 %": 4, "10 %": 1, "20 %": 4}  # in every trial, or in one of four
LANE = "kernels"
LEAST = 10.0  # microseconds: below, the clock that the busy wait reads is part of what is found

# Waits in Python around the compiled gradient: the kernel and the bits of its answers stay as they
# are. Reading the clock adds 0.15 µs.
_WAIT = """

from time import perf_counter as _clock


def _slower(gradient, share):
    def slowed(self, w):
        began = _clock()
        g = gradient(self, w)
        now = _clock()
        end = now + share * (now - began)
        while _clock() < end:
            pass
        return g

    return slowed


NumbaWay._gradient = _slower(NumbaWay._gradient, {share})
"""


def is_slowed(name: str) -> bool:
    """Return whether a cell is slower in the arms that are."""
    return name.startswith("gradient numba ")


def built(python: Python) -> dict[str, Build]:
    """Return A and its arms, of the working tree, each in a folder of its own."""
    _, base = source("trial-A", None)
    builds = {BASE: Build(BASE, base, python)}
    for arm, percent in SLOWER.items():
        builds[arm] = Build(arm, _copy(base, percent), python)
    return builds


def _copy(base: Path, percent: int) -> Path:
    def write(folder: Path) -> None:
        shutil.copytree(base, folder, ignore=shutil.ignore_patterns("__pycache__"))
        if percent:
            with (folder / "kernels" / "ways" / "numba.py").open("a") as file:
                file.write(_WAIT.format(share=percent / 100))

    return folder_of(f"{base.name}-slower-{percent}", write)


class Measured(NamedTuple):
    """What a process of an arm measured, and the seconds that it took."""

    seconds: float
    cells: Mapping[str, float]


class Trial:
    """One trial: each arm compared with A by the very test of `make compare`, at its level.

    A round is a process of each arm that is still open, in an order that is drawn: so which of A
    and an arm comes first is a coin's. An arm's time is that which its processes and A's take
    together, and ends where the lane's share of ``minutes`` does. An arm that is slower ends too
    where all that is slower in it, and not too short, is decided: the same tree built again is what
    shows, all the time that there is, how often something is accused that should not be.
    """

    def __init__(self, number: int, minutes: float) -> None:
        names = [cell.name for cells in LANES.values() for cell in cells]
        arms = [arm for arm in SLOWER if number % EVERY[arm] == 0]
        self.comparisons = {arm: Comparison(names) for arm in arms}
        self.decided: dict[str, dict[str, float]] = {arm: {} for arm in arms}  # after seconds
        self.spent = dict.fromkeys(arms, 0.0)
        self._limit = 60 * minutes * SHARES[LANE]

    def open_arms(self) -> list[str]:
        """Return what is to be measured, A included; nothing where the trial is over."""
        arms = [arm for arm, spent in self.spent.items() if spent < self._limit and self._open(arm)]
        return [BASE, *arms] if arms else []

    def open_cells(self) -> list[Cell]:
        """Return the cells that any arm needs: all processes of a round measure the same."""
        needed = {name for arm in self.open_arms()[1:] for name in self._open(arm)}
        return [cell for cell in LANES[LANE] if cell.name in needed]

    def _open(self, arm: str) -> list[str]:
        comparison = self.comparisons[arm]
        names = {cell.name for cell in LANES[LANE]} & set(comparison.open())
        if SLOWER[arm] and not any(self._is_to_be_found(comparison, name) for name in names):
            return []
        return sorted(names)

    def _is_to_be_found(self, comparison: Comparison, name: str) -> bool:
        base = comparison.cells[name].base
        return is_slowed(name) and (not base or 1e6 * math.exp(median(base)) >= LEAST)

    def order(self, rng: random.Random) -> list[str]:
        arms = self.open_arms()
        return rng.sample(arms, len(arms))

    def add(self, found: Mapping[str, Measured]) -> None:
        """Take in a round."""
        base = found[BASE]
        for arm in self.open_arms()[1:]:
            own = found[arm]
            self.spent[arm] += base.seconds + own.seconds
            for name in set(self._open(arm)) & base.cells.keys() & own.cells.keys():
                evidence = self.comparisons[arm].cells[name]
                evidence.add(base.cells[name], own.cells[name])
                if evidence.verdict != "undecided":
                    self.decided[arm][name] = self.spent[arm]

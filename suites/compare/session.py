"""A comparison as it runs: verify both builds, then pairs of processes until all is decided."""

import random
from collections.abc import Callable
from time import monotonic

from suites.compare.builds import Build
from suites.compare.cells import LANES, SHARES, Cell
from suites.compare.processes import Known, measured, verified
from suites.compare.sequential import Comparison

_FAILURES = 3  # processes of a build that may fail in a row before it is said to

Tell = Callable[[str], None]


class Session:
    """Two builds, base and head, and what has been found out about them.

    ``broken`` has the cells that are not measured, or no longer, and for each how it is "wrong" or
    "fails" in which build.
    """

    def __init__(self, base: Build, head: Build, lanes: dict[str, list[Cell]] | None = None):
        self.builds = {"base": base, "head": head}
        self.lanes = LANES if lanes is None else lanes
        self.broken: dict[str, dict[str, tuple[str, str]]] = {}
        self.comparison = Comparison([])
        self.seconds = 0.0
        self._known: dict[str, Known] = {"base": {}, "head": {}}
        self._spent = dict.fromkeys(self.lanes, 0.0)
        self._last = dict.fromkeys(self.lanes, 0.0)
        self._failures = dict.fromkeys(self.builds, 0)

    def verify(self, tell: Tell) -> None:
        """Compile and judge all cells of both builds; those that are right can be compared."""
        for lane, cells in self.lanes.items():
            for side, build in self.builds.items():
                tell(f"verifying {build.label}: {lane}")
                known = verified(build, cells)
                for name, found in known.items():
                    for how in ("wrong", "fails"):
                        if how in found:
                            self._break(name, side, how, found[how])
                self._known[side].update(known)
        names = [cell.name for cells in self.lanes.values() for cell in cells]
        self.comparison = Comparison([name for name in names if name not in self.broken])
        for name in self.comparison.cells:  # batches of one length
            self._known["head"][name]["number"] = self._known["base"][name]["number"]

    def run(self, minutes: float, tell: Tell) -> None:
        """Measure pairs of processes until every cell is decided, or the time is up.

        The time begins here. A pair that would not end within it is not begun.
        """
        began = monotonic()
        end = began + 60 * minutes
        while lane := self._next_lane(end - monotonic()):
            start = monotonic()
            self._measure_pair(lane)
            self._last[lane] = monotonic() - start
            self._spent[lane] += self._last[lane]
            self.seconds = monotonic() - began
            tell(self._status(end - monotonic()))

    def open(self, lane: str) -> list[Cell]:
        """Return the cells of a lane that more pairs may decide."""
        names = [name for name in self.comparison.open() if name not in self.broken]
        return [cell for cell in self.lanes[lane] if cell.name in names]

    def _next_lane(self, left: float) -> str | None:
        """Return the lane that is furthest behind its share, None where nothing is left to do."""
        lanes = [lane for lane in self.lanes if self.open(lane) and self._last[lane] < left]
        return min(lanes, key=lambda lane: self._spent[lane] / SHARES[lane], default=None)

    def _measure_pair(self, lane: str) -> None:
        cells = self.open(lane)
        first = random.randrange(len(cells))  # what is measured after what is left to chance too
        cells = cells[first:] + cells[:first]
        found: dict[str, dict[str, float]] = {}
        for side in random.sample(list(self.builds), 2):
            outcome = measured(self.builds[side], cells, self._known[side])
            if outcome.failure:
                self._failed(side, cells, outcome.failure)
                return
            self._failures[side] = 0
            for name, cell in outcome.value.items():
                if "wrong" in cell:
                    self._break(name, side, "wrong", cell["wrong"])
            found[side] = {
                name: c["seconds"] for name, c in outcome.value.items() if "seconds" in c
            }
        for name in found["base"].keys() & found["head"].keys():
            self.comparison.cells[name].add(found["base"][name], found["head"][name])

    def _failed(self, side: str, cells: list[Cell], failure: str) -> None:
        self._failures[side] += 1
        if self._failures[side] == _FAILURES:
            self._failures[side] = 0
            for cell in cells:
                self._break(cell.name, side, "fails", failure)

    def _break(self, name: str, side: str, how: str, why: str) -> None:
        self.broken.setdefault(name, {})[side] = how, why

    def _status(self, left: float) -> str:
        cells = len(self.comparison.cells)
        pairs = max(len(cell.base) for cell in self.comparison.cells.values())
        decided = cells - len(self.comparison.open())
        return f"{pairs} pairs, {decided} of {cells} cells decided, {max(0, left):.0f} s left"

"""Did it change? Steps in the history of every figure, found over whole series.

A series is what the records of a machine, oldest first, say of a cell in the version of its
benchmark that was recorded last. Where it may step is found by asv's fit of constant pieces to the
logarithms (`asv.step_detect.solve_potts`), with the cell's own noise as the price of a step; never
between records of the same kernels (`Record.kernels`) and the same versions. Whether it does is
then decided for all cells together:

- the *gap* of a step is between the lower third of the records after it and the upper third of
  those before (for a step down the reverse): with up to three records either side, between the
  nearest two. One bad record makes no gap, and it takes two that are bad in the same way. One that
  stands apart from those before and after it is never a step;
- the chance of such a gap follows from errors of Student's distribution with four degrees of
  freedom (`student.chance`), of the scale that `spread` finds for the cell;
- with N choices of records before and after that could be compared, in all cells of the machine,
  a step counts whose chance is below 0.01 / 2N (Bonferroni, steps up and down). So where nothing
  has changed, at most one history in a hundred shows a step anywhere.

A step is looked for between the neighbouring ones. Of those that do not count the least is left out
first, and what it had parted is one.

For the 1 500 cells of a record, whose median figure has an error of scale 0.03, the gap must be a
factor of 1.3 with two records either side, and of 1.15 with three. With one record on a side it is
a factor of five: what one run alone says is not believed.

Absolute times of all cells move together when a machine is busier. What the reference way (numpy),
which no commit of ours changes, shows in common is taken off all times in seconds before they are
judged. Between two versions of NumPy nothing is taken off.

What is not sampled has no noise. Of that only digits are judged, where one or more is lost or won,
and what was right and is wrong.
"""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from math import comb
from statistics import median

from asv.step_detect import solve_potts

from report.results import LIBRARIES, Cell, Parameters, Record, as_last_defined, listed
from report.spread import Cells, Point, Spread
from report.student import critical, third
from report.ways import REFERENCE

_FALSE_ALARMS = 0.01  # of all cells of a machine together
_TIMES = {"seconds", "x", "of the read limit", "gradients", "bytes"}  # units of what is sampled
_MORE_IS_BETTER = ("speedup", "share", "scaling")  # words of a benchmark's name
_DIGITS = 1.0  # lost or won: less is another order of the same roundings
_WORTH = 4.0  # scales of deviation that a candidate must save: a single outlier of one error
_SEVERAL = 5  # cells: fewer do not say what is common to a record


@dataclass(frozen=True)
class Step:
    """A figure that changed: between which records, and by what factor it is worse.

    ``worse`` is above 1 where it is slower or less accurate (for digits the factor of the error),
    infinite where it was right and is wrong, and below 1 where it is better.
    """

    benchmark: str
    key: Parameters
    before: Record
    after: Record
    worse: float

    @property
    def name(self) -> str:
        """The figure in words: its benchmark and its parameters."""
        return f"{self.benchmark}({', '.join(self.key)})"

    @property
    def span(self) -> str:
        """The commits, or what changed in the versions of the libraries, if anything did."""
        old, new = self.before, self.after
        if old.commit != new.commit:
            return f"{old.commit[:8]} -> {new.commit[:8]}"
        if old.versions == new.versions:
            return f"{old.commit[:8]}, from one run to the next"
        changed = [name for name in LIBRARIES if old.environment[name] != new.environment[name]]
        was = ", ".join(f"{name} {old.environment[name]}" for name in changed)
        return f"{old.commit[:8]}: {was} -> {', '.join(new.environment[n] for n in changed)}"


Series = list[tuple[Record, Cell]]  # a cell's, oldest first


class Changes:
    """The series of a machine's records, oldest first, and the rule by which they are judged."""

    def __init__(self, records: list[Record]) -> None:
        every = _series(records)
        self._timed = {at: found for at, found in every.items() if _is_timed(at[0], found)}
        self._exact = {at: found for at, found in every.items() if at not in self._timed}
        drifts = _drifts(self._timed)
        self._points: Cells = {
            at: [_point(record, cell, at[0], drifts) for record, cell in series]
            for at, series in self._timed.items()
        }
        self._spread = Spread(self._points)
        choices = sum(comb(len(_runs(points)) + 1, 3) for points in self._points.values())
        self._level = _FALSE_ALARMS / (2 * max(choices, 1))

    @cached_property
    def steps(self) -> list[Step]:
        """Every step, those between the newest records first, and of these the worst."""
        found = [*self._of_timed(), *_of_exact(self._exact)]
        return sorted(found, key=lambda step: (-step.after.date, -step.after.run_at, -step.worse))

    def factor(
        self, benchmark: str, key: Parameters, before: list[Record], after: list[Record]
    ) -> float | None:
        """Return by what factor a figure is worse in later records; None for no change.

        It is judged as a step is.
        """
        at = benchmark, key
        old, new = self._points_of(at, before), self._points_of(at, after)
        if not old or not new or self._excess(at, old, new) < 1:
            return None
        return _worse(benchmark, _centre(new) - _centre(old))

    def _points_of(self, at: tuple[str, Parameters], records: list[Record]) -> list[Point]:
        found = zip(self._timed.get(at, []), self._points.get(at, []), strict=True)
        return [point for (record, _), point in found if record in records]

    def _of_timed(self) -> Iterator[Step]:
        for at, points in self._points.items():
            records = [record for record, _ in self._timed[at]]
            for (start, middle), (_, end) in pairwise(self._segments(at, points)):
                rise = _centre(points[middle:end]) - _centre(points[start:middle])
                yield Step(*at, records[middle - 1], records[middle], _worse(at[0], rise))

    def _segments(self, at: tuple[str, Parameters], points: list[Point]) -> list[tuple[int, int]]:
        """Return the bounds of what steps part of a series."""
        runs = _runs(points)
        logs = [_centre(points[start:end]) for start, end in runs]
        if self._is_flat(at, logs, points):
            return [(0, len(points))]
        weights = [float(end - start) for start, end in runs]
        rights, *_ = solve_potts(logs, weights, _WORTH * self._spread.scale(at, points))
        bounds = [0, *(runs[right - 1][1] for right in rights)]
        while len(bounds) > 2:
            excess = [
                0.0
                if _is_spike(points, start, middle) or _is_spike(points, middle, end)
                else self._excess(at, points[start:middle], points[middle:end])
                for start, middle, end in zip(bounds, bounds[1:], bounds[2:], strict=False)
            ]
            if min(excess) >= 1:
                break
            del bounds[1 + excess.index(min(excess))]
        return list(pairwise(bounds))

    def _is_flat(self, at: tuple[str, Parameters], logs: list[float], points: list[Point]) -> bool:
        """Return whether a series is within half of the gap that its halves would need.

        No choice of records before and after needs less than that.
        """
        if len(logs) < 2:
            return True
        half = len(points) // 2
        needed = critical(half, half, self._level) * self._spread.scale(at, points)
        return max(logs) - min(logs) <= needed / 2

    def _excess(self, at: tuple[str, Parameters], before: list[Point], after: list[Point]) -> float:
        """Return the gap of a step over what it must be: it counts from 1 on."""
        old, new = (sorted(point.log for point in points) for points in (before, after))
        k, m = third(len(old)), third(len(new))
        gap = max(new[m] - old[-1 - k], old[k] - new[-1 - m])
        if gap <= 0:
            return 0.0
        needed = critical(len(before), len(after), self._level)
        return gap / (needed * self._spread.scale(at, [*before, *after]))


def changes(records: list[Record]) -> Changes:
    """Return the changes between some records of a machine, oldest first; found once for them."""
    return _found(tuple(records))


@lru_cache(maxsize=8)
def _found(records: tuple[Record, ...]) -> Changes:
    return Changes(list(records))


def _series(records: list[Record]) -> dict[tuple[str, Parameters], Series]:
    """Return what was said of each cell, where it was not skipped, as it was last defined."""
    every: dict[tuple[str, Parameters], Series] = defaultdict(list)
    for benchmark in sorted({name for record in records for name in record.benchmarks()}):
        for record in as_last_defined(records, benchmark):
            for key, cell in record.cells(benchmark).items():
                if cell.value is None or cell.measured is not None:
                    every[benchmark, key].append((record, cell))
    return dict(every)


def _is_timed(benchmark: str, series: Series) -> bool:
    """Return whether a cell was sampled in all records, and has a logarithm."""
    unit = listed().get(benchmark, {}).get("unit")
    return unit in _TIMES and all(cell.processes and (cell.measured or 0) > 0 for _, cell in series)


def run(record: Record) -> tuple[str, str]:
    """Return what was measured: the kernels and the versions of the libraries."""
    return record.kernels, record.versions


def _runs(points: list[Point]) -> list[tuple[int, int]]:
    """Return the bounds of the runs of the same kernels and versions."""
    starts = [k for k in range(len(points)) if not k or points[k].run != points[k - 1].run]
    return list(pairwise([*starts, len(points)]))


def _is_spike(points: list[Point], start: int, end: int) -> bool:
    """Return whether it is one record with others before and after: a bad run."""
    return end - start == 1 and start > 0 and end < len(points)


def _point(record: Record, cell: Cell, benchmark: str, drifts: dict[int, float]) -> Point:
    drift = drifts.get(id(record), 0.0) if _is_time(benchmark) else 0.0
    logs = [math.log(figure) for figure in cell.of_processes if figure > 0]
    return Point(run(record), math.log(cell.measured or math.nan) - drift, logs)


def _is_time(benchmark: str) -> bool:
    return bool(listed()[benchmark]["unit"] == "seconds")


def _drifts(timed: dict[tuple[str, Parameters], Series]) -> dict[int, float]:
    """Return by record what its times in seconds have in common, by those of the reference.

    It is the median over the reference's cells of how far each is from its own median over the
    records on the same NumPy, and 0 of fewer than `_SEVERAL` cells.
    """
    away: dict[int, list[float]] = defaultdict(list)
    for (benchmark, key), series in timed.items():
        if REFERENCE not in key or not _is_time(benchmark):
            continue
        of_numpy: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for record, cell in series:
            log = math.log(cell.measured or math.nan)
            of_numpy[record.environment["numpy"]].append((id(record), log))
        for found in of_numpy.values():
            middle = median(log for _, log in found)
            for record_id, log in found:
                away[record_id].append(log - middle)
    return {name: median(found) for name, found in away.items() if len(found) >= _SEVERAL}


def _centre(points: list[Point]) -> float:
    return median(point.log for point in points)


def _worse(benchmark: str, rise: float) -> float:
    return math.exp(-rise if any(word in benchmark for word in _MORE_IS_BETTER) else rise)


def _of_exact(exact: dict[tuple[str, Parameters], Series]) -> Iterator[Step]:
    for (benchmark, key), series in exact.items():
        for (before, old), (after, new) in pairwise(series):
            if (old.value is None) != (new.value is None):
                yield Step(benchmark, key, before, after, math.inf if new.value is None else 0.0)
        if "digits" in benchmark:
            yield from _of_digits(benchmark, key, [at for at in series if at[1].value is not None])


def _of_digits(benchmark: str, key: Parameters, series: Series) -> Iterator[Step]:
    """Yield the steps between runs, by what is lost from all records of one to all of the next.

    No commit of ours changes what a library's own routine answers ("torch gelsy", which is right
    every other time): of that, all records on one set of versions are one run.
    """
    library, _, routine = key[0].partition(" ")
    of_library = bool(routine) and library in LIBRARIES

    def what_is_the_same(at: tuple[Record, Cell]) -> object:
        record, _ = at
        return record.versions if of_library else run(record)

    runs = [list(found) for _, found in groupby(series, what_is_the_same)]
    for old, new in pairwise(runs):
        before, after = ([cell.value or 0.0 for _, cell in run] for run in (old, new))
        lost = max(min(before) - max(after), 0.0) - max(min(after) - max(before), 0.0)
        if abs(lost) >= _DIGITS:
            sign = -1 if benchmark.endswith("digits_lost") else 1
            yield Step(benchmark, key, old[-1][0], new[0][0], 10 ** (sign * lost))

"""How far a figure moves from record to record where nothing has changed.

All of it in natural logarithms, so that 0.05 is 5 %. The *scale* of an error is in the sense of
`student.upper_tail`. It is estimated from what shows no step:

- records of the same kernels, on the same versions: the difference of one and the next, over
  sqrt(2);
- a record against the median of itself and its two neighbours (J. W. Tukey, Exploratory Data
  Analysis, 1977, chapter 7): a step that stays leaves no trace there, an outlier all of it.

Both have their 90th percentile near 2.0 scales. It is taken over many cells at once, because a cell
has few records: over all of a benchmark, and over those that share a value of a parameter with it
(the large sizes, the ways that wake threads). A cell's scale is the largest of these and of what
its own records and its own processes show. Where fewer than `_MANY` differences are known, all of
the machine count as one pool, and where these are too few too it is `_UNKNOWN`.

The processes of a record say what its median is worth where records say nothing: a virtual machine
whose two cores share a memory bus for some minutes and then do not (numba over numpy at 1 000 000 x
30: 3.8 and 7.3 on one AMD EPYC, Zen 4) has records that agree by chance, of processes that do not.
Those of the cell itself are asked, as what shares one parameter with it may spread by far more.

A record of one process a cell is pooled with its like, never with records of several.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from report.results import ENOUGH, Parameters

_PERCENTILE = 2.0  # the 90th percentile of such differences, in scales of an error
_MANY = 20
_OWN = 5  # differences of one cell: fewer say little of it
_UNKNOWN = 0.1
_LEAST = 0.005  # what deterministic figures would have as 0
_MEDIAN = 1.1  # the scale of the median of k errors, by simulation, is about this over sqrt(k)


@dataclass(frozen=True)
class Point:
    """What a record says of a cell: the logarithm of its figure and those of its processes.

    ``run`` names the kernels and the versions: what has the same is the same.
    """

    run: tuple[str, str]
    log: float
    processes: list[float] = field(default_factory=list)

    @property
    def is_alone(self) -> bool:
        """Whether it rests on too few processes to know how far they spread."""
        return len(self.processes) < ENOUGH


Cells = dict[tuple[str, Parameters], list[Point]]  # by benchmark and parameters, oldest first


class Spread:
    """The scales of the cells of a machine."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._pools: dict[tuple[object, ...], list[float]] = defaultdict(list)
        for cell, points in cells.items():
            for is_alone, size in _differences(points):
                for pool in _pools(cell):
                    self._pools[is_alone, *pool].append(size)
            if deviations := _of_processes(points):
                for pool in _pools(cell):
                    self._pools["processes", *pool] += deviations
        self._known: dict[tuple[object, ...], float | None] = {}

    def scale(self, cell: tuple[str, Parameters], points: Iterable[Point]) -> float:
        """Return the scale of an error of these points of a cell, that of the worst of them."""
        points = list(points)
        is_alone = any(point.is_alone for point in points)
        known = [self._pooled(is_alone, *pool) for pool in _pools(cell)[1:]]
        pooled = max((scale for scale in known if scale is not None), default=None)
        if pooled is None:
            pooled = self._pooled(is_alone) or self._pooled(True) or _UNKNOWN
        return max(pooled, self._own(cell, is_alone), self._within(cell, points), _LEAST)

    def _pooled(self, *pool: object) -> float | None:
        """Return the scale of a pool; None where too little is in it."""
        if pool not in self._known:
            sizes = self._pools.get(pool, [])
            self._known[pool] = _scale(sizes) if len(sizes) >= _MANY else None
        return self._known[pool]

    def _own(self, cell: tuple[str, Parameters], is_alone: bool) -> float:
        """Return what a cell's own records show: of few, their median."""
        sizes = [size for alone, size in _differences(self._cells[cell]) if alone == is_alone]
        return median(sizes) if len(sizes) >= _OWN else 0.0

    def _within(self, cell: tuple[str, Parameters], points: list[Point]) -> float:
        """Return the error of a median that rests on processes that spread as these do."""
        spread = [point for point in points if not point.is_alone]
        if not spread:
            return 0.0
        own = _of_processes(self._cells[cell])
        scales = [_scale(own)]
        if len(own) < _OWN:
            scales += [self._pooled("processes", *pool) or 0.0 for pool in _pools(cell)[1:]]
        fewest = min(len(point.processes) for point in spread)
        return _MEDIAN * max(scales) / math.sqrt(fewest)


def _pools(cell: tuple[str, Parameters]) -> list[tuple[object, ...]]:
    """Return what a cell is pooled with: the machine, the benchmark, each of its parameters."""
    benchmark, key = cell
    return [(), (benchmark,), *((benchmark, k, value) for k, value in enumerate(key))]


def _differences(points: list[Point]) -> Iterable[tuple[bool, float]]:
    """Yield how far apart points are that no step sets apart, and whether one is alone."""
    runs: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for point in points:
        runs[point.run].append(point)
    for same in runs.values():
        for a, b in pairwise(same):
            yield a.is_alone or b.is_alone, abs(a.log - b.log) / math.sqrt(2)
    of_runs = list(runs.values())
    logs = [median(point.log for point in same) for same in of_runs]
    for k in range(1, len(logs) - 1):
        is_alone = any(point.is_alone for same in of_runs[k - 1 : k + 2] for point in same)
        yield is_alone, abs(logs[k] - median(logs[k - 1 : k + 2]))


def _of_processes(points: list[Point]) -> list[float]:
    """Return how far each process is from the median of its record."""
    return [
        abs(log - median(point.processes))
        for point in points
        if not point.is_alone
        for log in point.processes
    ]


def _scale(sizes: list[float]) -> float:
    """Return the scale by the 90th percentile of differences, 0 of none."""
    ordered = sorted(sizes)
    return ordered[int(0.9 * len(ordered))] / _PERCENTILE if ordered else 0.0

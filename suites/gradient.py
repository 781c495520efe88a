"""The gradient across data sizes: time, preparation, memory, accuracy, what it costs beside f.

Every way is right on the very inputs that are measured, before and after. One that is not is
recorded as failed at that point.
"""

import resource
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from kernels import WAYS, LeastSquares, Way
from suites.data import problems
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group, is_possible, key_of, right_ways, sizes, timed
from suites.harness.machine import cores
from suites.harness.memory import too_large
from suites.harness.read_limit import reads
from suites.harness.threads import use_threads
from suites.harness.timing import Calls
from suites.harness.verified import Truth, Verified

# X takes from 3 KiB to 240 MB in float64: inside L1, L2, around L3, far beyond it.
ROWS = [100, 1_000, 10_000, 100_000, 1_000_000]
COLUMNS = [4, 30, 300]

# X, a copy while it is drawn, and the factored way's copy and its transpose for LAPACK.
_COPIES = 4
_PREPARING = 3, 0.3  # at most so many times, until so many seconds are spent
_SMALL = problems.gaussian(3, 2)
_REFERENCE = "numpy"
_AGAIN = "numpy; again"


class Sizes(Group):
    """All ways on seeded data of p columns, float64, C order, all cores: all n, one after another.

    What is interleaved is of one n; that several share a process saves the seconds in which it
    imports.
    """

    params = [COLUMNS]
    processes = 5

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (p,) = point
        at_each_size(found, p, measure_ways)

    @staticmethod
    def cost(*point: Any) -> float:
        return {4: 13.0, 30: 22.0}.get(point[0], 24.0)


def at_each_size(
    found: Findings, p: int, measure: Callable[[Findings, LeastSquares], None]
) -> None:
    """Measure on the data of every n that memory has room for, each a part of the findings."""
    for n in sizes(ROWS):
        if not too_large(n, p, _COPIES):
            with found.part(n) as of_n:
                measure(of_n, problems.gaussian(n, p))


def measure_ways(found: Findings, problem: LeastSquares) -> None:
    """Put down all that the suite says of a problem."""
    truth = found.truth(problem)
    prepared = {name: _prepared(found, name, problem) for name in WAYS}
    ways = right_ways(found, prepared.items(), truth)
    gradients(found, truth, ways)
    _values(found, ways)


def _prepared(found: Findings, name: str, problem: LeastSquares) -> Way:
    """Prepare a way several times, after a small problem that imports its library."""
    make = WAYS[name]
    make(_SMALL)
    seconds: list[float] = []
    while not seconds or (len(seconds) < _PREPARING[0] and sum(seconds) < _PREPARING[1]):
        began = perf_counter()
        way = make(problem)
        seconds.append(perf_counter() - began)
    found.put("preparation", name, seconds)
    return way


def gradients(found: Findings, truth: Truth, ways: dict[str, Verified]) -> None:
    """Time the gradients, numpy's twice, and the fastest sum over X, interleaved.

    A speed-up is the median ratio of a round. That of numpy over itself is the A/A run: how far
    from 1 it falls is the noise.
    """
    for name, way in ways.items():
        if truth.has_oracles:  # else the bits are known to be right from elsewhere
            found.put("error", name, [way.gradient_error()])
    use_threads(cores())
    X = truth.problem.X
    calls: dict[str, Calls] = {name: way.gradient for name, way in ways.items()}
    if _REFERENCE in ways:
        calls[_AGAIN] = ways[_REFERENCE].gradient
    sums = reads(X)
    seconds = timed(found, calls | sums)
    each = np.stack([seconds[name] for name in sums], axis=1)
    found.put("read", "X", each.min(axis=1))
    for name, way in ways.items():
        if name in found.wrong:
            continue
        if way.way.factored or is_possible(found, name, X, seconds[name], each):
            found.put("time", name, seconds[name])
    for name in found.figures.get("time", {}).keys() if _REFERENCE not in found.wrong else ():
        found.put("speed-up", name, seconds[_AGAIN] / seconds[name])


def _values(found: Findings, ways: dict[str, Verified]) -> None:
    """Time the value, and value and gradient, interleaved: what the gradient costs beside f."""
    right = {name: way for name, way in ways.items() if name not in found.wrong}
    calls: dict[str, Calls] = {f"{name}; f": way.value for name, way in right.items()}
    calls |= {f"{name}; both": way.value_and_gradient for name, way in right.items()}
    seconds = timed(found, calls)
    for name in right.keys() - found.wrong.keys():
        found.put("over value", name, seconds[f"{name}; both"] / seconds[f"{name}; f"])


class OfSizes(Benchmark):
    """Figures of ways by n and p, of processes of one p; skipped where memory has no room."""

    group: ClassVar[type[Group]] = Sizes
    param_names = ["way", "n", "p"]
    params: Any = [list(WAYS), ROWS, COLUMNS]

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        n, p = point
        return key_of(key, n), (p,)

    def setup(self, *parameters: Any) -> None:
        *_, n, p = parameters
        if reason := too_large(n, p, _COPIES):
            skip(reason)


class OfWays(Benchmark, ABC):
    """A steady-state gradient, all cores, at several w in turn.

    Abstract, so that asv takes it for no benchmark: on which data is for a suite to say.
    """

    @abstractmethod
    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]: ...

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        return self.figure("time", *of)

    @with_attributes(unit="x")
    def track_speedup_over_numpy(self, *of: Any) -> dict[str, Any]:
        """Time of the numpy way over time of this way, interleaved; for numpy an A/A run."""
        return self.figure("speed-up", *of)

    @with_attributes(unit="share of the bound")
    def track_error_over_bound(self, *of: Any) -> dict[str, Any]:
        """Largest error of a component of the gradient, as a share of what rounding allows."""
        return self.figure("error", *of)


class Gradient(OfSizes, OfWays):
    """A steady-state gradient, all cores, at several w in turn; and beside it its value."""

    @with_attributes(unit="x")
    def track_value_and_gradient_over_value(self, *of: Any) -> dict[str, Any]:
        """Time of value and gradient over time of the value alone: what the gradient costs."""
        return self.figure("over value", *of)


class Preparation(OfSizes):
    """What a way does before its first gradient: nothing, or a factorisation of X."""

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        return self.figure("preparation", *of)


class ReadLimit(OfSizes):
    """The floor of a gradient: one read of X by the fastest sum over it, float64, all cores."""

    version = "3"  # the sums ask memory ahead, and read eight stretches at once
    key = "X"
    param_names = ["n", "p"]
    params = [ROWS, COLUMNS]

    @with_attributes(unit="seconds")
    def track_one_read(self, *of: Any) -> dict[str, Any]:
        return self.figure("read", *of)


class Peak(Group):
    """The memory of a process that imports one way, prepares and takes gradients."""

    params = [list(WAYS), [100, 100_000], [30, 300]]
    processes = 1

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        name, n, p = point
        truth = Truth(problems.gaussian(n, p))
        right_ways(found, [(name, WAYS[name](truth.problem))], truth)
        kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found.put("memory", name, [kibibytes * 1024.0])


class Memory(Benchmark):
    """Peak resident memory of such a process.

    It holds X (n p 8 bytes) and the library itself, compilation included.
    """

    group = Peak
    param_names = ["way", "n", "p"]
    params = Peak.params

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        return key, (key, *point)

    @with_attributes(unit="bytes")
    def track_peak(self, *of: Any) -> dict[str, Any]:
        return self.figure("memory", *of)

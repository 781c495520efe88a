"""The numba kernel against what the machine allows: its read limit, and every other way.

Working sets: 256 KiB of X lie in L2, 8 MiB in L3, 160 MiB in memory on the machines of today.
"""

from itertools import product
from typing import Any, ClassVar, Literal

import numba
import numpy as np

from kernels import WAYS, Array, LeastSquares
from suites.data import problems
from suites.harness import working_set
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group, key_of, right_ways, sizes, timed
from suites.harness.machine import cores
from suites.harness.timing import Calls, Repeated
from suites.harness.turns import Turns
from suites.harness.verified import Verified

_SETS = {"256 KiB": 1 << 18, "8 MiB": 8 << 20, "160 MiB": 160 << 20}
_COLUMNS = [4, 30, 300, 1000]
_ORDERS = ["C", "F"]
_FACTORED_ON = "256 KiB"
_FROM_MEMORY = "160 MiB"
_SMALLEST = ["10 x 2", "100 x 4", "30 x 30", "10 x 100"]
_COUNTS = [1, 2, 4, 8, 16]
_SCALED = [30, 300]  # columns


def _problem(order: str, size: str, p: int) -> LeastSquares:
    """Return a problem of p columns whose X is of that size."""
    n = _SETS[size] // (p * np.dtype(np.float64).itemsize)
    return problems.gaussian(n, p, order="C" if order == "C" else "F")


def _verified(
    found: Findings, names: list[str], problem: LeastSquares, of: str = "ways"
) -> dict[str, Verified]:
    """Return the ways whose gradients are right, on all cores."""
    truth = found.truth(problem, of)
    prepared = [(name, WAYS[name](problem)) for name in names]
    return right_ways(found, prepared, truth, kinds=["gradient"])


class Sets(Group):
    """numba, numpy and torch on each working set, on all threads and on one; how fast X is read.

    For scipy it is the first gradient that counts, preparation included: n p² flops, which only
    the smallest set leaves in the range of the others. From memory numba is timed in float32, too.
    """

    params = [_ORDERS]
    processes = 5  # the interval of 99 %: 2.1 times their spread, where that of three is 5.7 times

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (order,) = point
        for size, p in product(sizes(_SETS), sizes(_COLUMNS)):
            names = ["numba", "numpy", "torch"] + ["scipy"] * (size == _FACTORED_ON)
            with found.part(key_of(size, p)) as of_set:
                problem = _problem(order, size, p)
                ways = _verified(of_set, names, problem)
                working_set.measure(of_set, ways, problem)
                if size == _FROM_MEMORY and "numba" in ways:
                    _float32(of_set, ways["numba"])

    @staticmethod
    def cost(*point: Any) -> float:
        return 24.0


class _OfNumba(Benchmark):
    """Compared with numba: what is wrong with that, or with the key, is wrong with the figure.

    The first parameter is the group's point; those that follow are in the key.
    """

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        first, *others = point
        return key_of(key, *others), (first,)

    def figure(self, name: str, *parameters: Any, **more: Any) -> dict[str, Any]:
        numba, _ = self.key_and_point("numba", *(parameters if self.key else parameters[1:]))
        return super().figure(name, *parameters, also=[numba], **more)


class _OfSets(_OfNumba):
    group: ClassVar[type[Group]] = Sets


class Roofline(_OfSets):
    """Share of the read limit, float64: time of the fastest sum over X over that of a gradient."""

    version = "3"  # the sums ask memory ahead, and read eight stretches at once
    param_names = ["threads", "order", "X", "p"]
    params = [["1", "all"], _ORDERS, list(_SETS), _COLUMNS]

    @with_attributes(unit="of the read limit")
    def track_share_of_read_limit(self, *of: Any) -> dict[str, Any]:
        return self.figure("share", *of)


class Advantage(_OfSets):
    """Time of another way over the time of numba, interleaved, float64, all cores."""

    param_names = ["over", "order", "X", "p"]
    params = [["numpy", "torch", "scipy"], _ORDERS, list(_SETS), _COLUMNS]

    def setup(self, over: str, order: str, size: str, p: int) -> None:
        if over == "scipy" and size != _FACTORED_ON:
            skip(f"factoring {size} takes far longer than one gradient")

    @with_attributes(unit="x")
    def track_speedup(self, *of: Any) -> dict[str, Any]:
        return self.figure("advantage", *of)


class OneThread(_OfSets):
    """Time of numpy over the time of numba, interleaved, float64, one thread each."""

    key = "numpy"
    param_names = ["order", "X", "p"]
    params = [_ORDERS, list(_SETS), _COLUMNS]

    @with_attributes(unit="x")
    def track_speedup_over_numpy(self, *of: Any) -> dict[str, Any]:
        return self.figure("one thread", *of)


def _float32(found: Findings, double: Verified) -> None:
    """Time the numba gradient in float64 beside that in float32, of the same X and y."""
    X, y = double.truth.problem.X, double.truth.problem.y
    order: Literal["C", "F"] = "C" if X.flags.c_contiguous else "F"
    problem = LeastSquares(problems.placed(X, np.float32, order), problems.placed(y, np.float32))
    calls: dict[str, Calls] = {"numba; float64": double.gradient}
    for single in _verified(found, ["numba"], problem, "float32").values():
        calls["numba; float32"] = single.gradient
    seconds = timed(found, calls)
    if len(seconds) == 2:
        found.put("float32", "numba", seconds["numba; float64"] / seconds["numba; float32"])


class SinglePrecision(_OfNumba):
    """Time of a float64 gradient over that of a float32 one, same n and p, X in memory."""

    group = Sets
    key = "numba"
    param_names = ["order", "p"]
    params = [_ORDERS, _COLUMNS]

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        order, p = point
        return key_of(key, _FROM_MEMORY, p), (order,)

    @with_attributes(unit="x")
    def track_float32_speedup(self, *of: Any) -> dict[str, Any]:
        return self.figure("float32", *of)


class Smallest(Group):
    """Small gradients by numba beside an empty compiled call with X, y and w."""

    params = [_ORDERS]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (order,) = point
        for size in sizes(_SMALLEST):
            with found.part(size) as of_size:
                _beyond_an_empty_call(of_size, order, size)


def _beyond_an_empty_call(found: Findings, order: str, size: str) -> None:
    problem = problems.gaussian(*problems.shape(size), order="C" if order == "C" else "F")
    ways = _verified(found, ["numba"], problem)
    if "numba" not in ways:
        return
    numba, (X, y) = ways["numba"], (problem.X, problem.y)
    w = numba.truth.points[0]
    # Both from a lambda, whose own 40 ns are then in neither.
    gradient = numba.turns("gradient", lambda w: numba.way.gradient(w))
    seconds = timed(found, {"numba": gradient, "empty": Repeated(lambda: _empty(X, y, w))})
    if "numba" in seconds:
        found.put("beyond empty", "numba", seconds["numba"] - seconds["empty"])


class SmallCalls(_OfNumba):
    """Time of a small gradient beyond that of an empty compiled call with X, y and w."""

    group = Smallest
    key = "numba"
    param_names = ["order", "X"]
    params = [_ORDERS, _SMALLEST]

    @with_attributes(unit="seconds")
    def track_time_over_empty_call(self, *of: Any) -> dict[str, Any]:
        return self.figure("beyond empty", *of)


@numba.njit
def _empty(X, y, w):  # type: ignore[no-untyped-def]
    pass


class Scaling(Group):
    """The numba gradient on one thread and on several."""

    params = [["8 MiB", "160 MiB"]]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (size,) = point
        for p in sizes(_SCALED):
            with found.part(p) as of_p:
                for numba in _verified(of_p, ["numba"], _problem("C", size, p)).values():
                    _scaling(of_p, numba)


def _scaling(found: Findings, verified: Verified) -> None:
    """Time one thread against several, and against itself."""

    def on(count: int) -> Turns:
        def gradient(w: Array) -> Array:
            numba.set_num_threads(count)  # 0.1 µs, where `use_threads` asks every library
            return verified.way.gradient(w)

        return verified.turns("gradient", gradient)

    counts = [count for count in _COUNTS if count <= cores()]
    calls = {f"numba; {count}": on(count) for count in counts}
    calls["numba; 1 again"] = on(1)
    seconds = timed(found, calls)
    if len(seconds) == len(calls):
        for count in counts:
            scaled = seconds[f"numba; {count}" if count > 1 else "numba; 1 again"]
            found.put("scaling", str(count), seconds["numba; 1"] / scaled)


class Threads(_OfNumba):
    """Time of a gradient on one thread over its time on several."""

    group = Scaling
    param_names = ["threads", "X", "p"]
    params = [_COUNTS, *Scaling.params, _SCALED]

    def setup(self, threads: int, size: str, p: int) -> None:
        if threads > cores():
            skip(f"{threads} threads on {cores()} cores")

    @with_attributes(unit="x")
    def track_scaling(self, *of: Any) -> dict[str, Any]:
        return self.figure("scaling", *of)

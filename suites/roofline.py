"""The numba kernel against what the machine allows: its read limit, and every other way.

Working sets: 256 KiB of X lie in L2, 8 MiB in L3, 160 MiB in memory on the machines of today.
"""

from functools import lru_cache
from typing import Any

import numba
import numpy as np

from kernels import WAYS, Array
from suites.data import problems
from suites.harness import Truth, Turns, Verified, require_possible
from suites.harness.machine import cores
from suites.harness.read_limit import sums_over
from suites.harness.timing import interleaved, ratio, use_threads

_SETS = {"256 KiB": 1 << 18, "8 MiB": 8 << 20, "160 MiB": 160 << 20}
_COLUMNS = [4, 30, 300, 1000]
_ORDERS = ["C", "F"]


class _Tracked:
    version = "1"
    timeout = 180.0


class Roofline(_Tracked):
    """Share of the read limit, float64: time of the fastest sum over X over that of a gradient."""

    param_names = ["threads", "order", "X", "p"]
    params = [["1", "all"], _ORDERS, list(_SETS), _COLUMNS]

    def track_share_of_read_limit(
        self, threads: str, order: str, size: str, p: int
    ) -> dict[str, Any]:
        numba = _verified("numba", order, "float64", size, p)
        X = numba.truth.problem.X
        use_threads(1 if threads == "1" else cores())
        seconds = interleaved([numba.gradient, *sums_over(X)])
        require_possible("numba", X, seconds[:, 0], seconds[:, 1:])
        share = seconds[:, 1:].min(axis=1) / seconds[:, 0]
        return {"samples": share.tolist(), "number": 1}

    track_share_of_read_limit.unit = "of the read limit"  # type: ignore[attr-defined]


class Advantage(_Tracked):
    """Time of another way over the time of numba, interleaved, float64, all cores.

    For scipy it is the first gradient that counts, preparation included: n p² flops, which
    only the smallest set leaves in the range of the others.
    """

    param_names = ["over", "order", "X", "p"]
    params = [["numpy", "torch", "scipy"], _ORDERS, list(_SETS), _COLUMNS]

    def setup(self, over: str, order: str, size: str, p: int) -> None:
        if over == "scipy" and size != "256 KiB":
            raise NotImplementedError(f"factoring {size} takes far longer than one gradient")

    def track_speedup(self, over: str, order: str, size: str, p: int) -> dict[str, Any]:
        numba = _verified("numba", order, "float64", size, p)
        other = _verified(over, order, "float64", size, p)
        use_threads(cores())
        if over == "scipy":
            # What is compared is a first call, so each one starts from the problem.
            problem = numba.truth.problem
            return ratio(
                other.turns("gradient", lambda w: WAYS["scipy"](problem).gradient(w)),
                numba.turns("gradient", lambda w: WAYS["numba"](problem).gradient(w)),
            )
        return ratio(other.gradient, numba.gradient)

    track_speedup.unit = "x"  # type: ignore[attr-defined]


class OneThread(_Tracked):
    """Time of numpy over the time of numba, interleaved, float64, one thread each."""

    param_names = ["order", "X", "p"]
    params = [_ORDERS, list(_SETS), _COLUMNS]

    def track_speedup_over_numpy(self, order: str, size: str, p: int) -> dict[str, Any]:
        numba = _verified("numba", order, "float64", size, p)
        numpy = _verified("numpy", order, "float64", size, p)
        use_threads(1)
        return ratio(numpy.gradient, numba.gradient)

    track_speedup_over_numpy.unit = "x"  # type: ignore[attr-defined]


class SinglePrecision(_Tracked):
    """Time of a float64 gradient over that of a float32 one, same n and p, X in memory."""

    param_names = ["order", "p"]
    params = [_ORDERS, _COLUMNS]

    def track_float32_speedup(self, order: str, p: int) -> dict[str, Any]:
        double = _verified("numba", order, "float64", "160 MiB", p)
        single = _verified("numba", order, "float32", "160 MiB", p)
        use_threads(cores())
        return ratio(double.gradient, single.gradient)

    track_float32_speedup.unit = "x"  # type: ignore[attr-defined]


class SmallCalls(_Tracked):
    """Time of a small gradient beyond that of an empty compiled call with X, y and w."""

    param_names = ["order", "X"]
    params = [_ORDERS, ["10 x 2", "100 x 4", "30 x 30", "10 x 100"]]

    def track_time_over_empty_call(self, order: str, shape: str) -> dict[str, Any]:
        n, p = map(int, shape.split(" x "))
        problem = problems.gaussian(n, p, order="C" if order == "C" else "F")
        truth = Truth(problem)
        way = Verified(WAYS["numba"](problem), truth)
        X, y, w = problem.X, problem.y, truth.points[0]
        # Both from a lambda, whose own 40 ns are then in neither.
        gradient = way.turns("gradient", lambda w: way.way.gradient(w))
        seconds = interleaved([gradient, lambda: _empty(X, y, w)])
        return {"samples": (seconds[:, 0] - seconds[:, 1]).tolist(), "number": 1}

    track_time_over_empty_call.unit = "seconds"  # type: ignore[attr-defined]


@numba.njit
def _empty(X, y, w):  # type: ignore[no-untyped-def]
    pass


class Threads(_Tracked):
    """Time of a gradient on one thread over its time on several."""

    param_names = ["threads", "X", "p"]
    params = [[1, 2, 4, 8, 16], ["8 MiB", "160 MiB"], [30, 300]]

    def setup(self, threads: int, size: str, p: int) -> None:
        if threads > cores():
            raise NotImplementedError(f"{threads} threads on {cores()} cores")

    def track_scaling(self, threads: int, size: str, p: int) -> dict[str, Any]:
        way = _verified("numba", "C", "float64", size, p)

        def on(count: int) -> Turns:
            def gradient(w: Array) -> Array:
                numba.set_num_threads(count)  # 0.1 µs, where `use_threads` asks every library
                return way.way.gradient(w)

            return way.turns("gradient", gradient)

        return ratio(on(1), on(threads))

    track_scaling.unit = "x"  # type: ignore[attr-defined]


@lru_cache(maxsize=4)
def _verified(name: str, order: str, dtype: str, size: str, p: int) -> Verified:
    """Return a way, checked."""
    truth = _truth(order, dtype, size, p)
    way = WAYS[name](truth.problem)
    use_threads(cores())
    return Verified(way, truth)


@lru_cache(maxsize=2)
def _truth(order: str, dtype: str, size: str, p: int) -> Truth:
    """Return a problem and what is right on it; float32 takes the n of float64."""
    n = _SETS[size] // (p * np.dtype(np.float64).itemsize)
    return Truth(problems.gaussian(n, p, dtype=dtype, order="C" if order == "C" else "F"))

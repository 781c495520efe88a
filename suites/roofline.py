"""The numba kernel against what the machine allows: its read limit, and every other way.

Working sets: 256 KiB of X lie in L2, 8 MiB in L3, 160 MiB in memory on the machines of today.
"""

from typing import Any

import numba
import numpy as np

from kernels import WAYS, Array, LeastSquares
from suites.data import problems
from suites.harness import benchmark
from suites.harness.benchmark import with_attributes
from suites.harness.machine import cores
from suites.harness.read_limit import require_possible, sums_over
from suites.harness.threads import use_threads
from suites.harness.timing import interleaved, ratio
from suites.harness.turns import Turns

_SETS = {"256 KiB": 1 << 18, "8 MiB": 8 << 20, "160 MiB": 160 << 20}
_COLUMNS = [4, 30, 300, 1000]
_ORDERS = ["C", "F"]


class _OfSize(benchmark.Benchmark):
    @staticmethod
    def problem(order: str, size: str, p: int, dtype: str = "float64") -> LeastSquares:
        """Return a problem of p columns whose X is of that size; float32 takes the n of float64."""
        n = _SETS[size] // (p * np.dtype(np.float64).itemsize)
        return problems.gaussian(n, p, dtype=dtype, order="C" if order == "C" else "F")


class Roofline(_OfSize):
    """Share of the read limit, float64: time of the fastest sum over X over that of a gradient."""

    param_names = ["threads", "order", "X", "p"]
    params = [["1", "all"], _ORDERS, list(_SETS), _COLUMNS]

    @with_attributes(unit="of the read limit")
    def track_share_of_read_limit(
        self, threads: str, order: str, size: str, p: int
    ) -> dict[str, Any]:
        numba = self.verify("numba", order, size, p)
        X = numba.truth.problem.X
        use_threads(1 if threads == "1" else cores())
        seconds = interleaved([numba.gradient, *sums_over(X)])
        require_possible("numba", X, seconds[:, 0], seconds[:, 1:])
        share = seconds[:, 1:].min(axis=1) / seconds[:, 0]
        return {"samples": share.tolist(), "number": 1}


class Advantage(_OfSize):
    """Time of another way over the time of numba, interleaved, float64, all cores.

    For scipy it is the first gradient that counts, preparation included: n p² flops, which
    only the smallest set leaves in the range of the others.
    """

    param_names = ["over", "order", "X", "p"]
    params = [["numpy", "torch", "scipy"], _ORDERS, list(_SETS), _COLUMNS]

    def setup(self, over: str, order: str, size: str, p: int) -> None:
        if over == "scipy" and size != "256 KiB":
            benchmark.skip(f"factoring {size} takes far longer than one gradient")

    @with_attributes(unit="x")
    def track_speedup(self, over: str, order: str, size: str, p: int) -> dict[str, Any]:
        numba = self.verify("numba", order, size, p)
        other = self.verify(over, order, size, p)
        use_threads(cores())
        if over == "scipy":
            # What is compared is a first call, so each one starts from the problem.
            problem = numba.truth.problem
            return ratio(
                other.turns("gradient", lambda w: WAYS["scipy"](problem).gradient(w)),
                numba.turns("gradient", lambda w: WAYS["numba"](problem).gradient(w)),
            )
        return ratio(other.gradient, numba.gradient)


class OneThread(_OfSize):
    """Time of numpy over the time of numba, interleaved, float64, one thread each."""

    param_names = ["order", "X", "p"]
    params = [_ORDERS, list(_SETS), _COLUMNS]

    @with_attributes(unit="x")
    def track_speedup_over_numpy(self, order: str, size: str, p: int) -> dict[str, Any]:
        numba = self.verify("numba", order, size, p)
        numpy = self.verify("numpy", order, size, p)
        use_threads(1)
        return ratio(numpy.gradient, numba.gradient)


class SinglePrecision(_OfSize):
    """Time of a float64 gradient over that of a float32 one, same n and p, X in memory."""

    param_names = ["order", "p"]
    params = [_ORDERS, _COLUMNS]

    @with_attributes(unit="x")
    def track_float32_speedup(self, order: str, p: int) -> dict[str, Any]:
        double = self.verify("numba", order, "160 MiB", p)
        single = self.verify("numba", order, "160 MiB", p, "float32")
        use_threads(cores())
        return ratio(double.gradient, single.gradient)


class SmallCalls(benchmark.Benchmark):
    """Time of a small gradient beyond that of an empty compiled call with X, y and w."""

    param_names = ["order", "X"]
    params = [_ORDERS, ["10 x 2", "100 x 4", "30 x 30", "10 x 100"]]

    @staticmethod
    def problem(order: str, shape: str) -> LeastSquares:
        return problems.gaussian(*problems.shape(shape), order="C" if order == "C" else "F")

    @with_attributes(unit="seconds")
    def track_time_over_empty_call(self, order: str, shape: str) -> dict[str, Any]:
        numba = self.verify("numba", order, shape)
        problem, w = numba.truth.problem, numba.truth.points[0]
        X, y = problem.X, problem.y
        # Both from a lambda, whose own 40 ns are then in neither.
        gradient = numba.turns("gradient", lambda w: numba.way.gradient(w))
        seconds = interleaved([gradient, lambda: _empty(X, y, w)])
        return {"samples": (seconds[:, 0] - seconds[:, 1]).tolist(), "number": 1}


@numba.njit
def _empty(X, y, w):  # type: ignore[no-untyped-def]
    pass


class Threads(_OfSize):
    """Time of a gradient on one thread over its time on several."""

    param_names = ["threads", "X", "p"]
    params = [[1, 2, 4, 8, 16], ["8 MiB", "160 MiB"], [30, 300]]

    def setup(self, threads: int, size: str, p: int) -> None:
        if threads > cores():
            benchmark.skip(f"{threads} threads on {cores()} cores")

    @with_attributes(unit="x")
    def track_scaling(self, threads: int, size: str, p: int) -> dict[str, Any]:
        verified = self.verify("numba", "C", size, p)

        def on(count: int) -> Turns:
            def gradient(w: Array) -> Array:
                numba.set_num_threads(count)  # 0.1 µs, where `use_threads` asks every library
                return verified.way.gradient(w)

            return verified.turns("gradient", gradient)

        return ratio(on(1), on(threads))

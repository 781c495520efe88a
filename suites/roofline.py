"""The numba kernel against what the machine allows: its read limit, and every other way.

Working sets: 256 KiB of X lie in L2, 8 MiB in L3, 160 MiB in memory on the machines of today.
"""

from typing import Any, ClassVar

import numba
import numpy as np

from kernels import WAYS, Array, LeastSquares
from suites.data import problems
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group, right_ways
from suites.harness.machine import cores
from suites.harness.read_limit import ImpossibleTimeError, require_possible, sums_over
from suites.harness.threads import use_threads
from suites.harness.timing import Repeated, unchecked
from suites.harness.turns import Turns
from suites.harness.verified import Truth, Verified

_SETS = {"256 KiB": 1 << 18, "8 MiB": 8 << 20, "160 MiB": 160 << 20}
_COLUMNS = [4, 30, 300, 1000]
_ORDERS = ["C", "F"]
_FACTORED_ON = "256 KiB"
_SMALLEST = ["10 x 2", "100 x 4", "30 x 30", "10 x 100"]
_COUNTS = [1, 2, 4, 8, 16]
_SCALED = [30, 300]  # columns


def _problem(order: str, size: str, p: int, dtype: str = "float64") -> LeastSquares:
    """Return a problem of p columns whose X is of that size; float32 takes the n of float64."""
    n = _SETS[size] // (p * np.dtype(np.float64).itemsize)
    return problems.gaussian(n, p, dtype=dtype, order="C" if order == "C" else "F")


def _verified(
    found: Findings, names: list[str], problem: LeastSquares, of: str = "ways"
) -> dict[str, Verified]:
    """Return the ways whose gradients are right, on all cores."""
    truth = Truth(problem, judged=found.judged.get(of))
    prepared = [(name, WAYS[name](problem)) for name in names]
    ways = right_ways(found, prepared, truth, kinds=["gradient"])
    found.judged[of] = truth.judgement()
    return ways


def _timed(found: Findings, calls: dict[str, Any]) -> dict[str, Any]:
    """Return the seconds of calls by name, interleaved; those of one that was wrong are left out.

    A name may say more after a comma: "numba, first call" is of numba.
    """
    columns = dict(zip(calls, unchecked(list(calls.values())).T, strict=True))
    for name, call in calls.items():
        if isinstance(call, Turns) and (why := call.why_wrong()):
            found.forget(name.partition(",")[0], why)
            del columns[name]
    return columns


class Sets(Group):
    """numba, numpy and torch on one working set, on all threads and on one; how fast X is read.

    For scipy it is the first gradient that counts, preparation included: n p² flops, which only
    the smallest set leaves in the range of the others.
    """

    params = [_ORDERS, list(_SETS)]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        order, size = point
        names = ["numba", "numpy", "torch"] + ["scipy"] * (size == _FACTORED_ON)
        for p in _COLUMNS:
            of_p = Findings(found.judged.get(str(p), {}))
            problem = _problem(order, size, p)
            ways = _verified(of_p, names, problem)
            _on_all_threads(of_p, ways, problem)
            _on_one_thread(of_p, ways, problem)
            if "scipy" in ways:
                _first_calls(of_p, ways, problem)
            found.take_in(of_p, str(p))

    @staticmethod
    def cost(*point: Any) -> float:
        return 8.0 + _SETS[point[1]] / 8e6


def _on_all_threads(found: Findings, ways: dict[str, Verified], problem: LeastSquares) -> None:
    use_threads(cores())
    calls: dict[str, Any] = {name: way.gradient for name, way in ways.items() if name != "scipy"}
    seconds = _timed(found, calls | _reads(problem))
    _put_share(found, "all", seconds, problem)
    for name in calls.keys() & seconds.keys() - {"numba"}:
        if "numba" in seconds:
            found.put("advantage", name, seconds[name] / seconds["numba"])


def _on_one_thread(found: Findings, ways: dict[str, Verified], problem: LeastSquares) -> None:
    use_threads(1)
    calls: dict[str, Any] = {
        name: ways[name].gradient for name in ("numba", "numpy") if name in ways
    }
    seconds = _timed(found, calls | _reads(problem))
    _put_share(found, "1", seconds, problem)
    if len(calls) == 2 and calls.keys() <= seconds.keys():
        found.put("one thread", "numpy", seconds["numpy"] / seconds["numba"])
    use_threads(cores())


def _first_calls(found: Findings, ways: dict[str, Verified], problem: LeastSquares) -> None:
    """Compare first calls: each one starts from the problem."""
    if not {"numba", "scipy"} <= ways.keys():
        return

    def first(name: str) -> Turns:
        return ways[name].turns("gradient", lambda w: WAYS[name](problem).gradient(w))

    seconds = _timed(found, {f"{name}, first call": first(name) for name in ("scipy", "numba")})
    if len(seconds) == 2:
        found.put("advantage", "scipy", seconds["scipy, first call"] / seconds["numba, first call"])


def _reads(problem: LeastSquares) -> dict[str, Any]:
    sums = sums_over(problem.X)
    return {f"read {k}": Repeated(read) for k, read in enumerate(sums)}


def _put_share(
    found: Findings, threads: str, seconds: dict[str, Any], problem: LeastSquares
) -> None:
    """Put down the share of the read limit: time of the fastest sum over that of a gradient."""
    if "numba" not in seconds:
        return
    reads = np.stack([seconds[name] for name in seconds if name.startswith("read ")], axis=1)
    try:
        require_possible("numba", problem.X, seconds["numba"], reads)
    except ImpossibleTimeError as error:
        found.forget("numba", str(error))
    else:
        found.put("share", threads, reads.min(axis=1) / seconds["numba"])


class _OfSets(Benchmark):
    """Compared with numba: what is wrong with that, or with the key, is wrong with the figure.

    The last parameter is told from others within a process: "KEY: OF".
    """

    group: ClassVar[type[Group]] = Sets

    def key_and_point(self, *parameters: Any) -> tuple[str, tuple[Any, ...]]:
        key, *point, of = parameters
        return f"{key}: {of}", tuple(point)

    def figure(self, name: str, *parameters: Any, **more: Any) -> dict[str, Any]:
        return super().figure(name, *parameters, also=[f"numba: {parameters[-1]}"], **more)


class _OfNumba(_OfSets):
    """Of numba alone."""

    def key_and_point(self, *parameters: Any) -> tuple[str, tuple[Any, ...]]:
        return super().key_and_point("numba", *parameters)


class Roofline(_OfSets):
    """Share of the read limit, float64: time of the fastest sum over X over that of a gradient."""

    param_names = ["threads", "order", "X", "p"]
    params = [["1", "all"], *Sets.params, _COLUMNS]

    @with_attributes(unit="of the read limit")
    def track_share_of_read_limit(self, *of: Any) -> dict[str, Any]:
        return self.figure("share", *of)


class Advantage(_OfSets):
    """Time of another way over the time of numba, interleaved, float64, all cores."""

    param_names = ["over", "order", "X", "p"]
    params = [["numpy", "torch", "scipy"], *Sets.params, _COLUMNS]

    def setup(self, over: str, order: str, size: str, p: int) -> None:
        if over == "scipy" and size != _FACTORED_ON:
            skip(f"factoring {size} takes far longer than one gradient")

    @with_attributes(unit="x")
    def track_speedup(self, *of: Any) -> dict[str, Any]:
        return self.figure("advantage", *of)


class OneThread(_OfSets):
    """Time of numpy over the time of numba, interleaved, float64, one thread each."""

    param_names = ["order", "X", "p"]
    params = [*Sets.params, _COLUMNS]

    def key_and_point(self, *parameters: Any) -> tuple[str, tuple[Any, ...]]:
        return super().key_and_point("numpy", *parameters)

    @with_attributes(unit="x")
    def track_speedup_over_numpy(self, *of: Any) -> dict[str, Any]:
        return self.figure("one thread", *of)


class Precisions(Group):
    """The numba gradient in float64 and in float32, X in memory."""

    params = [_ORDERS]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (order,) = point
        for p in _COLUMNS:
            of_p = Findings(found.judged.get(str(p), {}))
            calls: dict[str, Any] = {}
            for dtype in ("float64", "float32"):
                ways = _verified(of_p, ["numba"], _problem(order, "160 MiB", p, dtype), dtype)
                calls |= {f"numba, {dtype}": way.gradient for way in ways.values()}
            seconds = _timed(of_p, calls)
            if len(seconds) == 2:
                of_p.put("float32", "numba", seconds["numba, float64"] / seconds["numba, float32"])
            found.take_in(of_p, str(p))

    @staticmethod
    def cost(*point: Any) -> float:
        return 25.0


class SinglePrecision(_OfNumba):
    """Time of a float64 gradient over that of a float32 one, same n and p, X in memory."""

    group = Precisions
    param_names = ["order", "p"]
    params = [_ORDERS, _COLUMNS]

    @with_attributes(unit="x")
    def track_float32_speedup(self, *of: Any) -> dict[str, Any]:
        return self.figure("float32", *of)


class Smallest(Group):
    """Small gradients by numba beside an empty compiled call with X, y and w."""

    params = [_ORDERS]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (order,) = point
        for size in _SMALLEST:
            of_size = Findings(found.judged.get(size, {}))
            _beyond_an_empty_call(of_size, order, size)
            found.take_in(of_size, size)


def _beyond_an_empty_call(found: Findings, order: str, size: str) -> None:
    problem = problems.gaussian(*problems.shape(size), order="C" if order == "C" else "F")
    ways = _verified(found, ["numba"], problem)
    if "numba" not in ways:
        return
    numba, (X, y) = ways["numba"], (problem.X, problem.y)
    w = numba.truth.points[0]
    # Both from a lambda, whose own 40 ns are then in neither.
    gradient = numba.turns("gradient", lambda w: numba.way.gradient(w))
    seconds = _timed(found, {"numba": gradient, "empty": Repeated(lambda: _empty(X, y, w))})
    if "numba" in seconds:
        found.put("beyond empty", "numba", seconds["numba"] - seconds["empty"])


class SmallCalls(_OfNumba):
    """Time of a small gradient beyond that of an empty compiled call with X, y and w."""

    group = Smallest
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
        for p in _SCALED:
            of_p = Findings(found.judged.get(str(p), {}))
            ways = _verified(of_p, ["numba"], _problem("C", size, p))
            if "numba" in ways:
                _scaling(of_p, ways["numba"])
            found.take_in(of_p, str(p))


def _scaling(found: Findings, verified: Verified) -> None:
    """Time one thread against several, and against itself."""

    def on(count: int) -> Turns:
        def gradient(w: Array) -> Array:
            numba.set_num_threads(count)  # 0.1 µs, where `use_threads` asks every library
            return verified.way.gradient(w)

        return verified.turns("gradient", gradient)

    counts = [count for count in _COUNTS if count <= cores()]
    calls = {f"numba, {count}": on(count) for count in counts}
    calls["numba, 1 again"] = on(1)
    seconds = _timed(found, calls)
    if len(seconds) == len(calls):
        for count in counts:
            scaled = seconds[f"numba, {count}" if count > 1 else "numba, 1 again"]
            found.put("scaling", str(count), seconds["numba, 1"] / scaled)


class Threads(_OfSets):
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

"""The ways over blocks on a Dask cluster of two processes, beside one process on the same cores.

`make bench-peers SUITES=cluster`: it needs `distributed`, up to 20 GB of memory, and some
forty minutes. X is drawn where it is wanted, the same in the workers and in the one process.
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any, ClassVar

from kernels import WAYS, Array, LeastSquares, minimum_norm
from suites.conform.registry import is_installed
from suites.data import problems
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.blocks import Drawn, arrays, cluster, computed, drawn, in_one_place
from suites.harness.group import Findings, Group, key_of
from suites.harness.machine import cores, memory
from suites.harness.solutions import Solutions
from suites.harness.threads import use_threads
from suites.harness.timing import unchecked
from suites.judge import RIGHT, GradientOracle, SolutionJudge, WrongAnswerError

_SIZES = {"256 MB": 256_000_000, "1 GB": 10**9, "4 GB": 4 * 10**9, "8 GB": 8 * 10**9}
_ROUNDS = 3, 7
_MANY_WORKERS = [2, 8, 32]  # that compute nothing to speak of: two cores will do
_FEW_ROWS = 100
_WIDTHS = [100, 1000]
_GRADIENTS = 30
_OTHERS = ["one process", "dask.array"]
_LARGEST_OF_OTHERS = 4 * 10**9  # bytes of X: what Dask makes beside it takes as much again
_LARGEST_LSTSQ = 10**9  # bytes of X: it takes minutes beyond


class Sizes(Group):
    """Gradient and solution of one size: the cluster, one process, and what Dask itself offers."""

    params = [list(_SIZES)]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (name,) = point
        size = _SIZES[name]
        sources = drawn(size)
        whole = in_one_place(sources)
        with cluster(size) as client:
            _compare(found, client, sources, whole)

    @staticmethod
    def cost(*point: Any) -> float:
        return 15.0 + 15e-9 * _SIZES[point[0]]


def _compare(found: Findings, client: Any, sources: list[Drawn], whole: LeastSquares) -> None:
    from kernels.blocks.cluster import OnCluster
    from kernels.blocks.problem import BlockedLeastSquares
    from kernels.blocks.ways import OVER_BLOCKS

    one = WAYS["numba"](whole)
    use_threads(cores())
    engine = OnCluster.of(client, sources)
    problem = BlockedLeastSquares(engine)
    w = problems.start(problem)
    way = OVER_BLOCKS["numba"](problem)
    oracle, judge = GradientOracle(problem, w), SolutionJudge(problem)
    gradients: dict[str, Callable[[], Any]] = {
        "cluster": partial(way.gradient, w),
        "one process": partial(one.gradient, w),
    }
    solutions: dict[str, Callable[[], Any]] = {
        "cluster": lambda: minimum_norm(problem).w,
        "one process": lambda: minimum_norm(whole).w,
    }
    if whole.nbytes <= _LARGEST_OF_OTHERS:
        X, y = arrays(client, engine.blocks, problem.sizes)
        gradients["dask.array"] = lambda: (2 / problem.n) * computed(client, X.T @ (X @ w - y))
        if whole.nbytes <= _LARGEST_LSTSQ:
            solutions["dask.array"] = lambda: computed(client, _lstsq(X, y))
    _time(found, "gradient", gradients, lambda g: oracle.gradient_error(g, factored=False) <= 1)
    _time(found, "solution", solutions, lambda w: judge.backward_error(w) < RIGHT)


def _time(
    found: Findings,
    what: str,
    calls: dict[str, Callable[[], Any]],
    is_right: Callable[[Array], bool],
) -> None:
    """Time calls in turn; ours must be right, and what others get wrong has no time."""

    def require(answer: Array) -> None:
        if not is_right(answer):
            raise WrongAnswerError(f"the {what} is beyond its error bound")

    timed = {name: Solutions(call, require) for name, call in calls.items()}
    columns = dict(zip(timed, unchecked(list(timed.values()), _ROUNDS).T, strict=True))
    for name in ("cluster", "one process"):
        timed[name].check()
    ours = columns.pop("cluster")
    found.put("seconds", what, ours)
    for name, seconds in columns.items():
        if not timed[name].why_wrong():
            found.put(what, name, seconds / ours)


def _lstsq(X: Any, y: Any) -> Any:
    import dask.array as da

    return da.linalg.lstsq(X, y)[0]


def _require(size: str = "") -> None:
    """Leave out what cannot be measured here."""
    if not is_installed("distributed"):
        skip("distributed is not installed")
    if size and 2.6 * _SIZES[size] > memory():
        skip(f"{size} do not fit twice into {memory() / 1e9:.0f} GB")


class _OfSizes(Benchmark):
    """Compared with the cluster: above 1 the cluster is faster."""

    group = Sizes
    param_names = ["beside", "X"]
    params: Any = [_OTHERS, list(_SIZES)]
    largest: ClassVar[int] = _LARGEST_OF_OTHERS

    def setup(self, beside: str, size: str) -> None:
        _require(size)
        if beside != "one process" and _SIZES[size] > self.largest:
            skip(f"{beside} needs too much memory, or time, for {size}")


class Gradient(_OfSizes):
    """Time of a gradient by others over that on the cluster, numba in two workers, p = 100."""

    @with_attributes(unit="x")
    def track_time_over_cluster(self, *of: Any) -> dict[str, Any]:
        return self.figure("gradient", *of)


class Solve(_OfSizes):
    """Time of a solution by others over that of minimum_norm on the cluster, p = 100."""

    largest = _LARGEST_LSTSQ

    @with_attributes(unit="x")
    def track_time_over_cluster(self, *of: Any) -> dict[str, Any]:
        return self.figure("solution", *of)


class Times(Benchmark):
    """Seconds of a gradient, and of a solution, on the cluster."""

    group = Sizes
    param_names = ["of", "X"]
    params: Any = [["gradient", "solution"], list(_SIZES)]

    def setup(self, what: str, size: str) -> None:
        _require(size)

    @with_attributes(unit="seconds")
    def track_time(self, what: str, size: str) -> dict[str, Any]:
        return self.figure("seconds", what, size)


class Small(Group):
    """Gradients of a block for each worker that costs nothing: what messages take."""

    params = [_MANY_WORKERS]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (workers,) = point
        with cluster(0, workers) as client:
            for p in _WIDTHS:
                sources = [Drawn(k, _FEW_ROWS, p) for k in range(workers)]
                with found.part(p) as part:
                    _messages(part, client, sources)

    @staticmethod
    def cost(*point: Any) -> float:
        return 10.0 + 2.0 * float(point[0])


def _messages(found: Findings, client: Any, sources: list[Drawn]) -> None:
    """Measure gradients, one after the other, and what this process does, the scheduler in it."""
    from kernels.blocks.cluster import OnCluster
    from kernels.blocks.problem import BlockedLeastSquares
    from kernels.blocks.ways import OVER_BLOCKS

    problem = BlockedLeastSquares(OnCluster.of(client, sources))
    w = problems.start(problem)
    way = OVER_BLOCKS["numba"](problem)
    GradientOracle(problem, w).check(way, w)
    seconds, before = [], _on_loopback()
    began_here = process_time()
    for _ in range(_GRADIENTS):
        began = perf_counter()
        way.gradient(w)
        seconds.append(perf_counter() - began)
    found.put("seconds", "numba", seconds)
    found.put("scheduler", "numba", [(process_time() - began_here) / _GRADIENTS])
    found.put("bytes", "numba", [(_on_loopback() - before) / _GRADIENTS])


def _on_loopback() -> int:
    """Return how many bytes have gone over the loopback."""
    import psutil

    of_interfaces = psutil.net_if_addrs().items()
    (name,) = (name for name, of in of_interfaces if any(a.address == "127.0.0.1" for a in of))
    return int(psutil.net_io_counters(pernic=True)[name].bytes_sent)


class Messages(Benchmark):
    """A gradient on the cluster, of a block of 100 rows for each worker: all of it is messages.

    The workers, who compute for microseconds, share the cores.
    """

    group = Small
    key = "numba"
    param_names = ["p", "workers"]
    params: Any = [_WIDTHS, _MANY_WORKERS]

    def setup(self, *of: Any) -> None:
        _require()

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        p, workers = point
        return key_of(key, p), (workers,)

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        return self.figure("seconds", *of)

    @with_attributes(unit="seconds")
    def track_time_of_scheduler(self, *of: Any) -> dict[str, Any]:
        """Processor time of the process that has the scheduler, and the client."""
        return self.figure("scheduler", *of)

    @with_attributes(unit="bytes")
    def track_bytes(self, *of: Any) -> dict[str, Any]:
        """What all send to each other."""
        return self.figure("bytes", *of)

"""The gradient across data sizes: time, preparation, memory, accuracy, the price of autograd.

Every benchmark checks its way against the oracle on the very inputs that it measures, before it
measures and after. A way that fails is recorded as failed at that point.
"""

from functools import lru_cache
from typing import Any

from kernels import WAYS, Way
from suites.data import problems
from suites.harness import Truth, Turns, Verified, require_possible
from suites.harness.machine import cores, memory
from suites.harness.possible import is_beyond_caches
from suites.harness.read_limit import sums_over
from suites.harness.timing import BatchClock, Timeable, interleaved, ratio, use_threads

# X takes from 3 KiB to 240 MB in float64: inside L1, L2, around L3, far beyond it.
_ROWS = [100, 1_000, 10_000, 100_000, 1_000_000]
_COLUMNS = [4, 30, 300]

# X, a copy while it is drawn, and the factored way's copy and its transpose for LAPACK.
_COPIES = 4


class _Verified:
    """Sets up a way on seeded data of n rows and p columns, once it has passed the check."""

    param_names = ["way", "n", "p"]
    params = [list(WAYS), _ROWS, _COLUMNS]
    version = "1"
    timeout = 180.0
    rounds = 1

    def setup(self, name: str, n: int, p: int) -> None:
        self.verified = _verified(name, n, p)


class Gradient(_Verified):
    """A steady-state gradient, float64, C order, all cores, at several w in turn."""

    repeat = (5, 15, 0.7)
    timer = BatchClock()
    number = 1
    warmup_time = 0.0
    gradient: Turns | None = None

    def setup(self, name: str, n: int, p: int) -> None:
        super().setup(name, n, p)
        self.gradient = self.verified.gradient

    def teardown(self, *_: object) -> None:
        """Check what `time_gradient` has timed: asv records no time where this raises."""
        if self.gradient is not None:
            self.gradient.check()

    def time_gradient(self, *_: object) -> None:
        assert self.gradient is not None
        self.timer.sample(self.gradient)

    # Of the same quantity, but without what asv adds to each call: a step of 0.2 µs.
    time_gradient.version = "2"  # type: ignore[attr-defined]

    def track_speedup_over_numpy(self, *_: object) -> dict[str, Any]:
        """Time of the numpy way over time of this way, interleaved in one process.

        For the numpy way itself this is an A/A run: how far from 1 its samples fall is the
        noise of the machine.
        """
        truth, way = self.verified.truth, self.verified.way
        reference = Verified(WAYS["numpy"](truth.problem), truth)
        calls: list[Timeable] = [reference.gradient, self.verified.gradient]
        if way.factored or not is_beyond_caches(truth.problem.X):
            return ratio(*calls)
        seconds = interleaved([*calls, *sums_over(truth.problem.X)])
        require_possible(type(way).__name__, truth.problem.X, seconds[:, 1], seconds[:, 2:])
        return {"samples": (seconds[:, 0] / seconds[:, 1]).tolist(), "number": 1}

    def track_value_and_gradient_over_value(self, *_: object) -> dict[str, Any]:
        """Time of value and gradient over time of the value alone: the price of the gradient."""
        return ratio(self.verified.value_and_gradient, self.verified.value)

    def track_error_over_bound(self, *_: object) -> float:
        """Largest error of a component of the gradient, as a share of what rounding allows."""
        return self.verified.gradient_error()

    track_speedup_over_numpy.unit = "x"  # type: ignore[attr-defined]
    track_value_and_gradient_over_value.unit = "x"  # type: ignore[attr-defined]
    track_error_over_bound.unit = "share of the bound"  # type: ignore[attr-defined]


class ReadLimit:
    """The floor of a gradient: one read of X by the fastest sum over it, float64, all cores."""

    param_names = ["n", "p"]
    params = [_ROWS, _COLUMNS]
    version = "1"
    timeout = 180.0

    def setup(self, n: int, p: int) -> None:
        _require_memory(n, p)

    def track_one_read(self, n: int, p: int) -> dict[str, Any]:
        problem = problems.gaussian(n, p)
        use_threads(cores())
        seconds = interleaved(sums_over(problem.X))
        return {"samples": seconds.min(axis=1).tolist(), "number": 1}

    track_one_read.unit = "seconds"  # type: ignore[attr-defined]


class Preparation(_Verified):
    """What a way does before its first gradient: nothing, or a factorisation of X."""

    repeat = (3, 10, 1.0)
    prepared: Way | None = None

    def time_prepare(self, name: str, *_: object) -> None:
        self.prepared = WAYS[name](self.verified.truth.problem)

    def teardown(self, *_: object) -> None:
        """Check the way that was prepared last: asv records no time where this raises."""
        if self.prepared is not None:
            gradient = self.verified.turns("gradient", self.prepared.gradient)
            gradient.batch(1)
            gradient.check()


class Memory(_Verified):
    """Peak resident memory of a process that imports a way, prepares and takes gradients.

    It holds X (n p 8 bytes) and the library itself, compilation included.
    """

    params = [list(WAYS), [100, 100_000], [30, 300]]

    def peakmem_gradient(self, *_: object) -> None:
        self.verified.way.gradient(self.verified.truth.points[0])


@lru_cache(maxsize=1)
def _verified(name: str, n: int, p: int) -> Verified:
    """Return the way, prepared and checked."""
    _require_memory(n, p)
    truth = Truth(problems.gaussian(n, p))
    way = WAYS[name](truth.problem)
    use_threads(cores())
    return Verified(way, truth)


def _require_memory(n: int, p: int) -> None:
    """Raise NotImplementedError, which asv takes as "skip", where X is too large for here.

    A share of the memory that the machine has, not of what is free, so that the same sizes
    run each time.
    """
    needed = _COPIES * n * p * 8
    if needed > memory() / 3:
        raise NotImplementedError(
            f"{n} x {p} needs {needed / 1e9:.1f} GB for {_COPIES} copies of X, more than a third"
            f" of the machine's {memory() / 1e9:.1f} GB"
        )

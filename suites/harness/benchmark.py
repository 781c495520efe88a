"""The base of the benchmarks: a way is right on the very input before it is timed, and after.

Classes with an abstract method are no benchmarks to asv, so what is here is measured only where
a suite says on which problem.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from kernels import WAYS, LeastSquares
from suites.harness.machine import cores
from suites.harness.read_limit import is_beyond_caches, require_possible, sums_over
from suites.harness.threads import use_threads
from suites.harness.timing import BatchClock, Timeable, interleaved, ratio
from suites.harness.turns import Turns
from suites.harness.verified import Truth, Verified

_Function = TypeVar("_Function", bound=Callable[..., Any])


def with_attributes(**attributes: str) -> Callable[[_Function], _Function]:
    """Set what asv reads off a function: its ``unit``; a ``version`` other than its class's."""

    def decorated(function: _Function) -> _Function:
        for name, value in attributes.items():
            setattr(function, name, value)
        return function

    return decorated


def skip(reason: str) -> NoReturn:
    """Leave a combination of parameters out: for a `setup`, whose NotImplementedError asv shows."""
    raise NotImplementedError(reason)


class Benchmark(ABC):
    """Ways on a problem, each right at every point before it is timed.

    A subclass states its parameters, the `problem` that follows from them, and what is measured;
    `verify` gives it the ways. ``version`` is set so that an edit does not hide the history.
    """

    version = "1"
    timeout = 180.0

    @staticmethod
    @abstractmethod
    def problem(*parameters: Any, **more: Any) -> LeastSquares:
        """Return what is solved. Made once a process, and told apart by its parameters."""

    @classmethod
    def verify(cls, way: str, *parameters: Any) -> Verified:
        """Return a way of this problem, prepared and checked, on all cores.

        Once a process, and ways of the same parameters share one `Truth`. A benchmark that sets
        the threads itself does so afterwards. Raises `suites.judge.WrongAnswerError`.
        """
        return _verified(way, cls.problem, *parameters)


@lru_cache(maxsize=4)
def _verified(way: str, problem: Callable[..., LeastSquares], *parameters: Any) -> Verified:
    truth = _truth(problem, *parameters)
    prepared = WAYS[way](truth.problem)
    use_threads(cores())
    return Verified(prepared, truth)


@lru_cache(maxsize=2)
def _truth(problem: Callable[..., LeastSquares], *parameters: Any) -> Truth:
    return Truth(problem(*parameters))


def forget() -> None:
    """Forget what was verified: for tests that change a way."""
    _verified.cache_clear()
    _truth.cache_clear()


class OneWay(Benchmark):
    """One way, the first of the parameters."""

    verified: Verified

    def setup(self, way: str, *parameters: Any) -> None:
        self.verified = self.verify(way, *parameters)


class SteadyState(OneWay):
    """A steady-state gradient of one way, all cores, at several w in turn.

    asv calls `setup` before each sample and `teardown` after it, and takes no time where the
    latter raises.
    """

    repeat: Any = (5, 15, 0.7)
    timer = BatchClock()
    number = 1
    warmup_time = 0.0
    gradient: Turns | None = None

    def setup(self, way: str, *parameters: Any) -> None:
        super().setup(way, *parameters)
        self.gradient = self.verified.gradient

    def teardown(self, *_: object) -> None:
        """Check what `time_gradient` has timed."""
        if self.gradient is not None:
            self.gradient.check()

    # Of the same quantity as 1, but without what asv adds to each call: a step of 0.2 µs.
    @with_attributes(version="2")
    def time_gradient(self, *_: object) -> None:
        assert self.gradient is not None
        self.timer.sample(self.gradient)

    @with_attributes(unit="x")
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

    @with_attributes(unit="share of the bound")
    def track_error_over_bound(self, *_: object) -> float:
        """Largest error of a component of the gradient, as a share of what rounding allows."""
        return self.verified.gradient_error()

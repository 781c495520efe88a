"""How things are timed: batches, interleaving, single calls of some length in turn."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter, sleep
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kernels import Array
from suites.harness.threads import may_be_several

_BATCH = 0.002  # seconds: a thousand times what reading the clock costs
BUDGET = 0.3  # seconds for all rounds together, unless that leaves fewer than _ROUNDS
_ROUNDS = 3, 7  # for a median: what is known of its spread comes from other processes

# After a parallel region the idle threads of a library spin, and take cores from whatever runs
# next: libgomp's for some 5 ms, OpenBLAS's for 2²⁸ cycles, 100 ms, unless OPENBLAS_THREAD_TIMEOUT
# says otherwise (asv.conf.json sets it to 20: 0.4 ms). On two cores numba at 3 500 x 300 took up
# to a hundred times its own time right after numpy. Once asleep, threads take some milliseconds
# of calls to find a core each again. Calls of less than 50 µs start no threads, nor does any where
# every library is set to one.
_SPIN = 0.006  # seconds
_WAKE = 0.015  # seconds
_PARALLEL = 5e-5  # seconds
_LONG = 0.05  # seconds: a call that takes more needs none untimed before it
_SINGLE_ROUNDS = 1, 5


@runtime_checkable
class Calls(Protocol):
    """Calls that are timed in batches, and that can say afterwards whether they were right."""

    def batch(self, number: int) -> float:
        """Return the seconds that ``number`` calls take together, after an untimed one."""

    def check(self) -> None:
        """Raise `suites.judge.WrongAnswerError` if what was timed was not what was judged."""


class Repeated:
    """One call again and again; whether it is right is for its caller to say."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call

    def batch(self, number: int) -> float:
        call = self._call
        call()
        start = perf_counter()
        for _ in range(number):
            call()
        return perf_counter() - start

    def check(self) -> None: ...


Timeable = Calls | Callable[[], object]


def interleaved(
    calls: Sequence[Timeable], rounds: tuple[int, int] = _ROUNDS
) -> NDArray[np.float64]:
    """Time several calls against each other: seconds per call, shape (rounds, len(calls)).

    Each round times a batch of each, in an order that turns round from one round to the next, so
    that a drift of the machine meets all of them alike. Compare within a round: the ratio of
    two columns is a sample of the ratio of two times. Before each batch the threads of the
    previous one are left to fall asleep, and those of this one are woken by untimed calls.

    Raises `suites.judge.WrongAnswerError` if `Calls` among them turn out not to be right.
    """
    batched = [_batched(call) for call in calls]
    seconds = unchecked(batched, rounds)
    for call in batched:
        call.check()
    return seconds


def unchecked(
    calls: Sequence[Calls], rounds: tuple[int, int] = _ROUNDS, budget: float = BUDGET
) -> NDArray[np.float64]:
    """Time as `interleaved` does, for a caller that goes on where one of several was wrong.

    The least and the largest number of ``rounds`` are for a caller of many calls, and the
    ``budget`` of seconds for all rounds for one who has more time. Where all calls
    are long, the batches that tell how many calls make one are the first round.
    """
    if not calls:
        return np.empty((0, 0))
    numbers, taken = zip(*(calls_per_batch(call) for call in calls), strict=True)
    count = int(np.clip(budget / sum(taken), *rounds))
    once = [batch / number for batch, number in zip(taken, numbers, strict=True)]
    seconds = np.empty((count, len(calls)))
    seconds[0] = once
    parallel = _PARALLEL if may_be_several() else math.inf
    before = 0.0  # the seconds of the call before
    for k in range(int(min(once) > _LONG), count):
        order = range(len(calls)) if k % 2 == 0 else reversed(range(len(calls)))
        for i in order:
            if before > parallel:
                sleep(_SPIN)
            wake(partial(calls[i].batch, 1), once[i])
            seconds[k, i] = calls[i].batch(numbers[i]) / numbers[i]
            before = once[i]
    return seconds


def ratio(over: Timeable, of: Timeable, rounds: tuple[int, int] = _ROUNDS) -> NDArray[np.float64]:
    """Return samples of the time of ``over`` as a multiple of that of ``of``, interleaved."""
    seconds = interleaved([over, of], rounds)
    return seconds[:, 0] / seconds[:, 1]


def wake(call: Callable[[], object], once: float) -> None:
    """Call until the threads of a call that takes ``once`` seconds have found a core each.

    One of less than 50 µs has no threads to wake; for a long one, the untimed call before what is
    timed does it.
    """
    if _PARALLEL < once < _WAKE and may_be_several():
        end = perf_counter() + _WAKE
        while perf_counter() < end:
            call()


def round_robin(
    calls: dict[str, Callable[[], Array]], budget: float
) -> tuple[dict[str, list[float]], dict[str, Array]]:
    """Return the seconds of each call, one a round, and the last w that each gave.

    For calls too long for batches. The order turns round from one round to the next. The rounds
    take some ``budget`` seconds together. A call before them warms up; one that is long needs none,
    and that is then its first round.
    """
    first = {solver: _single(call) for solver, call in calls.items()}
    last = {solver: w for solver, (_, w) in first.items()}
    once = {solver: seconds for solver, (seconds, _) in first.items()}
    times = {solver: [seconds] if seconds >= _LONG else [] for solver, seconds in once.items()}
    rounds = int(np.clip(budget / max(sum(once.values()), 1e-9), *_SINGLE_ROUNDS))
    for k in range(rounds):
        for solver in list(calls)[:: 1 if k % 2 else -1]:
            if len(times[solver]) < rounds:
                seconds, last[solver] = _single(calls[solver], once[solver])
                times[solver].append(seconds)
    return times, last


def _batched(call: Timeable) -> Calls:
    return call if isinstance(call, Calls) else Repeated(call)


def calls_per_batch(calls: Calls, enough: float = _BATCH) -> tuple[int, float]:
    """Return how many calls make a batch of so many seconds, and the seconds that it has taken."""
    number = 1
    while (seconds := calls.batch(number)) < enough:
        number = max(number + 1, int(number * min(10.0, enough / max(seconds, 1e-9))))
    return number, seconds


def _single(call: Callable[[], Array], once: float = math.inf) -> tuple[float, Array]:
    sleep(_SPIN)
    if once < _LONG:
        wake(call, once)
        call()
    began = perf_counter()
    w = call()
    return perf_counter() - began, w

"""Single calls of some length, timed in turn."""

from collections.abc import Callable
from time import perf_counter, sleep

import numpy as np

from kernels import Array

_ROUNDS = 3, 9
_REST = 0.006  # seconds: see suites/harness/timing.py
_LONG = 0.05  # seconds: a call that takes more need not find its threads awake


def in_turn(
    calls: dict[str, Callable[[], Array]], budget: float
) -> tuple[dict[str, list[float]], dict[str, Array]]:
    """Return the seconds of each call, once a round, and the last w that each gave.

    The order turns round. The rounds take some ``budget`` seconds together.
    """
    once = {solver: _timed(call, wake=False)[0] for solver, call in calls.items()}
    rounds = int(np.clip(budget / max(sum(once.values()), 1e-9), *_ROUNDS))
    times: dict[str, list[float]] = {solver: [] for solver in calls}
    last: dict[str, Array] = {}
    for k in range(rounds):
        for solver in list(calls)[:: 1 if k % 2 else -1]:
            seconds, last[solver] = _timed(calls[solver], wake=once[solver] < _LONG)
            times[solver].append(seconds)
    return times, last


def _timed(call: Callable[[], Array], *, wake: bool) -> tuple[float, Array]:
    sleep(_REST)
    if wake:
        call()
    began = perf_counter()
    w = call()
    return perf_counter() - began, w

"""How things are timed: threads, batches, interleaving."""

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from asv_runner.benchmarks.time import TimeBenchmark
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Where a benchmark has a `setup`, asv_runner (since 0.3.0) sets up again before each single
# call and times it alone, which inflates kernels below 10 µs by the cost of reading the clock
# and by a cold cache. The setups here only look up what is ready, so batches are safe.
# A private name: asv_runner is pinned, and a test looks for it.
TimeBenchmark._setup_isolates_timed_calls = False

_BATCH = 0.002  # seconds: a thousand times what reading the clock costs
_BUDGET = 0.5  # seconds for all rounds together, unless that leaves fewer than _ROUNDS
_ROUNDS = 5, 25


def use_threads(count: int) -> None:
    """Set the thread count of BLAS, OpenMP, Numba and PyTorch alike.

    Left alone they differ: PyTorch takes the physical cores, OpenBLAS the logical ones. Reaches
    the libraries that are loaded when it is called.
    """
    threadpool_limits(count)
    if "numba" in sys.modules:
        import numba

        numba.set_num_threads(count)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)


def interleaved(calls: list[Callable[[], object]]) -> NDArray[np.float64]:
    """Time several calls against each other: seconds per call, shape (rounds, len(calls)).

    Each round times a batch of each, in an order that turns round from one round to the next, so
    that a drift of the machine meets all of them alike. Compare within a round: the ratio of
    two columns is a sample of the ratio of two times. Every call is made once before.
    """
    for call in calls:
        call()
    numbers = [_calls_per_batch(call) for call in calls]
    shares = [max(_BATCH, _batch_seconds(call, 1)) for call in calls]
    rounds = int(np.clip(_BUDGET / sum(shares), *_ROUNDS))
    seconds = np.empty((rounds, len(calls)))
    for k in range(rounds):
        order = range(len(calls)) if k % 2 == 0 else reversed(range(len(calls)))
        for i in order:
            seconds[k, i] = _batch_seconds(calls[i], numbers[i]) / numbers[i]
    return seconds


def _calls_per_batch(call: Callable[[], object]) -> int:
    number = 1
    while (seconds := _batch_seconds(call, number)) < _BATCH:
        number = max(number + 1, int(number * min(10.0, _BATCH / max(seconds, 1e-9))))
    return number


def _batch_seconds(call: Callable[[], object], number: int) -> float:
    start = perf_counter()
    for _ in range(number):
        call()
    return perf_counter() - start

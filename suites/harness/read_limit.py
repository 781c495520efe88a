"""The machine's own read limit: how fast X can be read at all, by the threads that are set.

The limit is the bytes of X over the time of the fastest sum over X; the physical floor of any
gradient is one read of X, and no way that reads X can beat it.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numba import get_num_threads, prange

from kernels import Array
from kernels.one_pass.by_rows import AHEAD
from kernels.one_pass.choice import STREAMED
from kernels.one_pass.compile import compiled
from kernels.one_pass.target import LINE, WIDTH
from kernels.one_pass.vectors import add_products, load, prefetch, total, zeros
from suites.harness.timing import Repeated

_MARGIN = 1.25  # for noise
_BEYOND = 4  # times the last-level cache: no part of X worth mentioning is still there
_UNKNOWN = 64 << 20  # bytes

_STREAMS = 8  # how many stretches are read at once


@compiled
def _by_halves(x):  # type: ignore[no-untyped-def]
    """The sum of x, both halves at once: a twentieth faster than one stream from memory."""
    half = len(x) // 2
    a = b = x.dtype.type(0)
    for i in range(half):
        a += x[i]
        b += x[half + i]
    return a + b + (x[-1] if len(x) % 2 else x.dtype.type(0))


@compiled
def _by_eighths(x):  # type: ignore[no-untyped-def]
    """The sum of x, eight stretches at once, memory asked ahead as the kernels do."""
    lanes, line = WIDTH // x.itemsize, LINE // x.itemsize
    one, sums = load(np.ones(line, x.dtype), 0), zeros(x, _STREAMS)
    apart = len(x) // _STREAMS // line * line
    for i in range(0, apart, line):
        for stream in range(_STREAMS):
            prefetch(x, i + stream * apart + AHEAD // x.itemsize, 1)
        for k in range(i, i + line, lanes):
            sums = add_products(x, k, apart, one, sums)
    s = _by_halves(x[_STREAMS * apart :])
    for vector in sums:
        s += total(vector)
    return s


_READERS = (_by_halves, _by_eighths)


def _threaded(read: Any) -> Any:
    @compiled(parallel=True)
    def threaded(x, parts):  # type: ignore[no-untyped-def]
        sums = np.zeros(parts, x.dtype)
        size = len(x) // parts + 1
        for part in prange(parts):
            sums[part] = read(x[part * size : min(len(x), (part + 1) * size)])
        return sums.sum()

    return threaded


_THREADED = tuple(_threaded(read) for read in _READERS)


def sums_over(X: Array) -> list[Callable[[], object]]:
    """Return calls that each read X once, with the threads now set; the fastest is the limit.

    What lies in a cache is not asked for ahead, which makes it slower, and what does not is never
    read fastest by one of several threads.
    """
    x, parts = X.reshape(-1, order="A"), get_num_threads()
    alone: list[Callable[[], object]] = [partial(read, x) for read in _READERS]
    threaded: list[Callable[[], object]] = [partial(read, x, parts) for read in _THREADED]
    if X.nbytes > STREAMED:
        return alone if parts == 1 else threaded
    return alone[:1] if parts == 1 else [alone[0], threaded[0]]


def reads(X: Array) -> dict[str, Repeated]:
    """Return these sums by names, to be timed beside what reads X."""
    return {f"read {k}": Repeated(read) for k, read in enumerate(sums_over(X))}


class ImpossibleTimeError(AssertionError):
    """A time below what one read of X takes: whatever was timed, it was no gradient."""


@cache
def last_level_cache(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Return the bytes of the largest cache, 64 MiB where Linux does not say."""
    sizes = [path.read_text().strip() for path in folder.glob("index*/size")]
    return max((int(size.rstrip("K")) << 10 for size in sizes), default=_UNKNOWN)


def is_beyond_caches(X: Array) -> bool:
    """Return whether each read of X comes from memory."""
    return X.nbytes >= _BEYOND * last_level_cache()


def require_possible(who: str, X: Array, seconds: Array, reads: Array) -> None:
    """Raise `ImpossibleTimeError` if X was read faster than it can be.

    ``seconds`` are samples of a call that reads X once, and ``reads`` of the fastest sums over X,
    both of one process. The median call may take less than the fastest read of all by a margin of
    a quarter, which is for noise. Where caches may hold X there is no such limit.
    """
    call, read = float(np.median(seconds)), float(np.min(reads))
    if is_beyond_caches(X) and call * _MARGIN < read:
        raise ImpossibleTimeError(
            f"{who}: impossible: {call:.3g} s a call, where the fastest read of its {X.nbytes:,}"
            f" bytes took {read:.3g} s"
        )

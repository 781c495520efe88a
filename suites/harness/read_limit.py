"""The machine's own read limit: how fast X can be read at all, by the threads that are set.

The limit is the bytes of X over the time of the fastest sum over X; the physical floor of any
gradient is one read of X, and no way that reads X can beat it.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numba import get_num_threads, njit, prange

from kernels import Array
from suites.harness.timing import Repeated

_MARGIN = 1.25  # the sums that are the read limit were beaten by 8 %: they ask no memory ahead
_BEYOND = 4  # times the last-level cache: no part of X worth mentioning is still there
_UNKNOWN = 64 << 20  # bytes

_reordered = {"reassoc", "contract"}  # lets LLVM keep several vectors of partial sums


@njit(cache=True, fastmath=_reordered)
def _sum(x):  # type: ignore[no-untyped-def]
    s = x.dtype.type(0)
    for i in range(len(x)):
        s += x[i]
    return s


@njit(cache=True, fastmath=_reordered, parallel=True)
def _threaded_sum(x, parts):  # type: ignore[no-untyped-def]
    sums = np.zeros(parts, x.dtype)
    size = len(x) // parts + 1
    for part in prange(parts):
        sums[part] = _sum(x[part * size : min(len(x), (part + 1) * size)])
    return sums.sum()


def sums_over(X: Array) -> list[Callable[[], object]]:
    """Return calls that each read X once, with the threads now set; the fastest is the limit."""
    x = X.reshape(-1, order="A")
    parts = get_num_threads()
    return [lambda: _sum(x), lambda: _threaded_sum(x, parts)][: min(2, parts)]


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

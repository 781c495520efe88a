"""The machine's own read limit: how fast X can be read at all, by the threads that are set.

The limit is the bytes of X over the time of the fastest sum over X; the physical floor of any
gradient is one read of X.
"""

from collections.abc import Callable

import numpy as np
from numba import get_num_threads, njit, prange

from kernels import Array

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

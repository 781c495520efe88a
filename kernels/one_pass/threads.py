"""Numba's threads, and what is left of them after a fork.

A child of `os.fork`, and of `multiprocessing` where it forks, has none of its parent's threads.
GNU OpenMP, which Numba takes on Linux where there is no TBB, cannot start them again: Numba ends
the child with SIGTERM as soon as it runs anything in parallel. There the kernels take the same
parts of X one after the other, and so give the same bits.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import cast

from numba import get_num_threads, threading_layer
from numba.np.ufunc import parallel

_lost = False
_alone: set[int] = set()  # threads; where it is empty it costs less than a look at a thread's own


def has_threads() -> bool:
    """Return whether this thread has others to share X with: more than one is set, and they live.

    Starting and ending a pass in parallel costs some µs with one thread, too.
    """
    return not _lost and thread_count() > 1


def thread_count() -> int:
    """Return in how many parts this thread shares out X."""
    return 1 if _alone and threading.get_ident() in _alone else _counter()()


@cache
def _counter() -> Callable[[], int]:
    """Launch Numba's threads; return what counts those that the calling thread has set.

    `numba.get_num_threads` takes two locks first to see that they are launched: 1 µs, and 10 of the
    300 µs of a gradient of 8 MiB, which has left neither code nor locks in the caches.
    """
    get_num_threads()
    return cast("Callable[[], int]", getattr(parallel, "_get_num_threads", get_num_threads))


@contextmanager
def alone() -> Iterator[None]:
    """Let this thread run kernels by itself: what shares X out beside others gives each one part.

    The bits are those of one thread; Numba's own threads are not started.
    """
    thread = threading.get_ident()
    _alone.add(thread)
    try:
        yield
    finally:
        _alone.remove(thread)


def _forked() -> None:
    global _lost
    with suppress(ValueError):  # the parent had not started any: the child may
        _lost = _lost or threading_layer() == "omp"


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)

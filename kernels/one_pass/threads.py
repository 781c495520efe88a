"""Numba's threads, and what is left of them after a fork.

A child of `os.fork`, and of `multiprocessing` where it forks, has none of its parent's threads.
GNU OpenMP, which Numba takes on Linux where there is no TBB, cannot start them again: Numba ends
the child with SIGTERM as soon as it runs anything in parallel. There the kernels take the same
parts of X one after the other, and so give the same bits.
"""

import os
from contextlib import suppress

from numba import threading_layer

_lost = False


def has_threads() -> bool:
    """Return whether this process can run compiled code in parallel."""
    return not _lost


def _forked() -> None:
    global _lost
    with suppress(ValueError):  # the parent had not started any: the child may
        _lost = _lost or threading_layer() == "omp"


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)

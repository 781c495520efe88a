"""One thread count for every library."""

import sys

from threadpoolctl import threadpool_limits

_count: int | None = None  # as last set


def use_threads(count: int) -> None:
    """Set the thread count of BLAS, OpenMP, Numba and PyTorch alike.

    Numba takes no more than NUMBA_NUM_THREADS.

    Left alone they differ: PyTorch takes the physical cores, OpenBLAS the logical ones. Reaches
    the libraries that are loaded when it is called.
    """
    global _count
    _count = count
    if "numba" in sys.modules:
        import numba

        # First: its threads begin here, if no kernel has begun them, and then as many as there are.
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    threadpool_limits(count)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)


def may_be_several() -> bool:
    """Return whether a call may start threads: not where `use_threads` has set one for all."""
    return _count != 1

"""One thread count for every library."""

import sys

from threadpoolctl import threadpool_limits


def use_threads(count: int) -> None:
    """Set the thread count of BLAS, OpenMP, Numba and PyTorch alike.

    Numba takes no more than NUMBA_NUM_THREADS.

    Left alone they differ: PyTorch takes the physical cores, OpenBLAS the logical ones. Reaches
    the libraries that are loaded when it is called.
    """
    threadpool_limits(count)
    if "numba" in sys.modules:
        import numba

        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)

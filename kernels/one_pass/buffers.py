"""Arrays of whole vectors, for compiled code.

w and g are padded to whole vectors and aligned. What a vector reads past the end of a row is
multiplied by the padding's zeros, or lands in the padding of g, and X is finite.
"""

from typing import Any

import numpy as np

from kernels.one_pass.compile import compiled
from kernels.one_pass.target import LINE, WIDTH
from kernels.problem import Array


@compiled
def padded(size: int, like: Array) -> int:
    """Return the size rounded up to whole vectors."""
    lanes = WIDTH // like.itemsize
    return (size + lanes - 1) // lanes * lanes


@compiled
def aligned(size: int, like: Array) -> Any:
    """Return zeros of the dtype of ``like`` that start at a cache line."""
    room = np.zeros(size + LINE // like.itemsize, like.dtype)
    skip = -room.ctypes.data % LINE // like.itemsize
    return room[skip : skip + size]


@compiled
def copied(w: Array, into: Array) -> None:
    """Set the first of ``into`` to w.

    In a loop: into[: w.size] = w brings with it the words of its error, 1.6 s to compile.
    """
    for j in range(w.size):
        into[j] = w[j]


@compiled
def all_finite(w: Array) -> bool:
    finite = True
    for j in range(w.size):
        finite &= np.isfinite(w[j])
    return finite

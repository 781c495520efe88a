"""Arrays of whole vectors, for compiled code.

w and g are padded to whole vectors, and have a line before and two after. What a vector reads
beyond a row is multiplied by the zeros there, or lands there in g, and X is finite.
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
def framed(size: int, like: Array) -> Any:
    """Return the size padded, and three cache lines more."""
    return padded(size, like) + 3 * LINE // like.itemsize


@compiled
def frame(room: Array, part: int, size: int) -> Any:
    """Return the place of ``size`` numbers in one of several frames, one after the other."""
    start = part * framed(size, room) + LINE // room.itemsize
    return room[start : start + padded(size, room)]


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

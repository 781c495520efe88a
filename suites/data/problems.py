"""Seeded inputs: data sets, where they lie in memory, and the points of gradients."""

import math
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from kernels import Array, LeastSquares

_PAGE, _PAST = 4096, 16  # bytes


def gaussian(
    n: int,
    p: int,
    *,
    alpha: float = 0.0,
    dtype: DTypeLike = np.float64,
    order: Literal["C", "F"] = "C",
    noise: float = 1.0,
    seed: int = 0,
) -> LeastSquares:
    """Return y = Xw + noise, all standard normal: full rank and well conditioned."""
    rng = np.random.default_rng([seed, n, p])
    drawn = rng.standard_normal(out=_room((n, p), np.float64, "C"))
    X = drawn if drawn.dtype == dtype and order == "C" else placed(drawn, dtype, order)
    y: Array = X @ rng.standard_normal(p) + noise * rng.standard_normal(n)
    return LeastSquares(X, placed(y, dtype), alpha)


def placed(array: Array, dtype: DTypeLike = np.float64, order: Literal["C", "F"] = "C") -> Array:
    """Return a copy that begins 16 bytes past a page, as NumPy's own large arrays do.

    NumPy lets smaller ones begin at any multiple of 16, as what was there before has it, and what
    that does to the lines of the cache moved a gradient by 16 % from process to process (numba,
    240 KB of X in Fortran order, Zen 4).
    """
    copy = _room(array.shape, dtype, order)
    copy[...] = array
    return copy


def _room(shape: tuple[int, ...], dtype: DTypeLike, order: Literal["C", "F"]) -> Array:
    memory = np.empty(math.prod(shape) * np.dtype(dtype).itemsize + _PAGE + _PAST, np.uint8)
    start = -memory.ctypes.data % _PAGE + _PAST
    room: Array = np.ndarray(shape, dtype, memory, start, order=order)
    return room


def start(problem: LeastSquares, seed: int = 1) -> Array:
    """Return a standard normal w for the problem, in its dtype."""
    rng = np.random.default_rng([seed, problem.n, problem.p])
    return np.asarray(rng.standard_normal(problem.p), dtype=problem.dtype)


def shape(size: str) -> tuple[int, int]:
    """Return n and p of a size as the benchmarks write it, "100 x 4"."""
    n, p = map(int, size.split(" x "))
    return n, p

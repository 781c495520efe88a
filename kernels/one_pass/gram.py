"""The Gram matrix XᵀX of a tall X, in float64 whatever the dtype and order of X."""

from functools import cache
from typing import Any

import numpy as np
from numba import prange

from kernels.one_pass.buffers import aligned
from kernels.one_pass.compile import compiled
from kernels.one_pass.target import COUNT, WIDTH
from kernels.one_pass.threads import has_threads, thread_count
from kernels.one_pass.vectors import accumulate_rows, add_outer, zeros
from kernels.problem import Array

_ROWS = 64  # in a block: a tile's columns of it, 64 x 24 x 8 bytes, stay in L1
# Tiles of the triangle are two vectors wide, and as high as their sums take half of the registers,
# but no higher than wide: p is padded to whole tiles by their width.
_TILE = 2 * WIDTH // 8
_HIGH = min(_TILE, COUNT // 4)
_SUMS = 2 * _HIGH


def gram(X: Array) -> Array:
    """Return XᵀX, shape (p, p), float64.

    Rows are packed 64 at a time, converted and aligned, so that X is read once in either order and
    never copied as a whole. Tiles of the upper triangle, of 8 x 16 entries with AVX-512, are summed
    in registers: for each row 8 entries against 2 vectors, 16 multiply-adds for 10 loads. Threads
    take equal parts of the rows, which are added up in order: the same thread count gives the same
    bits.

    Cost: np² flops, a quarter more where p is small for the edges of tiles. BLAS (dsyrk) shares the
    triangle among threads, not the rows, and a share of it is small where p is: docs/kernel.md.
    """
    found: Array = _gram_by(has_threads())(X, thread_count())
    return found


@cache
def _gram_by(parallel: bool) -> Any:
    """Return the compiled sum, its parts at once or, where not ``parallel``, in turn."""

    @compiled(parallel=parallel, nogil=not parallel)
    def gram(X, parts):  # type: ignore[no-untyped-def]
        n, p = X.shape
        width = (p + _TILE - 1) // _TILE * _TILE
        sums = np.zeros((parts, width * width))
        height = (n // parts // _ROWS + 1) * _ROWS
        for part in prange(parts):
            block = aligned(_ROWS * width, sums)
            end = min(n, (part + 1) * height)
            for low in range(part * height, end, _ROWS):
                _add_block(X, low, min(end, low + _ROWS), block, width, sums[part])
        total = np.empty((p, p))
        for i in range(p):
            for j in range(i, p):
                s = 0.0
                for part in range(parts):
                    s += sums[part, i * width + j]
                total[i, j] = total[j, i] = s
        return total

    return gram


@compiled
def _add_block(X: Array, low: int, high: int, block: Array, width: int, sums: Array) -> None:
    """Add the upper triangle of a block's Gram matrix, tile by tile."""
    for i in range(high - low):
        for j in range(X.shape[1]):
            block[i * width + j] = X[low + i, j]
    for i in range(0, X.shape[1], _HIGH):
        for j in range(i // _TILE * _TILE, width, _TILE):
            tile = zeros(block, _SUMS)
            for row in range(0, (high - low) * width, width):
                tile = add_outer(block, row + i, row + j, tile)
            accumulate_rows(sums, i * width + j, width, tile)

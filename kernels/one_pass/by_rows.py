"""C order: the gradient row by row, in vectors. As `plain.rows`, several rows at a time.

Each of these reads a block of rows, forms its residual, and folds the block into the gradient while
it is in registers or in L1. Which is for which X: `choice`.
"""

from typing import Any

from numba.extending import overload

from kernels.one_pass import plain
from kernels.one_pass.buffers import aligned
from kernels.one_pass.compile import compiled
from kernels.one_pass.target import LINE, WIDTH
from kernels.one_pass.vectors import (
    add_products,
    add_squares,
    broadcast,
    broadcast_tile,
    combine,
    load,
    prefetch,
    row_sums,
    store,
    subtract,
    tile_sums,
    total,
    zeros,
)
from kernels.problem import Array

# Asked for twice: a request that finds the queue to memory full is dropped.
_FAR, _NEAR = 16384, 8192  # bytes ahead: 460 and 230 ns at 36 GB/s, memory answers in about 110


def tiles(p: int) -> Any:
    """Return the pass for C order and p a power of two: a vector holds several whole rows.

    p vectors hold ``lanes`` rows, whose sums are the lanes of one vector. They are read in the
    order in which they lie, which the hardware foresees by itself.
    """

    @compiled
    def tiled(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        x = X.reshape(-1)
        lanes = WIDTH // x.itemsize
        tile = aligned(lanes, w)
        for lane in range(lanes):
            tile[lane] = w[lane % p]
        none, w_vector = zeros(x, p), load(tile, 0)
        g_vector, squares = none[0], none[0]
        r, previous, blocks = none, low * p, (high - low) // lanes
        for block in range(blocks):
            at = (low + lanes * block) * p
            sums = tile_sums(add_products(x, at, lanes, w_vector, none))
            residual = subtract(sums, y, low + lanes * block)
            g_vector = combine(x, previous, lanes, r, g_vector)
            squares = add_squares(residual, squares)
            r, previous = broadcast_tile(residual, p), at
        if blocks:
            store(tile, 0, combine(x, previous, lanes, r, g_vector))
            for lane in range(lanes):
                g[lane % p] += tile[lane]
        return total(squares) + plain.rows(X, y, w, g, low + lanes * blocks, high)

    return tiled


def rows_in_turn(count: int) -> Any:
    """Return the pass for C order that reads ``count`` rows and then folds them.

    For ``count`` vectors of X these are 2 ``count`` loads of it, one of w, one of g, and a store:
    the more rows, the fewer loads, as long as their sums have registers.
    """

    @compiled
    def rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        n, p = X.shape
        x = X.reshape(-1)
        lanes = WIDTH // x.itemsize
        squares = row_sums(zeros(x, count))[0]
        blocks = _whole_blocks(n, p, w.size, low, high, count)
        for block in range(blocks):
            row = low + count * block
            at = row * p
            products = zeros(x, count)
            for j in range(0, w.size, lanes):
                products = add_products(x, at + j, p, load(w, j), products)
            residual = subtract(row_sums(products), y, row)
            squares = add_squares(residual, squares)
            r = broadcast(residual, x)
            for j in range(0, w.size, lanes):
                store(g, j, combine(x, at + j, p, r, load(g, j)))
        return total(squares) + plain.rows(X, y, w, g, low + count * blocks, high)

    return rows


def rows_overlapped(count: int, is_streamed: bool) -> Any:
    """Return the pass for C order that reads ``count`` rows while those before them are folded.

    So one block waits for L2 or for memory while the other is read from L1. The rows after them are
    asked for meanwhile if they come from memory.
    """
    lines = count * WIDTH // LINE * is_streamed

    @compiled
    def rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        n, p = X.shape
        x = X.reshape(-1)
        lanes = WIDTH // x.itemsize
        r, previous = zeros(x, count), low * p
        squares = row_sums(r)[0]
        blocks = _whole_blocks(n, p, w.size, low, high, count)
        for block in range(blocks):
            at = (low + count * block) * p
            products = zeros(x, count)
            for j in range(0, w.size, lanes):
                ask_ahead(x, at + count * (p + j), lines)
                store(g, j, combine(x, previous + j, p, r, load(g, j)))
                products = add_products(x, at + j, p, load(w, j), products)
            residual = subtract(row_sums(products), y, low + count * block)
            squares = add_squares(residual, squares)
            r, previous = broadcast(residual, x), at
        if blocks:
            for j in range(0, w.size, lanes):
                store(g, j, combine(x, previous + j, p, r, load(g, j)))
        return total(squares) + plain.rows(X, y, w, g, low + count * blocks, high)

    return rows


def ask_ahead(x: Any, at: int, lines: int) -> None:
    """Ask memory for cache lines of x that lie ahead of x[at]; for compiled code only."""
    raise NotImplementedError


@overload(ask_ahead, prefer_literal=True, inline="always")  # type: ignore[untyped-decorator]
def _ask_ahead_by_size(x: Any, at: Any, lines: Any) -> Any:
    def ask(x: Any, at: Any, lines: Any) -> Any:
        prefetch(x, at + _FAR // x.itemsize, lines)
        prefetch(x, at + _NEAR // x.itemsize, lines)

    return ask


@compiled
def _whole_blocks(n: int, p: int, padded: int, low: int, high: int, count: int) -> int:
    """The blocks of ``count`` rows from low to high whose vectors end within X."""
    reaching_past = (padded - 1) // p
    return max(0, min(high, n - reaching_past) - low) // count

"""C order: the gradient row by row, in vectors. As `plain.rows`, several rows at a time.

Each of these reads a block of rows, forms its residual, and folds the block into the gradient while
it is in registers or in L1. Which is for which X: `choice`; w and g lie as in `buffers`.
"""

from typing import Any

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
    fitting,
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

# Bytes ahead at which memory is asked, in each stretch where rows lie apart. Else for all rows as
# one stream, and twice, as a request that finds the queue full is dropped: 460 and 230 ns at 36
# GB/s, memory answers in about 110.
AHEAD, _FAR, _NEAR = 1024, 16384, 8192
LONG = 4 * LINE  # bytes of a row, of which one line more is little


def tiles(p: int) -> Any:
    """Return the pass for C order and p a power of two: a vector holds several whole rows.

    p vectors hold ``lanes`` rows, whose sums are the lanes of one vector. They are read in the
    order in which they lie, which the hardware foresees by itself.
    """

    @compiled
    def tiled(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        x = X.reshape(-1)
        lanes = fitting(x, WIDTH)
        tile = aligned(lanes, w)
        for lane in range(lanes):
            tile[lane] = w[lane % p]
        none, w_vector = zeros(x, p), load(tile, 0)
        g_vector, squares = none[0], none[0]
        r, previous, blocks = none, low * p, (high - low) // lanes
        for block in range(blocks):
            at = (low + lanes * block) * p
            sums = tile_sums(add_products(x, at, None, w_vector, none))
            residual = subtract(sums, y, low + lanes * block, 1)
            g_vector = combine(x, previous, None, r, g_vector)
            squares = add_squares(residual, squares)
            r, previous = broadcast_tile(residual, p), at
        if blocks:
            store(tile, 0, combine(x, previous, None, r, g_vector))
            for lane in range(lanes):
                g[lane % p] += tile[lane]
        return total(squares) + plain.rows(X, y, w, g, low + lanes * blocks, high)

    return tiled


def rows_in_turn(count: int, is_apart: bool) -> Any:
    """Return the pass for C order that reads ``count`` rows and then folds them.

    For ``count`` vectors of X these are 2 ``count`` loads of it, one of w, one of g, and a store:
    the more rows, the fewer loads, as long as their sums have registers. Neighbouring rows are one
    stream that comes in pieces, which the hardware must foresee anew with each block. Rows that lie
    apart, the k-th in the k-th of ``count`` equal stretches, are ``count`` streams that go on.
    """

    @compiled
    def rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        x, p = X.reshape(-1), X.shape[1]
        lanes = fitting(x, WIDTH)
        squares = row_sums(zeros(x, count))[0]
        blocks, begin = _blocks(X, w.size, low, high, count, is_apart)
        step, apart = (1, blocks) if is_apart else (count, 1)
        stride = apart * p
        for block in range(blocks):
            row = low + step * block
            before = _before(x, begin, row * p)
            at = row * p - before
            products = zeros(x, count)
            for j in range(0, p + before, lanes):
                products = add_products(x, at + j, stride, load(w, j - before), products)
            residual = subtract(row_sums(products), y, row, apart)
            squares = add_squares(residual, squares)
            r = broadcast(residual, x)
            for j in range(0, p + before, lanes):
                store(g, j - before, combine(x, at + j, stride, r, load(g, j - before)))
        return total(squares) + plain.rows(X, y, w, g, low + count * blocks, high)

    return rows


def rows_overlapped(count: int, is_apart: bool, is_streamed: bool) -> Any:
    """Return the pass for C order that reads ``count`` rows while those before them are folded.

    So one block waits for L2 or for memory while the other is read from L1. What comes after it is
    asked for meanwhile if it comes from memory.
    """
    lines = count * WIDTH // LINE

    @compiled
    def rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        x, p = X.reshape(-1), X.shape[1]
        lanes = fitting(x, WIDTH)
        r, previous, skipped = zeros(x, count), low * p, 0
        squares = row_sums(r)[0]
        blocks, begin = _blocks(X, w.size, low, high, count, is_apart)
        step, apart = (1, blocks) if is_apart else (count, 1)
        stride = apart * p
        for block in range(blocks):
            row = low + step * block
            before = _before(x, begin, row * p)
            at = row * p - before
            products = zeros(x, count)
            for j in range(0, p + max(before, skipped), lanes):
                if is_streamed and not is_apart:
                    prefetch(x, at + count * (p + j) + fitting(x, _FAR), lines)
                    prefetch(x, at + count * (p + j) + fitting(x, _NEAR), lines)
                if is_streamed and is_apart and j % fitting(x, LINE) == 0:
                    for k in range(count):
                        prefetch(x, at + k * stride + j + fitting(x, AHEAD), 1)
                store(g, j - skipped, combine(x, previous + j, stride, r, load(g, j - skipped)))
                products = add_products(x, at + j, stride, load(w, j - before), products)
            residual = subtract(row_sums(products), y, row, apart)
            squares = add_squares(residual, squares)
            r, previous, skipped = broadcast(residual, x), at, before
        if blocks:
            for j in range(0, p + skipped, lanes):
                store(g, j - skipped, combine(x, previous + j, stride, r, load(g, j - skipped)))
        return total(squares) + plain.rows(X, y, w, g, low + count * blocks, high)

    return rows


@compiled
def _blocks(X: Array, padded: int, low: int, high: int, count: int, is_apart: bool) -> Any:
    """The blocks whose vectors end within X; the numbers before X in its line, or -1: `_before`."""
    n, p = X.shape
    line = fitting(X, LINE)
    alike = 1  # rows of this distance begin alike in their lines
    while alike * p % line:
        alike *= 2
    blocks = (min(high, n - 1) - low) // count // alike * alike
    if is_apart and p * X.itemsize >= LONG and blocks >= 8 * alike:
        return blocks, X.ctypes.data // X.itemsize % line
    reaching_past = (padded - 1) // p
    return max(0, min(high, n - reaching_past) - low) // count, -1


@compiled
def _before(x: Array, begin: int, at: int) -> int:
    """How many numbers there are in the line of x[at] before it, if rows are to begin with one.

    A vector of a whole line is then one load and not two. What it reads before the row counts for
    nothing: w and g have margins. The sums have the same bits wherever X begins, as each lane adds
    up the columns of one remainder, and the lanes are added up in halves.
    """
    return (begin + at) % fitting(x, LINE) if begin >= 0 and at > 0 else 0

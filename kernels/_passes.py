"""One pass over X: the compiled kernels of the numba way, by order and by shape.

A pass over rows lo to hi adds Xᵀ(Xw - y) to g and returns |Xw - y|², both over these rows. Each
row is read once: a block's residual is formed, and while the next block streams in, the block,
still in cache, is folded into g. Both happen in one loop, so that memory never waits for
arithmetic; each block asks for the cache lines of a later one, in the order in which they lie.

Per entry of X: 4 flops, 8 bytes read once in float64, and two loads, the second from L1. Share
of the read limit at p = 4, 30, 300, 1000, as recorded for commit 8696e885 on two cores of an AMD
EPYC (Zen 5, L1 48 KiB, L2 1 MiB; `asv show 8696e885 --details -b roofline`):

    X of      order  one thread             two threads            what limits
    160 MiB   C      0.76 0.89 0.90 0.66    0.77 0.92 0.94 0.87    memory; at 1000 L1
    8 MiB     C      0.53 0.78 0.56 0.49    0.52 0.77 0.59 0.47    loads, L1
    256 KiB   C      0.22 0.36 0.28 0.27    0.27 0.36 0.29 0.24    loads, arithmetic
    160 MiB   F      0.65 0.67 0.61 0.43    0.70 0.79 0.84 0.68    streams of memory
    8 MiB     F      0.44 0.53 0.50 0.45    0.54 0.64 0.51 0.43    loads, L1
    256 KiB   F      0.26 0.24 0.19 0.21    0.27 0.29 0.22 0.19    loads, stores

- Memory. One core reads 40 GB/s, 1.6 ns a cache line, in which the two loads and two fused
  multiply-adds of a vector fit several times over. What is lost is overlap: in trials the
  same blocks without the prefetch, reading and folding in turn, reached 0.55 to 0.70 of the
  limit, with a prefetch that follows the rows of the block 0.62 to 0.89, in address order what
  the table says and a little more.
- L1. The block that is read, the one that is folded and w, g should stay in 48 KiB: hence fewer
  rows to a block as rows grow. At p = 1000 two rows and w, g alone take 32 KiB.
- Loads. A row starts anywhere, so most 64-byte loads cross two cache lines and count twice. A
  sum loads each line once; from L2 it runs at 210 GB/s, which two crossing loads cannot.
- Fortran order. p streams at once, of one cache line group each; numpy's two passes along whole
  columns read at the full speed of memory each (0.50 to 0.57 of the limit together, measured on
  one thread), so twice numpy would be more than the limit. Tried and slower: panels in L2, with
  and without prefetch of the next, fused or not (0.28 to 0.63).
- Small X: a call costs 1.1 to 1.7 µs more than an empty compiled call with the same arrays: three
  method calls, the check of w, and the allocation of the gradient and of the padded w and g.

Arrays w and g are padded to whole vectors and aligned; what a vector reads past the end of a
row is multiplied by the padding's zeros, or lands in the padding of g, and X is finite.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import njit, prange
from numba.extending import overload

from kernels._problem import Array
from kernels._simd import (
    FAST,
    LINE,
    add_products,
    add_squares,
    combine,
    load,
    minus,
    prefetch,
    row_sums,
    splat,
    splats,
    spread,
    spread_tile,
    store,
    tile_sums,
    total,
    zeros,
)

compiled = njit(cache=True, error_model="numpy", fastmath=set(FAST))
_threaded = njit(cache=True, error_model="numpy", fastmath=set(FAST), parallel=True)

_AHEAD = 8192  # bytes prefetched ahead: 200 ns at 40 GB/s, longer than memory takes to answer
NARROW, ROWS_8, ROWS_4, ROWS_2, WIDE, STRIPS, PANELS, ROW_VALUES, STRIP_VALUES = range(9)
TILED = {1: 9, 2: 10, 4: 11, 8: 12}  # by p
_PANEL = 1 << 19  # bytes: half of L2
_STREAMED = 16 << 20  # bytes of X: larger ones are taken to come from memory, not from L3


def kernel_for(X: Array) -> int:
    """Return the kernel of the gradient for X, by its order, its rows and where it comes from.

    Blocks of eight rows use the registers best. From memory, smaller ones keep two blocks and
    what is prefetched within L1. In cache, where two blocks of eight outgrow L1, one does.
    """
    row = X.shape[1] * X.itemsize
    streamed = X.nbytes > _STREAMED
    if not X.flags.c_contiguous:
        return STRIPS if streamed or row <= 512 else PANELS
    if row <= LINE:
        return TILED.get(X.shape[1], NARROW)
    if not streamed:
        return ROWS_8 if row <= 1600 else WIDE
    if row < 128:
        return ROWS_8
    return ROWS_2 if 600 <= row <= 4800 else ROWS_4


def value_kernel_for(X: Array) -> int:
    """Return the kernel that sums |Xw - y|²; for short rows it gives the gradient for nothing."""
    if not X.flags.c_contiguous:
        return STRIP_VALUES
    return kernel_for(X) if X.shape[1] * X.itemsize <= LINE else ROW_VALUES


@cache
def gradient_by(kernel: int) -> Any:
    """Return the compiled gradient by one kernel, on the calling thread.

    gradient(X, y, w, g, alpha, scale, 1) sets g to scale (Xᵀ(Xw - y) + alpha w) and returns
    |Xw - y|² + alpha |w|²; or -1, with g as it was, if an entry of w is not finite. Only the
    kernel asked for is compiled. The last argument is there to be called like
    `threaded_gradient_by`.
    """

    @compiled
    def gradient(X, y, w, g, alpha, scale, parts):
        if not _all_finite(w):
            return w.dtype.type(-1)
        width = _padded(w.size, w)
        room = _aligned(2 * width, w)
        padded, sums = room[:width], room[width:]
        padded[: w.size] = w
        squares = _one_pass(kernel, X, y, padded, sums, 0, X.shape[0])
        for j in range(w.size):
            squares += alpha * w[j] * w[j]
            g[j] = scale * (sums[j] + alpha * w[j])
        return squares

    return gradient


@cache
def threaded_gradient_by(kernel: int) -> Any:
    """As `gradient_by`, in ``parts`` of the rows at once, added up in their order.

    The parts, and so the bits, depend on nothing but n and the number of parts.
    """

    @_threaded
    def gradient(X, y, w, g, alpha, scale, parts):
        if not _all_finite(w):
            return w.dtype.type(-1)
        n, width = X.shape[0], _padded(w.size, w)
        padded, sums = _aligned(width, w), _aligned(parts * width, w)
        padded[: w.size] = w
        square_sums = np.zeros(parts, w.dtype)
        height = (n // parts // 64 + 1) * 64
        for part in prange(parts):
            low, high = min(n, part * height), min(n, (part + 1) * height)
            own = sums[part * width : (part + 1) * width]
            square_sums[part] = _one_pass(kernel, X, y, padded, own, low, high)
        squares = square_sums.sum()
        for j in range(w.size):
            s = sums[j]
            for part in range(1, parts):
                s += sums[part * width + j]
            squares += alpha * w[j] * w[j]
            g[j] = scale * (s + alpha * w[j])
        return squares

    return gradient


def _one_pass(kernel, X, y, w, g, lo, hi):
    """One pass over rows lo to hi by the kernel named; for compiled code only."""
    raise NotImplementedError


@overload(_one_pass, prefer_literal=True)
def _one_pass_by_name(kernel, X, y, w, g, lo, hi):
    chosen = _KERNELS[kernel.literal_value]

    def one_pass(kernel, X, y, w, g, lo, hi):
        return chosen(X, y, w, g, lo, hi)

    return one_pass


@compiled
def _narrow_rows(X, y, w, g, lo, hi):
    """C order, a row within one vector: w and g stay in registers."""
    n, p = X.shape
    x = X.reshape(-1)
    ahead = 8 * p + _AHEAD // x.itemsize
    none = zeros(x, 8)
    w_vector, g_vector, squares = load(w, 0), load(g, 0), row_sums(none)[0]
    r, previous = none, lo * p
    blocks = _whole_blocks(n, p, w.size, lo, hi, 8)
    for block in range(blocks):
        at = (lo + 8 * block) * p
        prefetch(x, at + ahead, none)
        residual = minus(row_sums(add_products(x, at, p, w_vector, none)), y, lo + 8 * block)
        g_vector = combine(x, previous, p, r, g_vector)
        squares = add_squares(residual, squares)
        r, previous = spread(residual, x), at
    if blocks:
        store(g, 0, combine(x, previous, p, r, g_vector))
    return total(squares) + _row_by_row(x, y, w, g, lo + 8 * blocks, hi, p, 1)


def _tiled(p):
    """Return the pass for C order and p a power of two: a vector holds several whole rows.

    p vectors hold ``lanes`` rows, whose sums are the lanes of one vector.
    """

    @compiled
    def tiled(X, y, w, g, lo, hi):
        x = X.reshape(-1)
        lanes = LINE // x.itemsize
        tile = _aligned(lanes, w)
        for lane in range(lanes):
            tile[lane] = w[lane % p]
        none, w_vector = zeros(x, p), load(tile, 0)
        g_vector, squares = none[0], none[0]
        r, previous, blocks = none, lo * p, (hi - lo) // lanes
        for block in range(blocks):
            at = (lo + lanes * block) * p
            prefetch(x, at + _AHEAD // x.itemsize, none)
            sums = tile_sums(add_products(x, at, lanes, w_vector, none))
            residual = minus(sums, y, lo + lanes * block)
            g_vector = combine(x, previous, lanes, r, g_vector)
            squares = add_squares(residual, squares)
            r, previous = spread_tile(residual, p), at
        if blocks:
            store(tile, 0, combine(x, previous, lanes, r, g_vector))
            for lane in range(lanes):
                g[lane % p] += tile[lane]
        return total(squares) + _row_by_row(x, y, w, g, lo + lanes * blocks, hi, p, 1)

    return tiled


_tiled_1, _tiled_2, _tiled_4, _tiled_8 = _tiled(1), _tiled(2), _tiled(4), _tiled(8)


@compiled
def _wide_rows(X, y, w, g, lo, hi):
    """C order, rows too long for two blocks of them to stay in L1: one block at a time."""
    n, p = X.shape
    x = X.reshape(-1)
    lanes = LINE // x.itemsize
    squares = row_sums(zeros(x, 8))[0]
    blocks = _whole_blocks(n, p, w.size, lo, hi, 8)
    for block in range(blocks):
        at = (lo + 8 * block) * p
        products = zeros(x, 8)
        for j in range(0, w.size, lanes):
            products = add_products(x, at + j, p, load(w, j), products)
        residual = minus(row_sums(products), y, lo + 8 * block)
        squares = add_squares(residual, squares)
        r = spread(residual, x)
        for j in range(0, w.size, lanes):
            store(g, j, combine(x, at + j, p, r, load(g, j)))
    return total(squares) + _row_by_row(x, y, w, g, lo + 8 * blocks, hi, p, 1)


def _rows(count):
    """Return the pass for C order in blocks of ``count`` rows."""

    @compiled
    def rows(X, y, w, g, lo, hi):
        n, p = X.shape
        x = X.reshape(-1)
        lanes = LINE // x.itemsize
        ahead = count * p + _AHEAD // x.itemsize
        r, previous = zeros(x, count), lo * p
        squares = row_sums(r)[0]
        blocks = _whole_blocks(n, p, w.size, lo, hi, count)
        for block in range(blocks):
            at = (lo + count * block) * p
            products = zeros(x, count)
            for j in range(0, w.size, lanes):
                prefetch(x, at + ahead + count * j, products)
                store(g, j, combine(x, previous + j, p, r, load(g, j)))
                products = add_products(x, at + j, p, load(w, j), products)
            residual = minus(row_sums(products), y, lo + count * block)
            squares = add_squares(residual, squares)
            r, previous = spread(residual, x), at
        if blocks:
            for j in range(0, w.size, lanes):
                store(g, j, combine(x, previous + j, p, r, load(g, j)))
        return total(squares) + _row_by_row(x, y, w, g, lo + count * blocks, hi, p, 1)

    return rows


_rows_8, _rows_4, _rows_2 = _rows(8), _rows(4), _rows(2)


@compiled
def _strips(X, y, w, g, lo, hi):
    """Fortran order, in strips of eight vectors of rows: their residuals stay in registers.

    A column's part of the gradient is kept as a vector of partial sums until the end.
    """
    n, p = X.shape
    x = X.T.reshape(-1)
    lanes = LINE // x.itemsize
    height = 8 * lanes
    sums = _aligned(p * lanes, w)
    r, previous = zeros(x, 8), lo
    squares = r[0]
    blocks = (hi - lo) // height
    for block in range(blocks):
        at = lo + height * block
        products = zeros(x, 8)
        for j in range(p):
            prefetch(x, at + height + j * n, products)
            products = add_products(x, at + j * n, lanes, splat(w, j), products)
            partial = load(sums, j * lanes)
            store(sums, j * lanes, combine(x, previous + j * n, lanes, r, partial))
        r, previous = minus(products, y, at), at
        squares = add_squares(r, squares)
    if blocks:
        for j in range(p):
            g[j] += total(combine(x, previous + j * n, lanes, r, load(sums, j * lanes)))
    return total(squares) + _panels(X, y, w, g, lo + height * blocks, hi)


@compiled
def _panels(X, y, w, g, lo, hi):
    """Fortran order, in panels of 512 KiB, eight columns at a time: first Xw, then Xᵀr.

    The second half finds the panel in L2.
    """
    n, p = X.shape
    x = X.T.reshape(-1)
    lanes = LINE // x.itemsize
    whole = lo + (hi - lo) // lanes * lanes
    height = max(8 * lanes, min(16384, _PANEL // p) // x.itemsize // lanes * lanes)
    r = _aligned(min(height, whole - lo), w)
    squares = w.dtype.type(0)
    for start in range(lo, whole, height):
        size = min(height, whole - start)
        for i in range(size):
            r[i] = -y[start + i]
        for j in range(0, p - 7, 8):
            factors = splats(w, j, 8)
            for i in range(0, size, lanes):
                store(r, i, combine(x, start + i + j * n, n, factors, load(r, i)))
        for j in range(p - p % 8, p):
            factor = splats(w, j, 1)
            for i in range(0, size, lanes):
                store(r, i, combine(x, start + i + j * n, n, factor, load(r, i)))
        for i in range(size):
            squares += r[i] * r[i]
        for j in range(0, p - 7, 8):
            products = zeros(x, 8)
            for i in range(0, size, lanes):
                products = add_products(x, start + i + j * n, n, load(r, i), products)
            for k in range(8):
                g[j + k] += total(products[k])
        for j in range(p - p % 8, p):
            product = zeros(x, 1)
            for i in range(0, size, lanes):
                product = add_products(x, start + i + j * n, n, load(r, i), product)
            g[j] += total(product[0])
    return squares + _row_by_row(x, y, w, g, whole, hi, 1, n)


@compiled
def _row_values(X, y, w, g, lo, hi):
    """C order, |Xw - y|² alone; g is left as it is."""
    n, p = X.shape
    x = X.reshape(-1)
    lanes = LINE // x.itemsize
    squares = row_sums(zeros(x, 8))[0]
    blocks = _whole_blocks(n, p, w.size, lo, hi, 8)
    for block in range(blocks):
        at = (lo + 8 * block) * p
        products = zeros(x, 8)
        for j in range(0, w.size, lanes):
            prefetch(x, at + 8 * (p + j) + _AHEAD // x.itemsize, products)
            products = add_products(x, at + j, p, load(w, j), products)
        squares = add_squares(minus(row_sums(products), y, lo + 8 * block), squares)
    return total(squares) + _squares_row_by_row(x, y, w, lo + 8 * blocks, hi, p, 1)


@compiled
def _strip_values(X, y, w, g, lo, hi):
    """Fortran order, |Xw - y|² alone; g is left as it is."""
    n, p = X.shape
    x = X.T.reshape(-1)
    lanes = LINE // x.itemsize
    height = 8 * lanes
    squares = zeros(x, 1)[0]
    blocks = (hi - lo) // height
    for block in range(blocks):
        at = lo + height * block
        products = zeros(x, 8)
        for j in range(p):
            prefetch(x, at + height + j * n, products)
            products = add_products(x, at + j * n, lanes, splat(w, j), products)
        squares = add_squares(minus(products, y, at), squares)
    return total(squares) + _squares_row_by_row(x, y, w, lo + height * blocks, hi, 1, n)


@compiled
def _squares_row_by_row(x, y, w, lo, hi, row, column):
    """As `_row_by_row`, the squares alone."""
    p = len(x) // len(y)
    squares = w.dtype.type(0)
    for i in range(lo, hi):
        s = -y[i]
        for j in range(p):
            s += x[i * row + j * column] * w[j]
        squares += s * s
    return squares


@compiled
def _row_by_row(x, y, w, g, lo, hi, row, column):
    """The few rows left over; entry (i, j) of X is x[i row + j column]."""
    p = len(x) // len(y)
    squares = w.dtype.type(0)
    for i in range(lo, hi):
        s = -y[i]
        for j in range(p):
            s += x[i * row + j * column] * w[j]
        squares += s * s
        for j in range(p):
            g[j] += x[i * row + j * column] * s
    return squares


@compiled
def _whole_blocks(n, p, padded, lo, hi, count):
    """The blocks of ``count`` rows from lo to hi of which no vector reaches past the end of X."""
    reaching_past = (padded - 1) // p
    return max(0, min(hi, n - reaching_past) - lo) // count


@compiled
def _padded(size, like):
    """The size rounded up to whole vectors."""
    lanes = LINE // like.itemsize
    return (size + lanes - 1) // lanes * lanes


@compiled
def _all_finite(w):
    finite = True
    for j in range(w.size):
        finite &= np.isfinite(w[j])
    return finite


@compiled
def _aligned(size, like):
    """Zeros of the dtype of ``like`` that start at a cache line."""
    room = np.zeros(size + LINE // like.itemsize, like.dtype)
    skip = -room.ctypes.data % LINE // like.itemsize
    return room[skip : skip + size]


_KERNELS = {
    NARROW: _narrow_rows,
    ROWS_8: _rows_8,
    ROWS_4: _rows_4,
    ROWS_2: _rows_2,
    WIDE: _wide_rows,
    TILED[1]: _tiled_1,
    TILED[2]: _tiled_2,
    TILED[4]: _tiled_4,
    TILED[8]: _tiled_8,
    STRIPS: _strips,
    PANELS: _panels,
    ROW_VALUES: _row_values,
    STRIP_VALUES: _strip_values,
}

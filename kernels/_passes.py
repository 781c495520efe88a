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
from numba import carray, njit, prange
from numba.extending import overload

from kernels._problem import Array
from kernels._simd import (
    FAST,
    LINE,
    SCRATCH,
    accumulate,
    add_products,
    add_squares,
    combine,
    load,
    loads,
    minus,
    prefetch,
    row_sums,
    scratch,
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

# Asked for twice: a request that finds the queue to memory full is dropped.
_FAR, _NEAR = 16384, 8192  # bytes ahead: 460 and 230 ns at 36 GB/s, memory answers in about 110
_STRIPS_AHEAD = 1 << 16  # bytes: as near, in whole strips, of which columns make a few
_STREAMED = 16 << 20  # bytes of X: larger ones are taken to come from memory, not from L3
NARROW, ROWS, LONG_ROWS, CACHED_ROWS, STRIPS, CACHED_STRIPS, PANELS = range(7)
ROW_VALUES, STRIP_VALUES = 7, 8
TILED = {1: 9, 2: 10, 4: 11, 8: 12}  # by p


def kernel_for(X: Array) -> int:
    """Return the kernel of the gradient for X, by its order, its rows and where it comes from."""
    p = X.shape[1]
    row = p * X.itemsize
    streamed = X.nbytes > _STREAMED
    if not X.flags.c_contiguous:
        if streamed and p > 8:
            return STRIPS
        return CACHED_STRIPS if p < 100 else PANELS
    if row <= LINE:
        return TILED.get(p, NARROW)
    if not streamed:
        return CACHED_ROWS
    return ROWS if 128 <= row <= 4800 else LONG_ROWS


def value_kernel_for(X: Array) -> int:
    """Return the kernel that sums |Xw - y|²; for short rows it gives the gradient for nothing."""
    if not X.flags.c_contiguous:
        return STRIP_VALUES
    return kernel_for(X) if X.shape[1] * X.itemsize <= LINE else ROW_VALUES


@cache
def gradient_by(kernel: int) -> Any:
    """Return the compiled gradient by one kernel, on the calling thread.

    gradient(X, y, alpha, scale, 1, w, g) sets g to scale (Xᵀ(Xw - y) + alpha w) and returns
    |Xw - y|² + alpha |w|²; or -1, with g as it was, if an entry of w is not finite. Only the
    kernel asked for is compiled. The 1 is there to be called like `threaded_gradient_by`.
    """

    @compiled
    def gradient(X, y, alpha, scale, parts, w, g):
        if not _all_finite(w):
            return w.dtype.type(-1)
        width = _padded(w.size, w)
        if 2 * width <= SCRATCH:  # 0.1 µs less than memory from the heap
            room = carray(scratch(w), 2 * width)
            room[:] = 0
        else:
            room = aligned(2 * width, w)
        padded, sums = room[:width], room[width:]
        padded[: w.size] = w
        squares = _one_pass(kernel, X, y, padded, sums, 0, X.shape[0])
        return _finished(squares, sums, width, 1, w, g, alpha, scale)

    return gradient


@cache
def threaded_gradient_by(kernel: int) -> Any:
    """As `gradient_by`, in ``parts`` of the rows at once, added up in their order.

    The parts, and so the bits, depend on nothing but n and the number of parts.
    """

    @_threaded
    def gradient(X, y, alpha, scale, parts, w, g):
        if not _all_finite(w):
            return w.dtype.type(-1)
        n, width = X.shape[0], _padded(w.size, w)
        padded, sums = aligned(width, w), aligned(parts * width, w)
        padded[: w.size] = w
        square_sums = np.zeros(parts, w.dtype)
        height = (n // parts // 16 + 1) * 16
        for part in prange(parts):
            low, high = min(n, part * height), min(n, (part + 1) * height)
            own = sums[part * width : (part + 1) * width]
            square_sums[part] = _one_pass(kernel, X, y, padded, own, low, high)
        return _finished(square_sums.sum(), sums, width, parts, w, g, alpha, scale)

    return gradient


@compiled
def _finished(squares, sums, width, parts, w, g, alpha, scale):
    """Add up the parts in their order, and alpha; set g and return the squares."""
    penalty, factor = w.dtype.type(alpha), w.dtype.type(scale)
    for j in range(w.size):
        s = sums[j]
        for part in range(1, parts):
            s += sums[part * width + j]
        squares += penalty * w[j] * w[j]
        g[j] = factor * (s + penalty * w[j])
    return squares


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
    none = zeros(x, 8)
    w_vector, g_vector, squares = load(w, 0), load(g, 0), row_sums(none)[0]
    r, previous = none, lo * p
    blocks = _whole_blocks(n, p, w.size, lo, hi, 8)
    for block in range(blocks):
        at = (lo + 8 * block) * p
        _ask(x, at + 8 * p, 8)
        residual = minus(row_sums(add_products(x, at, p, w_vector, none)), y, lo + 8 * block)
        g_vector = combine(x, previous, p, r, g_vector)
        squares = add_squares(residual, squares)
        r, previous = spread(residual, x), at
    if blocks:
        store(g, 0, combine(x, previous, p, r, g_vector))
    return total(squares) + _row_by_row(X, y, w, g, lo + 8 * blocks, hi)


def _tiled(p):
    """Return the pass for C order and p a power of two: a vector holds several whole rows.

    p vectors hold ``lanes`` rows, whose sums are the lanes of one vector. They are read in the
    order in which they lie, which the hardware foresees by itself.
    """

    @compiled
    def tiled(X, y, w, g, lo, hi):
        x = X.reshape(-1)
        lanes = LINE // x.itemsize
        tile = aligned(lanes, w)
        for lane in range(lanes):
            tile[lane] = w[lane % p]
        none, w_vector = zeros(x, p), load(tile, 0)
        g_vector, squares = none[0], none[0]
        r, previous, blocks = none, lo * p, (hi - lo) // lanes
        for block in range(blocks):
            at = (lo + lanes * block) * p
            sums = tile_sums(add_products(x, at, lanes, w_vector, none))
            residual = minus(sums, y, lo + lanes * block)
            g_vector = combine(x, previous, lanes, r, g_vector)
            squares = add_squares(residual, squares)
            r, previous = spread_tile(residual, p), at
        if blocks:
            store(tile, 0, combine(x, previous, lanes, r, g_vector))
            for lane in range(lanes):
                g[lane % p] += tile[lane]
        return total(squares) + _row_by_row(X, y, w, g, lo + lanes * blocks, hi)

    return tiled


_tiled_1, _tiled_2, _tiled_4, _tiled_8 = _tiled(1), _tiled(2), _tiled(4), _tiled(8)


def _in_turn(lines):
    """Return the pass for C order that reads eight rows and then folds them.

    ``lines`` is 4 where the next rows are to be asked for meanwhile, half of them in each turn,
    or 0 in cache.
    """

    @compiled
    def rows(X, y, w, g, lo, hi):
        n, p = X.shape
        x = X.reshape(-1)
        lanes = LINE // x.itemsize
        squares = row_sums(zeros(x, 8))[0]
        blocks = _whole_blocks(n, p, w.size, lo, hi, 8)
        for block in range(blocks):
            at = (lo + 8 * block) * p
            products = zeros(x, 8)
            for j in range(0, w.size, lanes):
                _ask(x, at + 8 * p + 4 * j, lines)
                products = add_products(x, at + j, p, load(w, j), products)
            residual = minus(row_sums(products), y, lo + 8 * block)
            squares = add_squares(residual, squares)
            r = spread(residual, x)
            for j in range(0, w.size, lanes):
                _ask(x, at + 12 * p + 4 * j, lines)
                store(g, j, combine(x, at + j, p, r, load(g, j)))
        return total(squares) + _row_by_row(X, y, w, g, lo + 8 * blocks, hi)

    return rows


_long_rows, _cached_rows = _in_turn(4), _in_turn(0)


@compiled
def _rows(X, y, w, g, lo, hi):
    """C order: four rows are read while the four before them, still in L1, are folded."""
    n, p = X.shape
    x = X.reshape(-1)
    lanes = LINE // x.itemsize
    r, previous = zeros(x, 4), lo * p
    squares = row_sums(r)[0]
    blocks = _whole_blocks(n, p, w.size, lo, hi, 4)
    for block in range(blocks):
        at = (lo + 4 * block) * p
        products = zeros(x, 4)
        for j in range(0, w.size, lanes):
            _ask(x, at + 4 * p + 4 * j, 4)
            store(g, j, combine(x, previous + j, p, r, load(g, j)))
            products = add_products(x, at + j, p, load(w, j), products)
        residual = minus(row_sums(products), y, lo + 4 * block)
        squares = add_squares(residual, squares)
        r, previous = spread(residual, x), at
    if blocks:
        for j in range(0, w.size, lanes):
            store(g, j, combine(x, previous + j, p, r, load(g, j)))
    return total(squares) + _row_by_row(X, y, w, g, lo + 4 * blocks, hi)


def _strip_by_strip(count, lines):
    """Return the pass for Fortran order in strips of ``count`` vectors of rows.

    A strip's residuals stay in registers, and its columns are read once for them and once to be
    folded. A column's part of the gradient is kept as a vector of partial sums until the end.
    ``lines``, half of ``count``, are asked for in each of the two turns, or none in cache.
    """

    @compiled
    def strips(X, y, w, g, lo, hi):
        n, p = X.shape
        x = X.T.reshape(-1)
        lanes = LINE // x.itemsize
        height = count * lanes
        near = max(1, _STRIPS_AHEAD // (height * p * x.itemsize)) * height
        squares = zeros(x, 1)[0]
        blocks = (hi - lo) // height
        if blocks:
            sums = aligned(p * lanes, w)
            for block in range(blocks):
                at = lo + height * block
                products = zeros(x, count)
                for j in range(p):
                    prefetch(x, at + 2 * near + j * n, lines)
                    prefetch(x, at + near + j * n, lines)
                    products = add_products(x, at + j * n, lanes, splat(w, j), products)
                r = minus(products, y, at)
                squares = add_squares(r, squares)
                rest = at + lines * lanes
                for j in range(p):
                    prefetch(x, rest + 2 * near + j * n, lines)
                    prefetch(x, rest + near + j * n, lines)
                    partial = load(sums, j * lanes)
                    store(sums, j * lanes, combine(x, at + j * n, lanes, r, partial))
            whole = p // 8 * 8
            for j in range(0, whole, 8):
                accumulate(g, j, row_sums(loads(sums, j * lanes, lanes, 8)))
            for j in range(whole, p):
                g[j] += total(load(sums, j * lanes))
        return total(squares) + _last_rows(X, y, w, g, lo + height * blocks, hi)

    return strips


_strips, _cached_strips = _strip_by_strip(16, 8), _strip_by_strip(8, 0)


@compiled
def _last_rows(X, y, w, g, lo, hi):
    """Fortran order, all of a few rows, eight columns at a time: first Xw, then Xᵀr.

    Where they do not fill whole vectors, the last begins with rows that are counted already.
    """
    n, p = X.shape
    x = X.T.reshape(-1)
    lanes = LINE // x.itemsize
    size = (hi - lo + lanes - 1) // lanes * lanes
    last = hi - lanes
    if last < 0:
        return _row_by_row(X, y, w, g, lo, hi)
    r = aligned(size, w)
    for i in range(size):
        r[i] = -y[min(lo + i, last + i % lanes)]
    whole = p // 8 * 8
    for j in range(0, whole, 8):
        factors = splats(w, j, 8)
        for i in range(0, size, lanes):
            at = min(lo + i, last) + j * n
            store(r, i, combine(x, at, n, factors, load(r, i)))
    for j in range(whole, p):
        factor = splats(w, j, 1)
        for i in range(0, size, lanes):
            store(r, i, combine(x, min(lo + i, last) + j * n, n, factor, load(r, i)))
    for i in range(size - lanes, size - lanes + (lo + size - hi)):
        r[i] = 0
    squares = w.dtype.type(0)
    for i in range(size):
        squares += r[i] * r[i]
    for j in range(0, whole, 8):
        products = zeros(x, 8)
        for i in range(0, size, lanes):
            products = add_products(x, min(lo + i, last) + j * n, n, load(r, i), products)
        accumulate(g, j, row_sums(products))
    for j in range(whole, p):
        product = zeros(x, 1)
        for i in range(0, size, lanes):
            product = add_products(x, min(lo + i, last) + j * n, n, load(r, i), product)
        g[j] += total(product[0])
    return squares


@compiled
def _panels(X, y, w, g, lo, hi):
    """Fortran order in cache, many columns: along them in panels whose residuals stay in L1."""
    squares = w.dtype.type(0)
    for start in range(lo, hi, 2048):
        squares += _last_rows(X, y, w, g, start, min(hi, start + 2048))
    return squares


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
            _ask(x, at + 8 * (p + j), 8)
            products = add_products(x, at + j, p, load(w, j), products)
        squares = add_squares(minus(row_sums(products), y, lo + 8 * block), squares)
    return total(squares) + _squares_row_by_row(X, y, w, lo + 8 * blocks, hi)


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
            prefetch(x, at + 2 * height + j * n, 8)
            prefetch(x, at + height + j * n, 8)
            products = add_products(x, at + j * n, lanes, splat(w, j), products)
        squares = add_squares(minus(products, y, at), squares)
    return total(squares) + _squares_row_by_row(X, y, w, lo + height * blocks, hi)


@compiled
def _squares_row_by_row(X, y, w, lo, hi):
    """As `_row_by_row`, the squares alone."""
    squares = w.dtype.type(0)
    for i in range(lo, hi):
        s = -y[i]
        for j in range(X.shape[1]):
            s += X[i, j] * w[j]
        squares += s * s
    return squares


@compiled
def _row_by_row(X, y, w, g, lo, hi):
    """The few rows left over."""
    squares = w.dtype.type(0)
    for i in range(lo, hi):
        s = -y[i]
        for j in range(X.shape[1]):
            s += X[i, j] * w[j]
        squares += s * s
        for j in range(X.shape[1]):
            g[j] += X[i, j] * s
    return squares


def _ask(x, at, lines):
    """Ask memory for cache lines of x that lie ahead of x[at]; for compiled code only."""
    raise NotImplementedError


@overload(_ask, prefer_literal=True, inline="always")
def _ask_ahead(x, at, lines):
    def ask(x, at, lines):
        prefetch(x, at + _FAR // x.itemsize, lines)
        prefetch(x, at + _NEAR // x.itemsize, lines)

    return ask


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
def aligned(size, like):
    """Zeros of the dtype of ``like`` that start at a cache line."""
    room = np.zeros(size + LINE // like.itemsize, like.dtype)
    skip = -room.ctypes.data % LINE // like.itemsize
    return room[skip : skip + size]


_KERNELS = {
    NARROW: _narrow_rows,
    ROWS: _rows,
    LONG_ROWS: _long_rows,
    CACHED_ROWS: _cached_rows,
    STRIPS: _strips,
    CACHED_STRIPS: _cached_strips,
    PANELS: _panels,
    ROW_VALUES: _row_values,
    STRIP_VALUES: _strip_values,
    TILED[1]: _tiled_1,
    TILED[2]: _tiled_2,
    TILED[4]: _tiled_4,
    TILED[8]: _tiled_8,
}

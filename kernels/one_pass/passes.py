"""One pass over X: the compiled kernels of the numba way, by order and by shape.

A pass over rows lo to hi adds Xᵀ(Xw - y) to g and returns |Xw - y|², both over these rows. Each row
is read once from where it comes: a block's residual is formed, and the block, by then in cache, is
folded into g.

Per entry of X: 4 flops, 8 bytes read once in float64, and two loads, the second from L1 or L2. With
y's 8 bytes a row the floor is p/(p+1) of the read limit: 0.80 at p = 4, 0.97 at p = 30. Share of
the read limit (the fastest sum over X, 35 GB/s on one core) at p = 4, 30, 300, 1000, as recorded
for commit d77b3b23 on two cores of an AMD EPYC (Zen 4, L1 32 KiB, L2 1 MiB, L3 32 MiB; `asv show
d77b3b23 --details -b roofline`):

    X of      order  one thread             two threads            what limits
    160 MiB   C      0.77 0.94 1.02 0.84    0.79 1.00 1.06 0.93    memory; y at 4, L2 at 1000
    8 MiB     C      0.49 0.50 0.45 0.42    0.50 0.49 0.47 0.43    L3, then L1 or L2 again
    256 KiB   C      0.38 0.41 0.38 0.33    0.39 0.40 0.37 0.33    loads across cache lines
    160 MiB   F      0.81 0.74 0.69 0.48    0.77 0.98 0.95 0.76    memory, L2, address translation
    8 MiB     F      0.49 0.41 0.38 0.40    0.48 0.41 0.42 0.36    L3, twice from p = 100 on
    256 KiB   F      0.46 0.44 0.32 0.31    0.46 0.43 0.34 0.31    loads across cache lines

- Memory. L1 has some 24 buffers for lines on their way: 24 lines every 110 ns, the latency of
  memory, are 14 GB/s. Lines asked for in L2 have more room, but a request that finds the queue full
  is dropped. In trials at p = 30, 300, 1000 on one thread blocks of four rows reached 0.66, 0.38,
  0.48 without asking, 0.51, 0.43, 0.39 asking in L1, 0.90, 0.89, 0.69 asking in L2 once and 0.96,
  1.05, 0.83 twice, 8 and 16 KiB ahead; a third time added nothing. Shares above 1 are where this
  reads faster than a plain sum, which does not ask. Tiles, read in the order in which they lie, are
  left to the hardware, which foresees them.
- Long rows. From 5 KiB on two blocks of four rows outgrow L1, and the second load comes from L2,
  which then passes each line three times (in, read, read again) at the 100 GB/s of a sum from L2:
  33 GB/s, as fast as memory. Eight rows in turn, half of the next ones asked for in each turn,
  reached 0.88 at p = 1000 and 0.90 at 2000; one row at a time, all in L1, 0.63, and blocks of two,
  four and eight rows folded while the next are read 0.77, 0.86, 0.75.
- L3. A sum runs at 95 GB/s there, from L2 at 100. Reading a block from L3 and again from L2, with
  no overlap, is 0.49 of the limit; where the block stays in L1 it is 0.5 to 0.6. Asking ahead made
  it slower (0.38 to 0.49), as the requests take slots that loads need. Twice numpy, which reads X
  twice from L3 at 0.39 of the limit in all, would be 0.78: out of reach of two loads an entry.
- Loads. A core loads one aligned vector of 64 bytes a cycle and needs two cycles where it crosses a
  cache line, as rows do that start anywhere. Aligned, eight rows in turn run 1.2 times as fast at p
  = 32 and 304, and half-length vectors are no faster from p = 20 on.
- Fortran order. Reading alone, strip by strip and asked for twice, reaches 0.94 to 1.0 of the limit
  at p = 30 to 300. What is lost is the second load, from L2 once a strip of p columns leaves L1 (p
  = 30), and the translation of addresses: p columns lie in p pages, and X of 64 MiB, whose page
  tables stay in cache, is read 1.1 to 1.3 times as fast. Tried: strips of 4, 8 and 16 vectors,
  folded in turn or while the next is read, asked for by strips or by bytes ahead, once to four
  times (0.30 to 0.68 at p = 300; 0.32 to 0.54 at p = 1000), panels in L2 (0.30 to 0.56).
- Small X. 1.1 to 1.5 µs over an empty compiled call with X, y and w, of which 0.2 are the kernel,
  0.2 the check of w, 0.1 the allocation of g, 0.15 the four arguments more, and the rest three
  Python calls.

Arrays w and g are padded to whole vectors and aligned; what a vector reads past the end of a row is
multiplied by the padding's zeros, or lands in the padding of g, and X is finite.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import carray, prange
from numba.extending import overload

from kernels.one_pass.compile import compiled
from kernels.one_pass.vectors import (
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
from kernels.problem import Array

# Asked for twice: a request that finds the queue to memory full is dropped.
_FAR, _NEAR = 16384, 8192  # bytes ahead: 460 and 230 ns at 36 GB/s, memory answers in about 110
_STRIPS_AHEAD = 1 << 16  # bytes: as near, in whole strips, of which columns make a few
_STREAMED = 16 << 20  # bytes of X: larger ones are taken to come from memory, not from L3
# A pass in parallel starts and ends with the threads' agreement, some 5 µs on two cores.
THREADED = 1 << 19  # bytes of X
NARROW, ROWS, LONG_ROWS, CACHED_ROWS, STRIPS, CACHED_STRIPS, PANELS = range(7)
ROW_VALUES, STRIP_VALUES = 7, 8
TILED = {1: 9, 2: 10, 4: 11, 8: 12}  # by p


def kernel_for(X: Array) -> int:
    """Return the kernel of the gradient for X, by its order, its rows and where it comes from.

    From memory two blocks of four rows are best while they stay in L1; rows of less than two lines
    are too short for blocks of four. In cache, asking ahead costs more than it brings.
    """
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
def threaded_gradient_by(kernel: int, parallel: bool = True) -> Any:
    """As `gradient_by`, in ``parts`` of the rows at once, added up in their order.

    The parts, and so the bits, depend on nothing but n and the number of parts: neither on whether
    they are taken at once or, where not ``parallel``, one after the other.
    """

    @compiled(parallel=parallel)
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
        penalised = penalty * w[j]  # not |w|² first, which may leave the range
        squares += penalised * w[j]
        g[j] = factor * (s + penalised)
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

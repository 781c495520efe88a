"""Fortran order: the gradient column by column, in vectors of rows. As `plain.rows`, otherwise.

A strip or a panel of rows is read along the columns twice: once for its residuals, and once, from
cache by then, to be folded into the gradient. Which is for which X: `choice`.
"""

from typing import Any

from numba import carray

from kernels.one_pass import plain
from kernels.one_pass.buffers import aligned
from kernels.one_pass.compile import compiled
from kernels.one_pass.target import L2, LINE, WIDTH
from kernels.one_pass.vectors import (
    accumulate,
    add_products,
    add_squares,
    combine,
    fitting,
    load,
    prefetch,
    row_sums,
    scratch,
    splats,
    store,
    subtract,
    total,
    zeros,
)
from kernels.problem import Array

# Asked for twice: see `by_rows`.
_STRIPS_AHEAD = 1 << 16  # bytes: as near, in whole strips, of which columns make a few

_AT_ONCE = 8  # columns, which share the loads of the residual
_TALL = 2048  # rows of a panel at most: their residuals stay in L1
SHORT = 256  # rows: of shorter columns the hardware foresees little
OF_L2 = L2 // 2  # bytes of a panel
_ON_STACK = _TALL + LINE // 4  # numbers: the residuals of a panel, and a vector more


def strips(count: int, halves: int) -> Any:
    """Return the pass for Fortran order in strips of ``count`` vectors of rows.

    A strip's residuals stay in registers, and its columns are read once for them and once to be
    folded. A column's part of the gradient is kept as a vector of partial sums until the end.
    From memory strips are asked for, half of a column's lines in each of the two turns: the next
    one, and the one after it too, or what is half a strip ahead. ``halves`` is how many halves of
    strips ahead that reaches, 4, 2 or 1, and 0 where nothing is asked for. Columns seldom begin
    with a line: one that lies across two strips came with the first, and is not asked for again.
    """
    lines = count * WIDTH // LINE // 2

    @compiled
    def strip_by_strip(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        n, p = X.shape
        x = X.T.reshape(-1)
        lanes = fitting(x, WIDTH)
        height = count * lanes
        line = fitting(x, LINE)
        near = max(1, _STRIPS_AHEAD // (height * p * x.itemsize)) * height
        squares = zeros(x, 1)[0]
        blocks = (high - low) // height
        if blocks:
            sums = aligned(p * lanes, w)
            for block in range(blocks):
                at = low + height * block
                new = at + line - 1  # in the first line that the strip before did not begin in
                products = zeros(x, count)
                for j in range(p):
                    if halves == 4:
                        prefetch(x, new + 2 * near + j * n, lines)
                    if halves >= 2:
                        prefetch(x, new + near + j * n, lines)
                    if halves == 1:  # the second half of this strip's columns
                        odd = (p + j) & 1
                        prefetch(x, new + (p + j) // 2 * n + odd * lines * line, lines)
                    products = add_products(x, at + j * n, None, splats(w, j, 1)[0], products)
                r = subtract(products, y, at, 1)
                squares = add_squares(r, squares)
                rest = new + lines * line
                for j in range(p):
                    if halves == 4:
                        prefetch(x, rest + 2 * near + j * n, lines)
                    if halves >= 2:
                        prefetch(x, rest + near + j * n, lines)
                    if halves == 1:  # the first half of the next one's
                        prefetch(x, new + height + j // 2 * n + (j & 1) * lines * line, lines)
                    partial = load(sums, j * lanes)
                    store(sums, j * lanes, combine(x, at + j * n, None, r, partial))
            for j in range(p):
                g[j] += total(load(sums, j * lanes))
        return total(squares) + _panel(X, y, w, g, low + height * blocks, high)

    return strip_by_strip


@compiled
def panels(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """Fortran order, many columns: along them, in panels of rows whose residuals stay in L1.

    A panel is read twice, several columns at a time, which share the loads of its residuals: for
    eight vectors of X 9 loads and a store, then 9 loads. It stays in L2 in between, unless its
    columns were so short that the hardware could not foresee them: then L3 is read twice.
    """
    rows = OF_L2 // (X.shape[1] * X.itemsize)
    height = (rows if SHORT <= rows <= _TALL else _TALL) // LINE * LINE
    squares = w.dtype.type(0)
    for start in range(low, high, height):
        squares += _panel(X, y, w, g, start, min(high, start + height))
    return squares


@compiled
def _panel(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """All columns of a few rows: first Xw, then Xᵀr.

    Where the rows do not fill whole vectors, one more holds the last of them, and begins with some
    that are counted already. So do the last columns, whose factors are then 0.
    """
    p, lanes = X.shape[1], fitting(X, WIDTH)
    if high - low < lanes:
        return plain.rows(X, y, w, g, low, high)
    whole = (high - low) // lanes * lanes
    r = carray(scratch(w, _ON_STACK), whole + lanes)
    for i in range(whole):
        r[i] = -y[low + i]
    for i in range(lanes):
        r[whole + i] = -y[high - lanes + i]
    last = carray(scratch(w, _AT_ONCE), _AT_ONCE)
    groups, counted = p // _AT_ONCE, -p % _AT_ONCE
    if groups == 0:
        _read_one(X, w, r, low, high, p, p)
    else:
        _read(X, w, r, low, high, p - p % _AT_ONCE, groups)
        for k in range(_AT_ONCE):
            last[k] = w[p - _AT_ONCE + k] * (k >= counted)
        _read(X, last, r, low, high, p, 1 if counted else 0)
    for i in range(whole + lanes - (high - low)):
        r[whole + i] = 0
    squares = w.dtype.type(0)
    for i in range(r.size):
        squares += r[i] * r[i]
    if groups == 0:
        _fold_one(X, g, r, low, high, p, p)
    else:
        _fold(X, g, r, low, high, p - p % _AT_ONCE, groups)
        for k in range(_AT_ONCE):
            last[k] = 0
        _fold(X, last, r, low, high, p, 1 if counted else 0)
        for k in range(counted, _AT_ONCE):
            g[p - _AT_ONCE + k] += last[k]
    return squares


def _reading(count: int) -> Any:
    """Return what adds Xw to r, for ``times`` groups of ``count`` columns before column ``end``.

    The first of w is for the first of these columns.
    """

    @compiled
    def read(X: Array, w: Array, r: Array, low: int, high: int, end: int, times: int) -> None:
        n = X.shape[0]
        x = X.T.reshape(-1)
        lanes = fitting(x, WIDTH)
        for j in range(0, times * count, count):
            factors, at = splats(w, j, count), low + (end - times * count + j) * n
            for i in range(0, high - low - lanes + 1, lanes):
                store(r, i, combine(x, at + i, n, factors, load(r, i)))
            if (high - low) % lanes:
                i, at = r.size - lanes, at + high - low - lanes
                store(r, i, combine(x, at, n, factors, load(r, i)))

    return read


def _folding(count: int) -> Any:
    """Return what adds Xᵀr to g, columns and g as in `_reading`."""

    @compiled
    def fold(X: Array, g: Array, r: Array, low: int, high: int, end: int, times: int) -> None:
        n = X.shape[0]
        x = X.T.reshape(-1)
        lanes = fitting(x, WIDTH)
        for j in range(0, times * count, count):
            products, at = zeros(x, count), low + (end - times * count + j) * n
            for i in range(0, high - low - lanes + 1, lanes):
                products = add_products(x, at + i, n, load(r, i), products)
            if (high - low) % lanes:
                i, at = r.size - lanes, at + high - low - lanes
                products = add_products(x, at, n, load(r, i), products)
            accumulate(g, j, row_sums(products))

    return fold


_read, _read_one = _reading(_AT_ONCE), _reading(1)
_fold, _fold_one = _folding(_AT_ONCE), _folding(1)

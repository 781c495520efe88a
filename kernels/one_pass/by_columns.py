"""Fortran order: the gradient column by column, in vectors of rows. As `plain.rows`, otherwise.

A strip or a panel of rows is read along the columns twice: once for its residuals, and once, from
cache by then, to be folded into the gradient. Which is for which X: `choice`.
"""

from typing import Any

from kernels.one_pass import plain
from kernels.one_pass.buffers import aligned
from kernels.one_pass.compile import compiled
from kernels.one_pass.emission import LINE
from kernels.one_pass.vectors import (
    accumulate,
    add_products,
    add_squares,
    combine,
    load,
    loads,
    prefetch,
    row_sums,
    splat,
    splats,
    store,
    subtract,
    total,
    zeros,
)
from kernels.problem import Array

# Asked for twice: see `by_rows`.
_STRIPS_AHEAD = 1 << 16  # bytes: as near, in whole strips, of which columns make a few
_PANEL = 2048  # rows, whose residuals stay in L1


def strips(count: int, lines: int) -> Any:
    """Return the pass for Fortran order in strips of ``count`` vectors of rows.

    A strip's residuals stay in registers, and its columns are read once for them and once to be
    folded. A column's part of the gradient is kept as a vector of partial sums until the end.
    ``lines``, half of ``count``, are asked for in each of the two turns, or none in cache.
    """

    @compiled
    def strip_by_strip(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
        n, p = X.shape
        x = X.T.reshape(-1)
        lanes = LINE // x.itemsize
        height = count * lanes
        near = max(1, _STRIPS_AHEAD // (height * p * x.itemsize)) * height
        squares = zeros(x, 1)[0]
        blocks = (high - low) // height
        if blocks:
            sums = aligned(p * lanes, w)
            for block in range(blocks):
                at = low + height * block
                products = zeros(x, count)
                for j in range(p):
                    prefetch(x, at + 2 * near + j * n, lines)
                    prefetch(x, at + near + j * n, lines)
                    products = add_products(x, at + j * n, lanes, splat(w, j), products)
                r = subtract(products, y, at)
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
        return total(squares) + _last_rows(X, y, w, g, low + height * blocks, high)

    return strip_by_strip


@compiled
def panels(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """Fortran order in cache, many columns: along them in panels whose residuals stay in L1."""
    squares = w.dtype.type(0)
    for start in range(low, high, _PANEL):
        squares += _last_rows(X, y, w, g, start, min(high, start + _PANEL))
    return squares


@compiled
def _last_rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """Fortran order, all of a few rows, eight columns at a time: first Xw, then Xᵀr.

    Where they do not fill whole vectors, the last begins with rows that are counted already.
    """
    n, p = X.shape
    x = X.T.reshape(-1)
    lanes = LINE // x.itemsize
    size = (high - low + lanes - 1) // lanes * lanes
    last = high - lanes
    if last < 0:
        return plain.rows(X, y, w, g, low, high)
    r = aligned(size, w)
    for i in range(size):
        r[i] = -y[min(low + i, last + i % lanes)]
    whole = p // 8 * 8
    for j in range(0, whole, 8):
        factors = splats(w, j, 8)
        for i in range(0, size, lanes):
            at = min(low + i, last) + j * n
            store(r, i, combine(x, at, n, factors, load(r, i)))
    for j in range(whole, p):
        factor = splats(w, j, 1)
        for i in range(0, size, lanes):
            store(r, i, combine(x, min(low + i, last) + j * n, n, factor, load(r, i)))
    for i in range(size - lanes, size - lanes + (low + size - high)):
        r[i] = 0
    squares = w.dtype.type(0)
    for i in range(size):
        squares += r[i] * r[i]
    for j in range(0, whole, 8):
        products = zeros(x, 8)
        for i in range(0, size, lanes):
            products = add_products(x, min(low + i, last) + j * n, n, load(r, i), products)
        accumulate(g, j, row_sums(products))
    for j in range(whole, p):
        product = zeros(x, 1)
        for i in range(0, size, lanes):
            product = add_products(x, min(low + i, last) + j * n, n, load(r, i), product)
        g[j] += total(product[0])
    return squares

"""Columns brought to one size, so that no answer depends on the units of a column."""

import math
from functools import partial
from operator import add
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.problem import Array, LeastSquares, power_of_two_above

Exponents = NDArray[Any]  # (p,) int64
_ROWS = 1 << 16  # entries of X at a time


class OneSize(NamedTuple):
    """Z = X D⁻¹ and b = y / β with d_j = 2^columns_j and β = 2^right: exact, no rounding.

    ``dtype`` is that of X.
    """

    Z: Array
    b: Array
    columns: Exponents
    right: int
    dtype: np.dtype[Any]

    def coefficients(self, z: Array) -> Array:
        """Return w = β D⁻¹ z, in the dtype of X."""
        with np.errstate(over="ignore", under="ignore"):
            w: Array = np.ldexp(z, self.right - self.columns).astype(self.dtype, copy=False)
        return w


def one_size(X: Array, y: Array, alpha: float = 0.0) -> OneSize:
    """Return Z and b in float64, a copy of X; at alpha > 0 of [X; sqrt(alpha) I] and [y; 0].

    d_j is the power of two next to sqrt(|x_j|² + alpha), 1 for a column of zeros. With the rows of
    alpha the (n+p, p) problem is solved by an orthogonal factorisation, without the squared
    condition number of the normal equations (Å. Björck, Numerical Methods for Least Squares
    Problems, 1996, section 2.7.2).
    """
    columns = column_exponents(X, alpha)
    right = _exponent_of(y)
    n, p = X.shape
    Z = np.empty((n + p * (alpha > 0), p), order="F" if X.flags.f_contiguous else "C")
    scale_columns(X, -columns, Z[:n])
    b = np.zeros(len(Z))
    b[:n] = np.ldexp(y.astype(np.float64), -right)
    if alpha:
        Z[n:] = np.diag(np.ldexp(math.sqrt(alpha), -columns))
    return OneSize(Z, b, columns, right, X.dtype)


def column_exponents(X: Array, alpha: float = 0.0) -> Exponents:
    """Return the k_j for which 2^k_j is next to sqrt(|x_j|² + alpha); 0 for a column of zeros.

    Two reads of X, no copy. Nothing overflows or underflows: each column is brought to at most 1
    before it is squared.
    """
    ridge = math.sqrt(alpha)
    exponents = np.frexp(np.maximum(_largest(X), ridge))[1].astype(np.int64)
    squares = np.ldexp(ridge, -exponents) ** 2 + _squares(exponents, X)
    return _next_to(exponents, squares)


def exponents_of(problem: LeastSquares) -> tuple[Exponents, int]:
    """Return `column_exponents` at alpha = 0 and the exponent of y, of rows wherever they lie."""
    largest, of_y = problem.over_rows(_both_largest, _both_maxima)
    exponents = np.frexp(largest)[1].astype(np.int64)
    squares: Array = problem.over_rows(partial(_squares, exponents), add)
    return _next_to(exponents, squares), _exponent_of(of_y)


def on_one_size(columns: Exponents, right: int, X: Array, y: Array) -> tuple[Array, Array]:
    """Return Z and b in float64, as `one_size` has them, for exponents that are known."""
    Z = np.empty(X.shape, order="F" if X.flags.f_contiguous else "C")
    b: Array = np.ldexp(y.astype(np.float64), -right)
    return scale_columns(X, -columns, Z), b


def _exponent_of(y: Array) -> int:
    return int(np.frexp(power_of_two_above(y))[1]) - 1


def _largest(X: Array) -> Array:
    largest: Array = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
    return largest


def _both_largest(X: Array, y: Array) -> tuple[Array, Array]:
    return _largest(X), np.abs(y).max(keepdims=True)


def _both_maxima(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.maximum(a[0], b[0]), np.maximum(a[1], b[1])


def _squares(exponents: Exponents, X: Array, y: Array | None = None) -> Array:
    """Return the squares of the columns of X, each first multiplied by 2^-exponent."""
    squares = np.zeros(X.shape[1])
    rows = max(1, _ROWS // X.shape[1])
    for start in range(0, len(X), rows):
        part = X[start : start + rows]
        Z = scale_columns(part, -exponents, np.empty(part.shape))
        squares += np.einsum("ij,ij->j", Z, Z)
    return squares


def _next_to(exponents: Exponents, squares: Array) -> Exponents:
    shifts = np.rint(np.log2(np.where(squares, squares, 1)) / 2)
    found: Exponents = exponents + shifts.astype(np.int64)
    return found


def scale_columns(X: Array, exponents: Exponents, out: Array) -> Array:
    """Set ``out``, float64, to X with column j times 2^k_j, in two steps: 2^k_j may overflow."""
    half = exponents // 2
    np.multiply(X, np.exp2(half), out=out)
    out *= np.exp2(exponents - half)
    return out

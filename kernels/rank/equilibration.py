"""Columns brought to one size, so that no answer depends on the units of a column."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.problem import Array, power_of_two_above

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
    right = int(np.frexp(power_of_two_above(y))[1]) - 1
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
    largest = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
    ridge = math.sqrt(alpha)
    exponents = np.frexp(np.maximum(largest, ridge))[1].astype(np.int64)
    squares = np.ldexp(ridge, -exponents) ** 2
    rows = max(1, _ROWS // X.shape[1])
    for start in range(0, len(X), rows):
        part = X[start : start + rows]
        Z = scale_columns(part, -exponents, np.empty(part.shape))
        squares += np.einsum("ij,ij->j", Z, Z)
    shifts = np.rint(np.log2(np.where(squares, squares, 1)) / 2)
    found: Exponents = exponents + shifts.astype(np.int64)
    return found


def scale_columns(X: Array, exponents: Exponents, out: Array) -> Array:
    """Set ``out``, float64, to X with column j times 2^k_j, in two steps: 2^k_j may overflow."""
    half = exponents // 2
    np.multiply(X, np.exp2(half), out=out)
    out *= np.exp2(exponents - half)
    return out

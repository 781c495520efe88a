"""The hand-derived kernel: one pass over X, compiled by Numba."""

import math
from typing import Any, final

import numpy as np
from numba import njit

from kernels._contract import Solution, Way
from kernels._problem import Array

# Sums may be reordered and contracted to fused multiply-adds: the error bound holds for
# any order of summation, with or without FMA. NaN and infinity keep their meaning.
_SUMS_MAY_BE_REORDERED = {"reassoc", "contract"}
_compiled = njit(cache=True, error_model="numpy", fastmath=_SUMS_MAY_BE_REORDERED)

_ROWS = 8  # rows of a block in C order: as many running sums as fit in registers
_PANEL = 16384  # entries of a panel in Fortran order: 128 KiB in float64, inside any L2


@final
class NumbaWay(Way):
    """The gradient derived by hand and summed block by block, so that X is read once.

        r_B = X_B w - y_B,    Xᵀr = Σ_B X_Bᵀ r_B,    |r|² = Σ_B |r_B|²

    over blocks B of rows. A block is folded into the gradient while it is still in cache:
    8 rows in C order; in Fortran order a panel of rows that holds 128 KiB over all columns,
    with each column's piece of it contiguous.

    Cost of a gradient: 4np flops and one read of X, 8np bytes in float64, where two
    matrix-vector products need two. The first call for a dtype and an order compiles, or
    loads what an earlier process compiled.
    Solution: conjugate gradients from w = 0, compiled whole; see `solve`.
    """

    def _prepare(self, X: Array, y: Array) -> None:
        self._X, self._y = X, y
        self._pass = _pass_over_rows if X.flags.c_contiguous else _pass_over_panels
        self._scale = X.dtype.type(2 / len(y))
        self._alpha = X.dtype.type(self.problem.alpha)

    def _value(self, w: Array) -> float:
        return self._value_and_gradient(w)[0]

    def _gradient(self, w: Array) -> Array:
        return self._value_and_gradient(w)[1]

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        g = np.zeros_like(w)
        squares = self._pass(self._X, self._y, w, g)
        if self._alpha:
            squares += self._alpha * (w @ w)
            g += self._alpha * w
        g *= self._scale
        return float(squares) / len(self._y), g

    def solve(self) -> Solution:
        """Return the solution by conjugate gradients in the form CGLS, from w = 0.

        Method: M. R. Hestenes and E. Stiefel, J. Res. Nat. Bur. Standards 49 (1952), section
        10; the residual is carried along, not XᵀXw, so the condition number enters once. Every
        iterate lies in the row space of X: where X is rank deficient the limit is the
        minimum-norm solution. The rank itself is not determined.

        converged=True is a certificate. Write r for the residual carried along, s = Xᵀr - alpha w
        for its gradient, and e for the difference between r and y - Xw computed afresh. Then the
        error of w is X⁺e + (XᵀX)⁻¹s, and with S = |y| + Σ|a_k||w_k| it is certified that

            |e| <= 10 u S    and    ( |s_k| <= 10 u |a_k||r| for every k   or   |r| <= 10 u S )

        which bounds the error by 20 times that of a backward stable direct solver (columns a_k
        and norms of the augmented problem [X; sqrt(alpha) I] where alpha > 0). It takes no more
        than 10 min(n, p) + 100 iterations; short of the certificate it says converged=False.

        Cost: two reads of X an iteration.
        """
        X, y, alpha = self._X, self._y, self._alpha
        # Powers of two, so that scaling is exact and no square overflows or underflows.
        x_unit, y_unit = _power_of_two_above(X), _power_of_two_above(y)
        scaled_alpha = alpha / x_unit / x_unit
        limit = 10 * min(X.shape) + 100
        w, iterations, converged = _cgls(X, y / y_unit, scaled_alpha, 1 / x_unit, limit)
        w *= y_unit / x_unit
        gradient = self.gradient(w) if np.isfinite(w).all() else np.full_like(w, np.inf)
        return Solution(
            w,
            rank=None,
            method="cgls",
            alpha=self.problem.alpha,
            iterations=iterations,
            converged=converged,
            gradient_norm=math.hypot(*gradient),
        )


def _power_of_two_above(array: Array) -> Any:
    """Return the power of two above the largest magnitude, in the array's dtype; 1 for zeros."""
    largest = max(array.max(), -array.min())
    return np.ldexp(array.dtype.type(1), np.frexp(largest)[1]) if largest else array.dtype.type(1)


@_compiled
def _pass_over_rows(X, y, w, g):  # type: ignore[no-untyped-def]
    """Add Xᵀ(Xw - y) to g and return |Xw - y|²; X in C order.

    Eight rows at a time give eight independent sums in the residual and, in the update,
    eight products for each load and store of g.
    """
    n, p = X.shape
    zero = w.dtype.type(0)
    squares = zero
    r = np.empty(_ROWS, w.dtype)
    blocked = n - n % _ROWS
    for i in range(0, blocked, _ROWS):
        for k in range(_ROWS):
            s = zero
            for j in range(p):
                s += X[i + k, j] * w[j]
            s -= y[i + k]
            r[k] = s
            squares += s * s
        for j in range(p):
            s = zero
            for k in range(_ROWS):
                s += X[i + k, j] * r[k]
            g[j] += s
    for i in range(blocked, n):
        s = zero
        for j in range(p):
            s += X[i, j] * w[j]
        s -= y[i]
        squares += s * s
        for j in range(p):
            g[j] += X[i, j] * s
    return squares


@_compiled
def _pass_over_panels(X, y, w, g):  # type: ignore[no-untyped-def]
    """Add Xᵀ(Xw - y) to g and return |Xw - y|²; X in Fortran order."""
    n, p = X.shape
    zero = w.dtype.type(0)
    squares = zero
    height = max(_ROWS, min(n, _PANEL // p))
    panel = np.empty(height, w.dtype)
    for start in range(0, n, height):
        stop = min(n, start + height)
        r = panel[: stop - start]
        r[:] = -y[start:stop]
        for j in range(p):
            column, w_j = X[start:stop, j], w[j]
            for i in range(len(r)):
                r[i] += column[i] * w_j
        for i in range(len(r)):
            squares += r[i] * r[i]
        for j in range(p):
            column = X[start:stop, j]
            s = zero
            for i in range(len(r)):
                s += column[i] * r[i]
            g[j] += s
    return squares


@_compiled
def _cgls(X, y, alpha, unit, limit):  # type: ignore[no-untyped-def]
    """Minimise |(unit X)w - y|² + alpha |w|² from w = 0: w, iterations, certified.

    See `NumbaWay.solve`. ``unit`` is a power of two that brings X to at most 1.
    """
    n, p = X.shape
    zero = y.dtype.type(0)
    tolerance = 10 * y.dtype.type(np.finfo(y.dtype).eps / 2)
    columns = np.zeros(p, y.dtype)
    for i in range(n):
        for j in range(p):
            columns[j] += (unit * X[i, j]) ** 2
    columns = np.sqrt(columns + alpha)
    y_norm = np.sqrt(np.dot(y, y))
    w = np.zeros(p, y.dtype)
    r = y.copy()
    s = np.dot(X.T, unit * r)
    direction = s.copy()
    gamma = np.dot(s, s)
    for iteration in range(limit + 1):
        r_norm = np.sqrt(np.dot(r, r) + alpha * np.dot(w, w))
        size = tolerance * (y_norm + np.dot(columns, np.abs(w)))
        if r_norm <= size or np.all(np.abs(s) <= tolerance * columns * r_norm):
            drift = r - (y - np.dot(X, unit * w))
            return w, iteration, np.sqrt(np.dot(drift, drift)) <= size
        if iteration == limit:
            break
        q = np.dot(X, unit * direction)
        curvature = np.dot(q, q) + alpha * np.dot(direction, direction)
        if not curvature > zero:
            break
        step = gamma / curvature
        w += step * direction
        r -= step * q
        s = np.dot(X.T, unit * r) - alpha * w
        previous, gamma = gamma, np.dot(s, s)
        direction = s + (gamma / previous) * direction
    return w, iteration, False

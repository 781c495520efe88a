"""Residuals of least squares in twice the working precision, compiled by Numba.

A number is an unevaluated sum of two, high + low. No fastmath here: the error terms are exact only
if they are computed as written.
"""

from typing import Any

import numpy as np

from kernels.one_pass.compile import compiled
from kernels.problem import Array

_SPLIT = 134217729.0  # 2²⁷ + 1


@compiled(fast=False)
def two_sum(a: Any, b: Any) -> Any:
    """s + e = a + b exactly (D. E. Knuth, TAOCP 2, section 4.2.2)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@compiled(fast=False)
def _add_product(high: Any, low: Any, a: Any, b: Any) -> Any:
    """high + low + ab, ab as an exact sum (T. J. Dekker, Numer. Math. 18 (1971))."""
    q = a * b
    t = _SPLIT * a
    a_high = t - (t - a)
    t = _SPLIT * b
    b_high = t - (t - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - q) + a_high * b_low + a_low * b_high) + a_low * b_low
    high, e = two_sum(high, q)
    return high, low + (e + error)


@compiled(fast=False)
def residuals(A: Array, b: Array, w_high: Array, w_low: Array, r_high: Array, r_low: Array) -> Any:
    """f = b - r - Aw and g = -Aᵀr in twice the working precision, then rounded; A in Fortran order.

    Dot products by T. Ogita, S. M. Rump, S. Oishi, SIAM J. Sci. Comput. 26 (2005), algorithm 5.3.
    """
    n, p = A.shape
    high, low = b - r_high, np.zeros(n)
    for i in range(n):
        high[i], low[i] = two_sum(b[i], -r_high[i])
        low[i] -= r_low[i]
    g = np.empty(p)
    for j in range(p):
        s, t = 0.0, 0.0
        for i in range(n):
            high[i], low[i] = _add_product(high[i], low[i], -A[i, j], w_high[j])
            low[i] -= A[i, j] * w_low[j]
            s, t = _add_product(s, t, -A[i, j], r_high[i])
            t -= A[i, j] * r_low[i]
        g[j] = s + t
    return high + low, g

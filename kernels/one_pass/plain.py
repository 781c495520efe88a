"""The gradient derived by hand, in ten lines. The kernels beside it are the same, faster.

With the residual of row i, r_i = Σ_j X_ij w_j - y_i, the objective is

    f(w) = (1/n) ( Σ_i r_i² + alpha Σ_j w_j² ).

As ∂r_i/∂w_j = X_ij, the chain rule gives

    ∂f/∂w_j = (2/n) ( Σ_i r_i X_ij + alpha w_j ),
    ∇f(w)   = (2/n) ( Xᵀ(Xw - y) + alpha w ).

Row i enters by r_i alone. Once its residual is known, r_i times the row is added to the sum while
the row is still at hand, and neither is needed again: one read of X, where first Xw and then Xᵀr
read it twice. f comes with it, as the r_i are there.

So every kernel here is one function of a range of rows,

    kernel(X, y, w, g, low, high)    adds X_Bᵀ(X_B w - y_B) to g and returns |X_B w - y_B|²,

B being rows low to high, and the sums over several ranges add up to that over all. What the fast
ones (`by_rows`, `by_columns`) do besides: several rows at a time in vectors, memory asked ahead.

Per entry of X: 4 flops, 8 bytes read once in float64. Errors: any order of summation keeps the
bound of `suites.judge.GradientOracle`.
"""

from typing import Any

import numpy as np

from kernels.one_pass.compile import compiled
from kernels.problem import Array


@compiled
def rows(X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """Row by row; also what the fast kernels leave over at the end."""
    squares = w.dtype.type(0)
    for i in range(low, high):
        r = -y[i]
        for j in range(X.shape[1]):
            r += X[i, j] * w[j]
        squares += r * r
        for j in range(X.shape[1]):
            g[j] += r * X[i, j]
    return squares


@compiled
def gradient(X: Array, y: Array, alpha: float, w: Array) -> Any:
    """Return ∇f(w), shape (p,), by nothing but this file."""
    g = np.zeros_like(w)
    rows(X, y, w, g, 0, X.shape[0])
    scale, penalty = w.dtype.type(2 / X.shape[0]), w.dtype.type(alpha)
    return scale * (g + penalty * w)

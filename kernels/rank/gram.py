"""The Gram matrix of X, of X with columns of one size, and what it shows of the rank."""

from typing import Any

import numpy as np

from kernels.problem import Array, LeastSquares
from kernels.rank.equilibration import Exponents

# Of the largest eigenvalue of ZᵀZ: what is above is none of its rounding, so that columns of one
# size with a condition number up to 1e5 are seen to be independent without singular values.
KEPT = 1e-10

_LARGE = 1 << 20  # bytes of X: from here on Numba pays for its import and the wake of its threads


def gram_on_one_size(gram: Array) -> tuple[Array, Exponents]:
    """Return ZᵀZ for XᵀX with a positive diagonal, and the exponents of D."""
    columns = np.rint(np.log2(np.diag(gram)) / 2).astype(np.int64)
    return np.ldexp(gram, -(columns[:, None] + columns)), columns


def gram_of(X: Array) -> Array:
    """Return XᵀX by BLAS where X is small, else by `kernels.one_pass.gram`, in float64 then."""
    if not is_large(X):
        product: Array = X.T @ X
        return product
    from kernels.one_pass.gram import gram

    return gram(X)


def both_added(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    """Join two pairs of sums over rows: see `LeastSquares.over_rows`."""
    return a[0] + b[0], a[1] + b[1]


def is_large(X: Array | LeastSquares) -> bool:
    """Return whether X is worth compiled code."""
    return X.nbytes > _LARGE


def is_of_full_rank(Z: Array) -> bool:
    """Return whether the Gram matrix of Z, columns of one size, shows that they are independent."""
    n, p = Z.shape
    if n < p:
        return False
    eigenvalues = np.linalg.eigvalsh(Z.T @ Z)
    return bool(eigenvalues[0] > KEPT * eigenvalues[-1])

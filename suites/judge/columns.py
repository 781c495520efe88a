"""The largest entries of X and y, by which both judges scale what they sum."""

import numpy as np

from kernels import Array


def largest_entries(X: Array, y: Array) -> tuple[Array, float]:
    """Return the largest magnitudes in the columns of some rows of X, and in y; no copy of X."""
    columns = np.maximum(X.max(axis=0), -X.min(axis=0)).astype(np.float64)
    return columns, float(np.abs(y).max())


def larger(a: tuple[Array, float], b: tuple[Array, float]) -> tuple[Array, float]:
    return np.maximum(a[0], b[0]), max(a[1], b[1])

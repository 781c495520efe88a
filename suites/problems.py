"""Seeded inputs: data sets and the points at which gradients are taken."""

from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from kernels import Array, LeastSquares


def gaussian(
    n: int,
    p: int,
    *,
    alpha: float = 0.0,
    dtype: DTypeLike = np.float64,
    order: Literal["C", "F"] = "C",
    noise: float = 1.0,
    seed: int = 0,
) -> LeastSquares:
    """Return y = Xw + noise, all standard normal: full rank and well conditioned."""
    rng = np.random.default_rng([seed, n, p])
    X = np.asarray(rng.standard_normal((n, p)), dtype=dtype, order=order)
    y: Array = X @ rng.standard_normal(p) + noise * rng.standard_normal(n)
    return LeastSquares(X, y.astype(dtype), alpha)


def start(problem: LeastSquares, seed: int = 1) -> Array:
    """Return a standard normal w for the problem, in its dtype."""
    rng = np.random.default_rng([seed, problem.n, problem.p])
    return np.asarray(rng.standard_normal(problem.p), dtype=problem.dtype)


def duplicated_column(n: int, p: int, *, seed: int = 0) -> LeastSquares:
    """Return small integers with the last column a copy of the first: rank p - 1."""
    X, y = _integers(n, p, seed)
    X[:, -1] = X[:, 0]
    return LeastSquares(X, y)


def summed_column(n: int, p: int, *, seed: int = 0) -> LeastSquares:
    """Return small integers with the last column the sum of the others: rank p - 1."""
    X, y = _integers(n, p, seed)
    X[:, -1] = X[:, :-1].sum(axis=1)
    return LeastSquares(X, y)


def dummy_trap(levels: int, replicates: int, *, seed: int = 0) -> LeastSquares:
    """Return an intercept beside a dummy for every level: levels + 1 columns of rank levels."""
    dummies = np.repeat(np.eye(levels), replicates, axis=0)
    rng = np.random.default_rng([seed, levels, replicates])
    y = rng.integers(-9, 10, len(dummies)).astype(np.float64)
    return LeastSquares(np.column_stack([np.ones(len(dummies)), dummies]), y)


def low_rank(n: int, p: int, rank: int, *, seed: int = 0) -> LeastSquares:
    """Return a product of an (n, rank) and a (rank, p) matrix of small integers."""
    rng = np.random.default_rng([seed, n, p, rank])
    X = rng.integers(-4, 5, (n, rank)) @ rng.integers(-4, 5, (rank, p))
    return LeastSquares(X, rng.integers(-9, 10, n))


def _integers(n: int, p: int, seed: int) -> tuple[Array, Array]:
    """Return X and y of small integers, as float64: exact in every operation that counts."""
    rng = np.random.default_rng([seed, n, p])
    X = rng.integers(-9, 10, (n, p)).astype(np.float64)
    return X, rng.integers(-9, 10, n).astype(np.float64)

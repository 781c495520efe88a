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


def shape(size: str) -> tuple[int, int]:
    """Return n and p of a size as the benchmarks write it, "100 x 4"."""
    n, p = map(int, size.split(" x "))
    return n, p

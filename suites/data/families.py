"""Families of rank-deficient and nearly collinear least squares problems, seeded, of any size.

Most are built from small integers, so that X has an exact rank and every product below is exact:

    X = [A; A],    w = Aᵀz,    y = [Aw + s; Aw - s]

Then Xᵀ(Xw - y) = Aᵀ(-s) + Aᵀs = 0, and w lies in the row space: w is the minimiser of least norm,
exactly, though y is not in the range of X.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from kernels import Array, LeastSquares
from suites.data.problems import placed


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem and what is known of it: its rank and its solution.

    ``rank`` is the exact rank of X; None where X is so nearly deficient that rounding decides.
    ``w`` is the exact minimiser of least 2-norm; None where it is not known in closed form.
    """

    problem: LeastSquares
    rank: int | None
    w: Array | None = None

    def as_float32(self) -> "Instance":
        """Return the same problem in float32: exact, and so the same rank and w, if A is small."""
        X, y = (array.astype(np.float32) for array in (self.problem.X, self.problem.y))
        return replace(self, problem=LeastSquares(X, y))


def duplicated_column(n: int, p: int) -> Instance:
    """The last column is a copy of the first: rank p - 1."""
    return _inconsistent(_duplicated(n, p), p - 1)


def zero_column(n: int, p: int) -> Instance:
    """The last column is zero: rank p - 1."""
    A = _integers(n // 2, p)
    A[:, -1] = 0
    return _inconsistent(A, p - 1)


def summed_column(n: int, p: int) -> Instance:
    """The last column is the sum of the others: rank p - 1."""
    A = _integers(n // 2, p)
    A[:, -1] = A[:, :-1].sum(axis=1)
    return _inconsistent(A, p - 1)


def dummy_trap(n: int, p: int) -> Instance:
    """An intercept beside a dummy for every one of p - 1 levels: rank p - 1."""
    levels = np.arange(n // 2) % (p - 1)
    return _inconsistent(
        np.column_stack([np.ones(n // 2), levels[:, None] == np.arange(p - 1)]), p - 1
    )


def low_rank(n: int, p: int, rank: int) -> Instance:
    """A product of an (n, rank) and a (rank, p) matrix of integers between -4 and 4."""
    rng = np.random.default_rng([0, n, p, rank])
    A = rng.integers(-4, 5, (n // 2, rank)) @ rng.integers(-4, 5, (rank, p))
    return _inconsistent(A.astype(np.float64), rank)


def wide(n: int, p: int) -> Instance:
    """p rows of n columns, of full row rank since a square block is diagonally dominant."""
    X = _integers(p, n)
    X[:, :p] += 10 * p * np.eye(p)
    w = X.T @ _few_ones(p)
    return Instance(LeastSquares(X, X @ w), p, w)


def scaled_columns(n: int, p: int) -> Instance:
    """A duplicated column, and every other column times 1e8: rank p - 1."""
    A = _duplicated(n, p) * np.where(np.arange(p) % 2, 1e8, 1.0)
    A[:, -1] = A[:, 0]
    return replace(_inconsistent(A, p - 1), w=None)  # Aw leaves the exact integers


def all_scaled(n: int, p: int, exponent: int) -> Instance:
    """A duplicated column, with X and y both times a power of two: rank p - 1."""
    instance = duplicated_column(n, p)
    X, y = np.ldexp(instance.problem.X, exponent), np.ldexp(instance.problem.y, exponent)
    return replace(instance, problem=LeastSquares(X, y))


def all_zeros(n: int, p: int) -> Instance:
    """X = 0: rank 0."""
    return _inconsistent(np.zeros((n // 2, p)), 0)


def collinear(n: int, p: int, distance: float) -> Instance:
    """The last column is the first and ``distance`` times noise of the same size."""
    rng = np.random.default_rng([0, n, p])
    X = rng.standard_normal((n, p))
    X[:, -1] = X[:, 0] + distance * rng.standard_normal(n)
    return Instance(LeastSquares(X, _noisy(X)), None)


def vandermonde(n: int, p: int) -> Instance:
    """Powers 0 to p - 1 of n equally spaced points from 0 to 1."""
    X = np.vander(np.linspace(0, 1, n), p, increasing=True)
    return Instance(LeastSquares(X, _noisy(X)), None)


def hilbert(n: int, p: int) -> Instance:
    """Entries 1/(i + j + 1)."""
    X = 1 / (np.arange(n)[:, None] + np.arange(p) + 1)
    return Instance(LeastSquares(X, _noisy(X)), None)


def graded(n: int, p: int) -> Instance:
    """Singular values from 1 down to 1e-20 in equal ratios."""
    return Instance(with_condition(n, p, 1e20).problem, None)


def with_condition(n: int, p: int, condition: float) -> Instance:
    """X = U diag(σ) Vᵀ with σ from 1 down to 1/condition in equal ratios, and y = Xw + noise.

    The noise, of a thousandth of |Xw|, is at right angles to the columns of U, so that w stays the
    minimiser, to the rounding of X. w has equal parts along every right singular vector.
    """
    U, V, noise = _singular_vectors(n, p)
    sigma = condition ** -(np.arange(p) / max(1, p - 1))
    X, w = (U * sigma) @ V.T, V.sum(axis=1)
    fitted = U @ sigma
    y = fitted + 1e-3 * np.linalg.norm(fitted) / np.linalg.norm(noise) * noise
    return Instance(LeastSquares(placed(X), placed(y)), p, w)


@lru_cache(maxsize=1)  # a suite asks for several conditions of one size in turn
def _singular_vectors(n: int, p: int) -> tuple[Array, Array, Array]:
    """Return U (n, p), V (p, p), and noise (n) at right angles to the columns of U."""
    rng = np.random.default_rng([0, n, p])
    U, _ = np.linalg.qr(rng.standard_normal((n, p)))
    V, _ = np.linalg.qr(rng.standard_normal((p, p)))
    noise = rng.standard_normal(n)
    noise -= U @ (U.T @ noise)
    return U, V, noise


FAMILIES: dict[str, Callable[[int, int], Instance]] = {
    "duplicated column": duplicated_column,
    "zero column": zero_column,
    "sum of the others": summed_column,
    "dummy trap": dummy_trap,
    "rank 2": lambda n, p: low_rank(n, p, 2),
    "rank 3": lambda n, p: low_rank(n, p, 3),
    "rank p/2": lambda n, p: low_rank(n, p, p // 2),
    "wide": wide,
    "columns x 1e8": scaled_columns,
    "all x 1e150": lambda n, p: all_scaled(n, p, 498),
    "all x 1e-150": lambda n, p: all_scaled(n, p, -498),
    "all zeros": all_zeros,
    "collinear 1e-10": lambda n, p: collinear(n, p, 1e-10),
    "collinear 2^-50": lambda n, p: collinear(n, p, 2.0**-50),
    "Vandermonde": vandermonde,
    "Hilbert": hilbert,
    "graded": graded,
}


def _integers(n: int, p: int) -> Array:
    return np.random.default_rng([0, n, p]).integers(-9, 10, (n, p)).astype(np.float64)


def _duplicated(n: int, p: int) -> Array:
    A = _integers(n // 2, p)
    A[:, -1] = A[:, 0]
    return A


def _few_ones(n: int) -> Array:
    """A vector with three ones at the most: Aᵀ times it has small entries."""
    z = np.zeros(n)
    z[:: max(1, (n + 2) // 3)] = 1
    return z


def _inconsistent(A: Array, rank: int) -> Instance:
    """Return the problem of the module's docstring for an integer matrix of a known rank."""
    half = len(A)
    w = A.T @ _few_ones(half)
    s = np.random.default_rng([1, *A.shape]).integers(1, 10, half)
    fitted = A @ w
    X, y = np.vstack([A, A]), np.concatenate([fitted + s, fitted - s])
    return Instance(LeastSquares(X, y), rank, w)


def _noisy(X: Array) -> Array:
    rng = np.random.default_rng([1, *X.shape])
    y: Array = X.sum(axis=1) + rng.standard_normal(len(X))
    return y

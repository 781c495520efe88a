"""Solutions: right, or how wrong."""

import math

import numpy as np

from kernels import Array, LeastSquares, Solution
from suites.judge.errors import WrongAnswerError
from suites.judge.gradient import _exponent


def optimality_ratio(problem: LeastSquares, w: Array) -> float:
    """Return |Xᵀr| / ( |X| (|y| + |X||w|) max(n, p) eps ), 1-norms; below 30 is right.

    The gradient at the answer is zero to rounding. A backward stable solver returns the exact
    solution for some X + E, y + f with |E| <= c|X| and |f| <= c|y|, c a modest multiple of u; then

        Xᵀr = Xᵀ(Ew - f) - Eᵀr    and so    |Xᵀr| <= c |X| ( |X||w| + |y| + |r| ),   |r| <= |y|.

    LAPACK's test routine xQRT17 divides by |r| alone. That asks too much where |r| is far below
    |y|, and LAPACK's own solvers then fail it: gelsd by 2e3 on NIST's AtmWtAg, since the
    rounding of w by itself moves Xw by u|X||w|. Where alpha > 0, X stands for [X; sqrt(alpha) I]
    and y for [y; 0].
    """
    ridge = math.sqrt(problem.alpha)
    x_exponent = max(_exponent(problem.X), math.frexp(ridge)[1] if ridge else -(1 << 15))
    y_exponent = _exponent(problem.y)
    X = np.ldexp(problem.X.astype(np.float64), -x_exponent)
    y = np.ldexp(problem.y.astype(np.float64), -y_exponent)
    v = np.ldexp(w.astype(np.float64), x_exponent - y_exponent)
    ridge = math.ldexp(ridge, -x_exponent)
    X_norm = np.max(np.sum(np.abs(X), axis=0)) + ridge
    size = np.sum(np.abs(y)) + X_norm * np.sum(np.abs(v))
    gradient = np.max(np.abs((X @ v - y) @ X + ridge * ridge * v))
    return 0.0 if gradient == 0 else float(gradient / (X_norm * size * problem.rcond))


def minimum_norm_ratio(problem: LeastSquares, w: Array, rank: int) -> float:
    """Return |(I - VVᵀ)w| / ( max(n, p) eps |w| ), V the leading ``rank`` right singular vectors.

    Below 30 is right: the answer has no part in the null space. (LAPACK's xQRT14 is vacuous
    for n >= p.)
    """
    X = problem.X.astype(np.float64)
    V = np.linalg.svd(np.ldexp(X, -_exponent(X)), full_matrices=False)[2][:rank].T
    v = w.astype(np.float64)
    outside = np.linalg.norm(v - V @ (V.T @ v))
    return 0.0 if outside == 0 else float(outside / (problem.rcond * np.linalg.norm(v)))


RIGHT = 30.0  # below it a ratio is right: LAPACK's own threshold


def check_solution(problem: LeastSquares, rank: int | None, found: Solution) -> None:
    """Raise `WrongAnswerError` if a solution claims to be right and is not.

    Right is a gradient of zero to rounding and, where X has a known rank and alpha = 0, that rank
    and no part in the null space. A solution that says converged=False claims nothing.
    """
    if not found.converged:
        return
    ratios = {"optimality ratio": optimality_ratio(problem, found.w)}
    if rank is not None and not problem.alpha:
        ratios["minimum-norm ratio"] = minimum_norm_ratio(problem, found.w, rank)
        if found.rank not in (None, rank):
            raise WrongAnswerError(f"rank {found.rank} found on {problem} of rank {rank}")
    for name, ratio in ratios.items():
        if not ratio < RIGHT:
            raise WrongAnswerError(f"{name} is {ratio:.3g} on {problem}")

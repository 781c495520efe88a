"""Least squares refined to the last digit that the design matrix holds."""

import numpy as np

from kernels._contract import Solution, with_ridge_rows
from kernels._problem import Array, LeastSquares, power_of_two_above

_ITERATIONS = 30
_U, _LOST = 2.0**-53, 2.0**-100  # what is lost in numbers of 53 and of 106 bits

Twofold = tuple[Array, Array]  # an unevaluated sum


def refined(problem: LeastSquares) -> Solution:
    """Return the solution of full column rank to full working precision, entry by entry.

    Iterative refinement of the augmented system (Å. Björck, BIT 7 (1967)), in which w and the
    residual r = y - Xw are unknowns alike:

        [ I   X ] [ r ]   [ y ]
        [ Xᵀ  0 ] [ w ] = [ 0 ]

    Its residuals f = y - r - Xw and g = -Xᵀr are computed in twice the working precision, and w and
    r are carried in it (J. Demmel, Y. Hida, X. S. Li, E. J. Riedy, ACM Trans. Math. Softw. 35
    (2009)); corrections come from one pivoted QR of X, its columns first scaled to like norms by
    powers of two. Each step gains -log10(c u κ) digits, κ the condition number after scaling, so
    the answer is the exact solution for the X and y given, rounded once, until κ comes near 1/u.

    converged=True: the last correction was below u|w_k| in every entry, or, where w_k is zero or
    nearly so, below 2⁻¹⁰⁰ max(|w|, |y|) with columns and y scaled to like size: what twice the
    working precision can tell from zero. False, with the answer reached: the corrections stopped
    shrinking. Where the numerical rank is below p nothing
    is refined: the answer is the minimum-norm one of `scipy.linalg.lstsq`, converged=False.
    Where alpha > 0, X stands for [X; sqrt(alpha) I], with sqrt(alpha) rounded.

    Cost: QR, 2np² flops, and some 60np flops and two reads of X a step, in general 3 to 6 steps;
    in float64 for float32 problems too.
    """
    X, y = problem.X.astype(np.float64), problem.y.astype(np.float64)
    import scipy.linalg

    A, b = with_ridge_rows(X, y, problem.alpha)
    method = "ridge" if problem.alpha else "refined"
    units = np.array([power_of_two_above(column) for column in A.T])
    y_unit = power_of_two_above(b)
    A, b = np.asfortranarray(A / units), b / y_unit
    Q, R, pivots = scipy.linalg.qr(A, mode="economic", pivoting=True, check_finite=False)
    diagonal = np.abs(np.diag(R))
    rank = int(np.count_nonzero(diagonal > problem.rcond * diagonal[0]))
    if rank < problem.p:
        found = scipy.linalg.lstsq(problem.X, problem.y, cond=problem.rcond, check_finite=False)
        return Solution(found[0], int(found[2]), method, problem.alpha, converged=False)
    w, steps, converged = _refine(A, b, Q, R, pivots)
    w = (w * (y_unit / units)).astype(problem.dtype)
    return Solution(w, None if problem.alpha else rank, method, problem.alpha, steps, converged)


def _refine(A: Array, b: Array, Q: Array, R: Array, pivots: Array) -> tuple[Array, int, bool]:
    """Return w, the steps taken, and whether the last one was lost in the rounding of w."""
    from scipy.linalg import solve_triangular

    from kernels._twofold import residuals, two_sum

    def add(a: Twofold, b: Array) -> Twofold:
        s, e = two_sum(a[0], b)
        e += a[1]
        high = s + e
        return high, e - (high - s)

    n, p = A.shape
    # From r = 0 the first step is the solution by QR; from r = y it would be the normal equations'.
    w, r = (np.zeros(p), np.zeros(p)), (np.zeros(n), np.zeros(n))
    previous = np.inf
    for step in range(1, _ITERATIONS + 1):
        f, g = residuals(A, b, *w, *r)
        h = solve_triangular(R, g[pivots], trans="T", check_finite=False)
        d = h - Q.T @ f
        dw = np.empty(p)
        dw[pivots] = -solve_triangular(R, d, check_finite=False)
        w, r = add(w, dw), add(r, f + Q @ d)
        size = float(np.linalg.norm(dw))
        scale = float(max(np.abs(w[0]).max(), np.abs(b).max()))
        if np.all(np.abs(dw) <= np.maximum(_U * np.abs(w[0]), _LOST * scale)):
            return w[0], step, True
        if not size < previous / 2:
            break
        previous = max(size, 16 * _U * scale)  # steps of rounding size need not shrink at once
    return w[0], step, False

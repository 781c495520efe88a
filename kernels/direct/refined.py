"""Least squares refined to the last digit that the design matrix holds."""

from dataclasses import replace

import numpy as np

from kernels.problem import Array, LeastSquares
from kernels.rank.equilibration import one_size
from kernels.rank.row_space import numerical_rank, solved
from kernels.solution import Solution

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
    (2009)); corrections come from one pivoted QR of X, its columns first brought to one size by
    powers of two. Each step gains -log10(c u κ) digits, κ the condition number after scaling, so
    the answer is the exact solution for the X and y given, rounded once, until κ comes near 1/u.

    converged=True: the last correction was below u|w_k| in every entry, or, where w_k is zero or
    nearly so, below 2⁻¹⁰⁰ max(|w|, |X|ᵀ|y|) with columns and y scaled to like size: what twice the
    working precision can tell from zero. False, with the answer reached: the corrections stopped
    shrinking. Where the numerical rank is below p nothing
    is refined: the answer is the minimum-norm one of `numpy.linalg.lstsq`, converged=False.
    Where alpha > 0, X stands for [X; sqrt(alpha) I], with sqrt(alpha) rounded.

    Cost: QR, 2np² flops, and some 60np flops and two reads of X a step, in general 3 to 6 steps;
    in float64 for float32 problems too.
    """
    import scipy.linalg

    method = "ridge" if problem.alpha else "refined"
    scaled = one_size(problem.X, problem.y, problem.alpha)
    A, b = np.asfortranarray(scaled.Z), scaled.b
    Q, R, pivots = scipy.linalg.qr(A, mode="economic", pivoting=True, check_finite=False)
    rank = numerical_rank(scipy.linalg.svdvals(R, check_finite=False), problem.rcond)
    if rank < problem.p and not problem.alpha:
        found = solved(problem, problem.X, problem.y)
        return replace(found, method=method, converged=False)
    z, steps, converged = _refine(A, b, Q, R, pivots)
    w = scaled.coefficients(z)
    return Solution(w, None if problem.alpha else rank, method, problem.alpha, steps, converged)


def _refine(A: Array, b: Array, Q: Array, R: Array, pivots: Array) -> tuple[Array, int, bool]:
    """Return w, the steps taken, and whether the last one was lost in the rounding of w."""
    from scipy.linalg import solve_triangular

    from kernels.one_pass.residuals import residuals, two_sum

    def add(a: Twofold, b: Array) -> Twofold:
        s, e = two_sum(a[0], b)
        e += a[1]
        high = s + e
        return high, e - (high - s)

    n, p = A.shape
    # From r = 0 the first step is the solution by QR; from r = y it would be the normal equations'.
    w, r = (np.zeros(p), np.zeros(p)), (np.zeros(n), np.zeros(n))
    previous, at_zero = np.inf, (np.abs(A).T @ np.abs(b)).max()
    for step in range(1, _ITERATIONS + 1):
        f, g = residuals(A, b, *w, *r)
        h = solve_triangular(R, g[pivots], trans="T", check_finite=False)
        d = h - Q.T @ f
        dw = np.empty(p)
        dw[pivots] = -solve_triangular(R, d, check_finite=False)
        w, r = add(w, dw), add(r, f + Q @ d)
        size = float(np.linalg.norm(dw))
        scale = float(max(np.abs(w[0]).max(), at_zero))
        if np.all(np.abs(dw) <= np.maximum(_U * np.abs(w[0]), _LOST * scale)):
            return w[0], step, True
        if not size < previous / 2:
            break
        previous = max(size, 16 * _U * scale)  # steps of rounding size need not shrink at once
    return w[0], step, False

"""The solution of least norm, of least squares and of ridge, where X is rank deficient."""

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from kernels.problem import Array, LeastSquares
from kernels.rank.equilibration import Exponents, OneSize, one_size
from kernels.solution import Solution

# (A, b, rcond) -> the minimiser of |Az - b|, of least |z|, and the rank by rcond; None where the
# method does not tell, and singular values are to.
Lstsq = Callable[[Array, Array, float], tuple[Array, int | None]]

_UNKNOWN = np.empty(0)
_STEPS = 3
_RANGE = 500  # exponents of two: rows that are smaller than the largest by more count as such


class RowSpace:
    """The row space of X = Z D to its numerical rank r, for solutions whose 2-norm is least.

    With Z = U diag(s) Vᵀ, singular values that do not count left out, Vᵀz = c decides the fitted
    values, and of all such z the one for which |w| = |D⁻¹z| is least has w in the row space of X:

        D V = Q T,    w = Q q,    Tᵀq = c,    z = D w

    Rows of D V are of very unlike size where columns of X are. Householder QR with rows sorted by
    size and columns pivoted is stable row by row (A. J. Cox, N. J. Higham, in: Numerical Analysis
    1997, chapter 4), if Q is applied reflection by reflection and never formed; q is refined by
    what Vᵀz leaves of c. So the small coefficients of large columns keep their digits.

    Attributes
    ----------
    V : (p, r) array
        Right singular vectors, orthonormal; float64, as all of this.
    sigma, rotated : (r,) arrays
        Singular values of Z that count, and Uᵀb, where they are known.

    Cost: an SVD of min(n, p) x p after a QR of Z, 2 max(n, p) min(n, p)² flops and some 20 more in
    min(n, p)³; O(p r²) for D V.
    """

    def __init__(
        self, V: Array, columns: Exponents, sigma: Array = _UNKNOWN, rotated: Array = _UNKNOWN
    ) -> None:
        from scipy.linalg import get_lapack_funcs, qr

        self.V, self.sigma, self.rotated = V, sigma, rotated
        self._top = int(columns.max(initial=0))
        self._d = np.exp2(np.maximum(columns - self._top, -_RANGE).astype(np.float64))
        self._order = np.argsort(-self._d, kind="stable")
        A = (self._d[:, None] * V)[self._order]
        self._reflections, T, self._pivots = qr(A, mode="raw", pivoting=True, check_finite=False)
        self._T = T[: self.rank]
        self._multiply: Any = get_lapack_funcs("ormqr", (A,))

    @classmethod
    def of(cls, scaled: OneSize, rcond: float, rank: int | None = None) -> Self:
        """Return the row space of Z, of the rank given, else of that by rcond."""
        Zb: Any = np.column_stack([scaled.Z, scaled.b])
        if len(Zb) > Zb.shape[1]:
            Zb = np.linalg.qr(Zb, mode="r")
        U, sigma, Vt = np.linalg.svd(Zb[:, :-1], full_matrices=False)
        b = Zb[:, -1]
        rank = numerical_rank(sigma, rcond) if rank is None else rank
        return cls(Vt[:rank].T, scaled.columns, sigma[:rank], U[:, :rank].T @ b)

    @property
    def rank(self) -> int:
        return int(self.V.shape[1])

    def least_norm(self, c: Array) -> Array:
        """Return the z with Vᵀz = c for which |D⁻¹z| is least."""
        from scipy.linalg import solve_triangular

        z, q = np.zeros(len(self.V)), np.zeros(self.rank)
        for _ in range(_STEPS):
            left = (c - self.V.T @ z)[self._pivots]
            q += solve_triangular(self._T, left, trans="T", check_finite=False)
            z = self._from(q)
        return z

    def ridge(self, alpha: float, lstsq: Lstsq) -> Array:
        """Return the z of the ridge solution, which lies in the row space of X for every alpha > 0.

        w = Qq with q the ridge solution for XQ = U diag(s) VᵀD Q, (r, r) in the basis of U: what
        rounding would put outside of the row space, where alpha alone holds it, never comes in.
        """
        M = np.empty((self.rank, self.rank))
        M[self._pivots] = self._T.T  # VᵀDQ
        M *= self.sigma[:, None]
        with np.errstate(over="ignore", under="ignore"):
            root = np.ldexp(math.sqrt(alpha), -self._top)
        if not np.isfinite(root):  # alpha is infinitely larger than X²
            return np.zeros(len(self.V))
        stacked = np.vstack([M, root * np.eye(self.rank)])
        sizes = np.exp2(np.rint(np.log2(np.linalg.norm(stacked, axis=0))))
        q, _ = lstsq(stacked / sizes, np.append(self.rotated, np.zeros(self.rank)), 0.0)
        return self._from(q / sizes)

    def _from(self, q: Array) -> Array:
        """Return z = D Q q."""
        column = np.zeros((len(self.V), 1), order="F")
        column[: self.rank, 0] = q
        z = np.empty(len(self.V))
        z[self._order] = self._multiply("L", "N", *self._reflections, column, len(column))[0][:, 0]
        z *= self._d
        return z


def numpy_lstsq(A: Array, b: Array, rcond: float) -> tuple[Array, int]:
    """`numpy.linalg.lstsq`: LAPACK gelsd, singular values, of least norm."""
    z, _, rank, _ = np.linalg.lstsq(A, b, rcond=rcond)
    return z, int(rank)


def solved(problem: LeastSquares, X: Array, y: Array, lstsq: Lstsq = numpy_lstsq) -> Solution:
    """Return the solution by a library's lstsq, on columns of one size.

    X and y are those of the problem, or R and c with RᵀR = XᵀX and Rᵀc = Xᵀy. Full rank: what lstsq
    answers on Z, or on [X; sqrt(alpha) I] with columns of one size. Below it: `RowSpace`.

    float32 is solved in float64, as `numpy.linalg.lstsq` does by itself: with LAPACK in float32
    the backward error grows with n where rounding errors have one sign (2⁻¹⁷ at 2²⁰ rows of ones by
    PyTorch 2.13.0).
    """
    scaled, alpha = one_size(X, y), problem.alpha
    if not alpha:
        z, rank = lstsq(scaled.Z, scaled.b, problem.rcond)
        if rank is None or 0 < rank < problem.p:
            space = RowSpace.of(scaled, problem.rcond, rank)
            rank = space.rank
            if 0 < rank < problem.p:
                z = space.least_norm(space.V.T @ z)
        return Solution(scaled.coefficients(z), rank, "lstsq", 0.0)
    space = RowSpace.of(scaled, problem.rcond)
    if space.rank == problem.p:
        scaled = one_size(X, y, alpha)
        z, _ = lstsq(scaled.Z, scaled.b, 0.0)  # of full rank: nothing counts as zero
    else:
        z = space.ridge(alpha, lstsq) if space.rank else np.zeros(problem.p)
    return Solution(scaled.coefficients(z), None, "ridge", alpha)


def numerical_rank(sigma: Array, rcond: float) -> int:
    """Return how many singular values, in falling order, exceed rcond times the largest."""
    return int(np.count_nonzero(sigma > rcond * sigma[:1]))

"""Least squares by SciPy, factored once, with a ridge fallback where X is rank deficient."""

from typing import Any, final

import numpy as np
import scipy.linalg

from kernels.problem import Array
from kernels.rank.equilibration import OneSize, one_size
from kernels.rank.row_space import RowSpace, solved
from kernels.rank.tree import few_rows
from kernels.solution import Solution
from kernels.way import Way


@final
class ScipyWay(Way):
    """Pivoted QR of X once; every gradient from the p x p factor.

    The columns are brought to one size for it, so that the pivots do not depend on their units, and
    back. Tall X is factored by a tree of blocks of rows first: where all errors of rounding have
    one sign, as in columns of ones, they add up along a Householder vector. On a table of 1 612 x
    23 with an intercept the gradient was 100 u |a_j|(|y| + Σ|a_k||w_k|) off, and is 12 by the tree.
    float32 is factored in float64.

    With X P = Q R, c = Qᵀy and k = min(n, p), R is (k, p), c is (k,), and

        Xᵀ(Xw - y) = P Rᵀ (R Pᵀw - c)
        |Xw - y|²  = |R Pᵀw - c|² + |y|² - |c|²

    where the last difference is the squared norm of the part of Qᵀy beyond row k. Householder
    QR is backward stable column by column (N. J. Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., theorem 19.4), so the gradient's error is bounded by column norms.

    Cost: preparation 2np² flops and two copies of X; a gradient 4kp flops and no read of X. It pays
    where many gradients of one tall X are wanted.
    """

    factored = True

    def _prepare(self, X: Array, y: Array) -> None:
        scaled = one_size(X, y)
        # LAPACK leaves out a column of zeros, and then the factor of Z has other last bits.
        b = scaled.b if y.any() else np.ones_like(scaled.b)
        rows = few_rows(np.column_stack([scaled.Z, b]))
        (qr, tau), R, pivots = scipy.linalg.qr(
            rows[:, :-1], mode="raw", pivoting=True, check_finite=False
        )
        k = min(X.shape)
        multiply_q: Any = scipy.linalg.get_lapack_funcs("ormqr", (qr,))
        column = rows[:, -1:]
        work = int(multiply_q("L", "T", qr[:, :k], tau, column, -1)[1][0])
        rotated = multiply_q("L", "T", qr[:, :k], tau, column, work)[0][:, 0]
        rotated = np.ldexp(rotated, scaled.right)
        # Undo the pivoting in the columns of R once rather than in w at every call.
        RPt = np.empty((k, X.shape[1]))
        RPt[:, pivots] = R[:k]
        self._RPt = np.ldexp(RPt, scaled.columns).astype(X.dtype, copy=False)
        self._c = rotated[:k].astype(X.dtype)
        self._beyond = X.dtype.type(scipy.linalg.norm(rotated[k:]))
        self._scale = X.dtype.type(2 / len(y))
        self._alpha = X.dtype.type(self.problem.alpha)
        if not y.any():
            self._forget_y()

    def _forget_y(self) -> None:
        self._c = np.zeros_like(self._c)
        self._beyond = self._beyond.dtype.type(0)

    def _value(self, w: Array) -> float:
        return self._value_at(self._RPt @ w - self._c, w)

    def _gradient(self, w: Array) -> Array:
        return self._gradient_at(self._RPt @ w - self._c, w)

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        r = self._RPt @ w - self._c
        return self._value_at(r, w), self._gradient_at(r, w)

    def _value_at(self, r: Array, w: Array) -> float:
        squares = r @ r + self._beyond * self._beyond
        if self._alpha:
            squares += (self._alpha * w) @ w  # |w|² by itself may leave the range
        return float(squares / self.problem.n)

    def _gradient_at(self, r: Array, w: Array) -> Array:
        g: Array = self._RPt.T @ r
        if self._alpha:
            g += self._alpha * w
        g *= self._scale
        return g

    def solve(self) -> Solution:
        """Return the solution from the factor, O(p³), its columns brought to one size.

        Full rank: `scipy.linalg.lstsq` (gelsd). alpha > 0: see `solved`. Rank below p by
        `LeastSquares.rcond`: the ridge fallback, see `_perturbed`.
        """
        problem = self.problem
        if problem.alpha:
            return solved(problem, self._RPt, self._c, _lstsq)
        scaled = one_size(self._RPt, self._c)
        z, rank = _lstsq(scaled.Z, scaled.b, problem.rcond)
        if 0 < rank < problem.p:
            return self._perturbed(scaled, rank)
        return Solution(scaled.coefficients(z), rank, "lstsq", 0.0)

    def _perturbed(self, scaled: OneSize, rank: int) -> Solution:
        """Return the ridge solution that repairs a singular XᵀX, with the alpha it used.

        On columns of one size, (ZᵀZ + alpha I) z = Zᵀy has the fitted values of

            Vᵀz = c,    c_i = sigma_i / (sigma_i² + alpha) u_iᵀy,    alpha = eps sigma_r²

        with sigma_r the smallest singular value that counts. Along each v_i the bias is at most
        alpha / (sigma_r² + alpha) < eps: it vanishes in rounding, however far apart the singular
        values are, where an alpha relative to sigma_1 would wipe out all that is below its root. In
        the null space y has no say: of all z with these c the answer is that of least |w|.
        """
        space = RowSpace.of(scaled, self.problem.rcond, rank)
        sigma = space.sigma
        alpha = float(np.finfo(self.problem.dtype).eps) * float(sigma[-1]) ** 2
        z = space.least_norm(sigma / (sigma * sigma + alpha) * space.rotated)
        return Solution(scaled.coefficients(z), rank=rank, method="ridge", alpha=alpha)


def _lstsq(A: Array, b: Array, rcond: float) -> tuple[Array, int]:
    """Solve by singular values where they decide the rank, by QR where it is known to be full.

    Singular values cost digits: at alpha = 0.5, on a Vandermonde matrix of 2000 x 50, gelsd is
    right for data that differ by 26 u|A|, and gelsy for 1.4 u|A| (SciPy 1.17.1).
    """
    driver = "gelsd" if rcond else "gelsy"
    z, _, rank, _ = scipy.linalg.lstsq(A, b, cond=rcond, check_finite=False, lapack_driver=driver)
    return z, int(rank)

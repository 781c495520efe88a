"""Least squares by SciPy, factored once, with a ridge fallback where X is rank deficient."""

from typing import Any, final

import numpy as np
import scipy.linalg

from kernels._contract import Solution, Way, with_ridge_rows
from kernels._problem import Array


@final
class ScipyWay(Way):
    """Pivoted QR of X once; every gradient from the p x p factor.

    With X P = Q R, c = Qᵀy and k = min(n, p), R is (k, p), c is (k,), and

        Xᵀ(Xw - y) = P Rᵀ (R Pᵀw - c)
        |Xw - y|²  = |R Pᵀw - c|² + |y|² - |c|²

    where the last difference is the squared norm of the part of Qᵀy beyond row k. Householder
    QR is backward stable column by column (N. J. Higham, Accuracy and Stability of Numerical
    Algorithms, 2nd ed., theorem 19.4), so the gradient's error is bounded by column norms.

    Cost: preparation 2np² flops and about p reads of X (the pivoting is half BLAS 2), with
    one copy of X; a gradient 4kp flops and no read of X. It pays where many gradients of
    one tall X are wanted.
    """

    factored = True

    def _prepare(self, X: Array, y: Array) -> None:
        (qr, tau), R, pivots = scipy.linalg.qr(X, mode="raw", pivoting=True, check_finite=False)
        k = min(X.shape)
        multiply_q: Any = scipy.linalg.get_lapack_funcs("ormqr", (qr,))
        column = y[:, None]
        work = int(multiply_q("L", "T", qr[:, :k], tau, column, -1)[1][0])
        rotated = multiply_q("L", "T", qr[:, :k], tau, column, work)[0][:, 0]
        # Undo the pivoting in the columns of R once rather than in w at every call.
        self._RPt = np.empty((k, X.shape[1]), X.dtype)
        self._RPt[:, pivots] = R[:k]
        self._c = rotated[:k].copy()
        self._beyond = X.dtype.type(scipy.linalg.norm(rotated[k:]))
        self._scale = X.dtype.type(2 / len(y))
        self._alpha = X.dtype.type(self.problem.alpha)

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
        squares = r @ r + self._beyond * self._beyond + self._alpha * (w @ w)
        return float(squares / self.problem.n)

    def _gradient_at(self, r: Array, w: Array) -> Array:
        g: Array = self._RPt.T @ r
        if self._alpha:
            g += self._alpha * w
        g *= self._scale
        return g

    def solve(self) -> Solution:
        """Return the solution from the factor, O(p³).

        Full rank: `scipy.linalg.lstsq` (gelsd). alpha > 0: the same on [R; sqrt(alpha) I].
        Rank below p by `LeastSquares.rcond`: see `_perturbed`.
        """
        alpha, rcond = self.problem.alpha, self.problem.rcond
        A, b = with_ridge_rows(self._RPt, self._c, alpha)
        w, _, rank, _ = scipy.linalg.lstsq(A, b, cond=rcond, check_finite=False)
        if alpha:
            return Solution(w, rank=None, method="ridge", alpha=alpha)
        if 0 < rank < self.problem.p:  # rank 0: zero is the answer, and nothing to perturb
            return self._perturbed()
        return Solution(w, rank=int(rank), method="lstsq", alpha=0.0)

    def _perturbed(self) -> Solution:
        """Return the ridge solution that repairs a singular XᵀX, with the alpha it used.

        alpha = rcond * sigma_max² is the smallest perturbation, up to the modest factor in
        rcond = max(n, p) eps, for which XᵀX + alpha I stays positive definite when it is
        formed in the working precision: rounding moves its eigenvalues by about that much.
        Being relative to sigma_max², it changes nothing when the data are scaled.

        Against the minimum-norm solution the bias is at most alpha / (sigma_r² + alpha) in
        relative 2-norm. Rounding would add a second error, of the order of eps / rcond in the
        null space, where y has no say; so the solution is formed from the singular values
        above the rank cutoff alone, w = Σ sigma_i / (sigma_i² + alpha) v_i u_iᵀ c.
        """
        U, sigma, Vt = scipy.linalg.svd(self._RPt, full_matrices=False, check_finite=False)
        rcond, largest = self.problem.rcond, float(sigma[0])
        rank = int(np.count_nonzero(sigma > rcond * largest))
        # Relative to sigma_max: its square would overflow or vanish for data of 1e±160.
        ratio = sigma[:rank] / sigma[0]
        damped = ratio / (ratio * ratio + self._RPt.dtype.type(rcond))
        w = Vt[:rank].T @ (damped * (U[:, :rank].T @ self._c) / sigma[0])
        return Solution(w, rank=rank, method="ridge", alpha=rcond * largest * largest)

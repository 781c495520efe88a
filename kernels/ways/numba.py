"""The hand-derived kernel: one pass over X, compiled by Numba."""

import math
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np

from kernels.one_pass.cgls import conjugate_gradients
from kernels.one_pass.passes import NOT_FINITE, OnePass
from kernels.one_pass.residuals import residuals
from kernels.problem import Array
from kernels.rank.backward_error import backward_error
from kernels.rank.equilibration import one_size
from kernels.rank.gram import is_of_full_rank
from kernels.rank.row_space import numerical_rank, solved
from kernels.solution import Solution
from kernels.way import Way

_CORRECTIONS = 2
_RIGHT = 10 * 2.0**-53  # of |Z|_F: a third of what is called right


@final
class NumbaWay(Way):
    """The gradient derived by hand and summed block by block, so that X is read once.

        r_B = X_B w - y_B,    Xᵀr = Σ_B X_Bᵀ r_B,    |r|² = Σ_B |r_B|²

    over blocks B of rows, each folded into the gradient while it is still in cache. The derivation,
    and the gradient in ten lines: kernels/one_pass/plain.py. What limits the fast kernels, and what
    was measured: docs/kernel.md.

    Cost of a gradient: 4np flops and one read of X, 8np bytes in float64, where two
    matrix-vector products need two; f comes with it, and costs the same alone. X of 512 KiB and
    more is shared out among Numba's threads, in equal parts whose sums are added in order: the same
    thread count gives the same bits. In a forked child, where these threads are gone, the parts are
    taken in turn: the same bits, on one core (kernels/one_pass/threads.py).
    Preparation: none but layout. The first call for a dtype, an order and a kernel compiles
    (4 to 8 s with what Numba itself loads), or loads what an earlier process compiled (0.2 s).
    Solution: conjugate gradients from w = 0, compiled whole; see `solve`.
    """

    finds_nonfinite = True

    def _prepare(self, X: Array, y: Array) -> None:
        self.one_pass = OnePass(X, y, self.problem.alpha)
        self._run = self._first_run
        self._empty = partial(np.empty, X.shape[1:], X.dtype)  # half the time of np.empty_like

    def _first_run(self, w: Array, g: Array) -> float:
        # Not in `_prepare`: a way that is only solved with needs no gradient compiled.
        self._run = self.one_pass.bound()
        return self._run(w, g)

    def _gradient(self, w: Array) -> Array:
        g: Array = self._empty()
        if self._run(w, g) == NOT_FINITE:
            self.problem.coefficients(w)  # raises, and names the entry
        return g

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        g: Array = self._empty()
        squares = self._run(w, g)
        if squares == NOT_FINITE:
            self.problem.coefficients(w)
        return squares / self.problem.n, g

    def solve(self) -> Solution:
        """Return the solution by conjugate gradients in the form CGLS, on columns of one size.

        In float64 for float32 problems too, on Z or [X; sqrt(alpha) I] with columns of one size.
        Where the Gram matrix does not show that they are independent, singular values say what is,
        and the answer is that of least |w|: see `kernels.rank.row_space.solved`. converged=True is
        a certificate: that of `kernels.one_pass.cgls`, or a backward error of at most 10 u|Z|_F,
        a third of what is called right. It takes at most 10 min(n, p) + 100 iterations, and as
        many for each of two corrections where there is no certificate yet.

        Cost: two reads of X an iteration, np² flops for the Gram matrix, a copy of X in float64;
        2np² flops for a QR where the descent ends without its certificate.
        """
        descent = _Descent()
        X, y = self.one_pass.X, self.one_pass.y
        found = solved(self.problem, X, y, descent)
        gradient = self.gradient(found.w) if np.isfinite(found.w).all() else np.array([np.inf])
        return replace(
            found,
            method="cgls",
            iterations=descent.iterations,
            converged=descent.converged or self._is_right(found.w),
            gradient_norm=math.hypot(*gradient),
        )

    def _is_right(self, w: Array) -> bool:
        """Return whether the backward error of w is small enough; `solved` makes |w| the least.

        Of w itself: the z of the descent may be another one with the same fit.
        """
        scaled = one_size(self.one_pass.X, self.one_pass.y, self.problem.alpha)
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.ldexp(w.astype(np.float64), scaled.columns - scaled.right)
        if not np.isfinite(z).all():
            return False
        return _Judged(scaled.Z, scaled.b).error_and_residual(z)[0] <= _RIGHT


class _Judged:
    """Backward errors of answers to Z and b, their residuals in twice the working precision.

    Else what rounding puts into Zᵀr along small singular values would be divided by them or |r|.
    """

    def __init__(self, Z: Array, b: Array) -> None:
        self.A, self.b = np.asfortranarray(Z), b
        _, self.sigma, self.Vt = np.linalg.svd(np.linalg.qr(Z, mode="r"), full_matrices=False)
        self.zeros = np.zeros(len(b)), np.zeros(Z.shape[1])  # low parts, and r at first

    def error_and_residual(self, z: Array) -> tuple[float, Array]:
        """Return the backward error η(z) / |Z|_F, and b - Zz, (n,)."""
        of_rows, of_columns = self.zeros
        r = residuals(self.A, self.b, z, of_columns, of_rows, of_rows)[0]
        gradient = residuals(self.A, self.b, z, of_columns, r, of_rows)[1]
        norms = (float(np.linalg.norm(a)) for a in (r, z, self.b))
        return backward_error(self.sigma**2, self.Vt @ gradient, *norms), r


class _Descent:
    """CGLS as `kernels.rank.row_space.solved` takes a solver; it notes how the descent went.

    Where it ends without its certificate, the backward error is asked, and where that is too large
    it starts again from the residual b - Zz computed afresh: a correction, twice at most.
    """

    iterations, converged = 0, True

    def __call__(self, Z: Array, b: Array, rcond: float) -> tuple[Array, int | None]:
        limit = 10 * min(Z.shape) + 100
        z, self.iterations, self.converged = conjugate_gradients(Z, b, limit)
        if not self.converged:
            z = self._corrected(Z, b, z, rcond, limit)
        return z, Z.shape[1] if is_of_full_rank(Z) else None

    def _corrected(self, Z: Array, b: Array, z: Array, rcond: float, limit: int) -> Array:
        judged = _Judged(Z, b)
        rows = judged.Vt[: numerical_rank(judged.sigma, rcond)]
        z = rows.T @ (rows @ z)  # what rounding has put into the null space makes |z| large
        for _ in range(_CORRECTIONS):
            error, r = judged.error_and_residual(z)
            if error <= _RIGHT:
                break
            step, taken, _ = conjugate_gradients(Z, r, limit)
            z = z + rows.T @ (rows @ step)
            self.iterations += taken
        return z

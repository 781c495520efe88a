"""The hand-derived kernel: one pass over X, compiled by Numba."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np
from numba import get_num_threads

from kernels.one_pass.compile import compiled
from kernels.one_pass.passes import (
    THREADED,
    gradient_by,
    kernel_for,
    threaded_gradient_by,
    value_kernel_for,
)
from kernels.one_pass.threads import has_threads
from kernels.problem import Array
from kernels.rank.row_space import KEPT, solved
from kernels.solution import Solution
from kernels.way import Way


@final
class NumbaWay(Way):
    """The gradient derived by hand and summed block by block, so that X is read once.

        r_B = X_B w - y_B,    Xᵀr = Σ_B X_Bᵀ r_B,    |r|² = Σ_B |r_B|²

    over blocks B of rows, each folded into the gradient while it is still in cache. The kernels,
    what limits each, and what was measured: docs/kernel.md.

    Cost of a gradient: 4np flops and one read of X, 8np bytes in float64, where two
    matrix-vector products need two. X of 512 KiB and more is shared out among Numba's threads,
    in equal parts whose sums are added in order: the same thread count gives the same bits. In a
    forked child, where these threads are gone, the parts are taken in turn: the same bits, on one
    core (kernels/one_pass/threads.py).
    Preparation: none but layout. The first call for a dtype, an order and a kernel compiles
    (3 to 5 s with what Numba itself loads), or loads what an earlier process compiled (0.2 s).
    Solution: conjugate gradients from w = 0, compiled whole; see `solve`.
    """

    finds_nonfinite = True

    def _prepare(self, X: Array, y: Array) -> None:
        self._X, self._y = X, y
        self.one_pass = X, y, self.problem.alpha
        self._run, self._run_value = self._bound(kernel_for(X)), self._bound(value_kernel_for(X))
        self._empty = partial(np.empty, X.shape[1:], X.dtype)  # half the time of np.empty_like

    def _bound(self, kernel: int) -> Callable[[Array, Array], float]:
        """Return the compiled gradient by a kernel as a function of w and g."""
        X, fixed = self._X, (self._X, self._y, self.problem.alpha, 2 / len(self._y))
        if X.nbytes < THREADED:
            return partial(gradient_by(kernel), *fixed, 1)
        return lambda w, g: threaded_gradient_by(kernel, has_threads())(
            *fixed, get_num_threads(), w, g
        )

    def _value(self, w: Array) -> float:
        squares = self._run_value(w, self._empty())
        if squares == -1:
            self._refuse(w)
        return squares / len(self._y)

    def _gradient(self, w: Array) -> Array:
        g: Array = self._empty()
        if self._run(w, g) == -1:
            self._refuse(w)
        return g

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        g: Array = self._empty()
        squares = self._run(w, g)
        if squares == -1:
            self._refuse(w)
        return squares / len(self._y), g

    def _refuse(self, w: Array) -> None:
        """Raise, as the kernel's -1 says that an entry of w is not finite."""
        self.problem.coefficients(w)  # names the entry

    def solve(self) -> Solution:
        """Return the solution by conjugate gradients in the form CGLS, on columns of one size.

        Method: M. R. Hestenes and E. Stiefel, J. Res. Nat. Bur. Standards 49 (1952), section
        10; the residual is carried along, not ZᵀZz, so the condition number enters once. From
        z = 0, in float64 for float32 problems too, on Z or [X; sqrt(alpha) I] with columns of one
        size. Where the Gram matrix does not show that they are independent, singular values say
        what is, and the answer is that of least |w|: see `kernels.rank.row_space.solved`.

        converged=True is a certificate. Write r for the residual carried along, s = Zᵀr for its
        gradient, and e for the difference between r and y - Zz computed afresh. It says that

            |e| <= 10 u S    and    ( |s_k| <= 10 u |a_k||r| for every k   or   |r| <= 10 u S )

        with a_k column k of Z and S = |y| + Σ|a_k||z_k|. Then z is exact for data that differ from
        Z and y by at most 10 u |Z|_F in the first case, 14 u in the second, and as much again for
        e. It takes no more than 10 min(n, p) + 100 iterations; short of the certificate it says
        converged=False.

        Cost: two reads of X an iteration, np² flops for the Gram matrix, a copy of X in float64.
        """
        descent = _Descent()
        found = solved(self.problem, self._X, self._y, descent)
        gradient = self.gradient(found.w) if np.isfinite(found.w).all() else np.array([np.inf])
        return replace(
            found,
            method="cgls",
            iterations=descent.iterations,
            converged=descent.converged,
            gradient_norm=math.hypot(*gradient),
        )


class _Descent:
    """CGLS as `kernels.rank.row_space.solved` takes a solver; it notes how the descent went."""

    iterations, converged = 0, True

    def __call__(self, A: Array, b: Array, rcond: float) -> tuple[Array, int | None]:
        z, self.iterations, self.converged = _cgls(A, b, 10 * min(A.shape) + 100)
        return z, A.shape[1] if _is_of_full_rank(A) else None


def _is_of_full_rank(Z: Array) -> bool:
    """Return whether the Gram matrix of Z shows that its columns are independent."""
    n, p = Z.shape
    if n < p:
        return False
    eigenvalues = np.linalg.eigvalsh(Z.T @ Z)
    return bool(eigenvalues[0] > KEPT * eigenvalues[-1])


@compiled
def _cgls(Z, b, limit):  # type: ignore[no-untyped-def]
    """Minimise |Zz - b| from z = 0: z, iterations, certified. See `NumbaWay.solve`."""
    n, p = Z.shape
    tolerance = 10 * 2.0**-53
    columns = np.zeros(p)
    for i in range(n):
        for j in range(p):
            columns[j] += Z[i, j] * Z[i, j]
    columns = np.sqrt(columns)
    b_norm = np.sqrt(np.dot(b, b))
    z = np.zeros(p)
    r = b.copy()
    s = np.dot(Z.T, r)
    direction = s.copy()
    gamma = np.dot(s, s)
    for iteration in range(limit + 1):
        r_norm = np.sqrt(np.dot(r, r))
        size = tolerance * (b_norm + np.dot(columns, np.abs(z)))
        if r_norm <= size or np.all(np.abs(s) <= tolerance * columns * r_norm):
            drift = r - (b - np.dot(Z, z))
            return z, iteration, np.sqrt(np.dot(drift, drift)) <= size
        if iteration == limit:
            break
        q = np.dot(Z, direction)
        curvature = np.dot(q, q)
        if not curvature > 0:
            break
        step = gamma / curvature
        z += step * direction
        r -= step * q
        s = np.dot(Z.T, r)
        previous, gamma = gamma, np.dot(s, s)
        direction = s + (gamma / previous) * direction
    return z, iteration, False

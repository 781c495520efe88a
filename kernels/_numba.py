"""The hand-derived kernel: one pass over X, compiled by Numba."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, final

import numpy as np
from numba import get_num_threads

from kernels._compile import compiled
from kernels._contract import Solution, Way
from kernels._passes import (
    THREADED,
    gradient_by,
    kernel_for,
    threaded_gradient_by,
    value_kernel_for,
)
from kernels._problem import Array, power_of_two_above
from kernels._threads import has_threads


@final
class NumbaWay(Way):
    """The gradient derived by hand and summed block by block, so that X is read once.

        r_B = X_B w - y_B,    Xᵀr = Σ_B X_Bᵀ r_B,    |r|² = Σ_B |r_B|²

    over blocks B of rows, each folded into the gradient while it is still in cache. The kernels,
    what limits each, and what was measured: kernels/_passes.py.

    Cost of a gradient: 4np flops and one read of X, 8np bytes in float64, where two
    matrix-vector products need two. X of 512 KiB and more is shared out among Numba's threads,
    in equal parts whose sums are added in order: the same thread count gives the same bits. In a
    forked child, where these threads are gone, the parts are taken in turn: the same bits, on one
    core (kernels/_threads.py).
    Preparation: none but layout. The first call for a dtype, an order and a kernel compiles
    (3 to 5 s with what Numba itself loads), or loads what an earlier process compiled (0.2 s).
    Solution: conjugate gradients from w = 0, compiled whole; see `solve`.
    """

    finds_nonfinite = True

    def _prepare(self, X: Array, y: Array) -> None:
        self._X, self._y = X, y
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

    def _loops(self) -> Any:
        from kernels._compiled_loops import CompiledLoops

        return CompiledLoops(self._X, self._y, self.problem.alpha)

    def _refuse(self, w: Array) -> None:
        """Raise, as the kernel's -1 says that an entry of w is not finite."""
        self.problem.coefficients(w)  # names the entry

    def solve(self) -> Solution:
        """Return the solution by conjugate gradients in the form CGLS, from w = 0.

        Method: M. R. Hestenes and E. Stiefel, J. Res. Nat. Bur. Standards 49 (1952), section
        10; the residual is carried along, not XᵀXw, so the condition number enters once. Every
        iterate lies in the row space of X: where X is rank deficient the limit is the
        minimum-norm solution. The rank itself is not determined.

        converged=True is a certificate. Write r for the residual carried along, s = Xᵀr - alpha w
        for its gradient, and e for the difference between r and y - Xw computed afresh. Then the
        error of w is X⁺e + (XᵀX)⁻¹s, and with S = |y| + Σ|a_k||w_k| it is certified that

            |e| <= 10 u S    and    ( |s_k| <= 10 u |a_k||r| for every k   or   |r| <= 10 u S )

        which bounds the error by 20 times that of a backward stable direct solver (columns a_k
        and norms of the augmented problem [X; sqrt(alpha) I] where alpha > 0). It takes no more
        than 10 min(n, p) + 100 iterations; short of the certificate it says converged=False.

        Cost: two reads of X an iteration.
        """
        X, y = self._X, self._y
        alpha = X.dtype.type(self.problem.alpha)
        # Powers of two, so that scaling is exact and no square overflows or underflows.
        x_unit, y_unit = power_of_two_above(X), power_of_two_above(y)
        scaled_alpha = alpha / x_unit / x_unit
        limit = 10 * min(X.shape) + 100
        w, iterations, converged = _cgls(X, y / y_unit, scaled_alpha, 1 / x_unit, limit)
        w *= y_unit / x_unit
        gradient = self.gradient(w) if np.isfinite(w).all() else np.full_like(w, np.inf)
        return Solution(
            w,
            rank=None,
            method="cgls",
            alpha=self.problem.alpha,
            iterations=iterations,
            converged=converged,
            gradient_norm=math.hypot(*gradient),
        )


@compiled
def _cgls(X, y, alpha, unit, limit):  # type: ignore[no-untyped-def]
    """Minimise |(unit X)w - y|² + alpha |w|² from w = 0: w, iterations, certified.

    See `NumbaWay.solve`. ``unit`` is a power of two that brings X to at most 1.
    """
    n, p = X.shape
    zero = y.dtype.type(0)
    tolerance = 10 * y.dtype.type(np.finfo(y.dtype).eps / 2)
    columns = np.zeros(p, y.dtype)
    for i in range(n):
        for j in range(p):
            columns[j] += (unit * X[i, j]) ** 2
    columns = np.sqrt(columns + alpha)
    y_norm = np.sqrt(np.dot(y, y))
    w = np.zeros(p, y.dtype)
    r = y.copy()
    s = np.dot(X.T, unit * r)
    direction = s.copy()
    gamma = np.dot(s, s)
    for iteration in range(limit + 1):
        r_norm = np.sqrt(np.dot(r, r) + alpha * np.dot(w, w))
        size = tolerance * (y_norm + np.dot(columns, np.abs(w)))
        if r_norm <= size or np.all(np.abs(s) <= tolerance * columns * r_norm):
            drift = r - (y - np.dot(X, unit * w))
            return w, iteration, np.sqrt(np.dot(drift, drift)) <= size
        if iteration == limit:
            break
        q = np.dot(X, unit * direction)
        curvature = np.dot(q, q) + alpha * np.dot(direction, direction)
        if not curvature > zero:
            break
        step = gamma / curvature
        w += step * direction
        r -= step * q
        s = np.dot(X.T, unit * r) - alpha * w
        previous, gamma = gamma, np.dot(s, s)
        direction = s + (gamma / previous) * direction
    return w, iteration, False

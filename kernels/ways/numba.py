"""The hand-derived kernel: one pass over X, compiled by Numba."""

import math
from dataclasses import replace
from functools import partial
from typing import final

import numpy as np

from kernels.one_pass.cgls import conjugate_gradients
from kernels.one_pass.passes import NOT_FINITE, OnePass
from kernels.problem import Array
from kernels.rank.gram import is_of_full_rank
from kernels.rank.row_space import solved
from kernels.solution import Solution
from kernels.way import Way


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
        a certificate: see `kernels.one_pass.cgls`. It takes at most 10 min(n, p) + 100 iterations.

        Cost: two reads of X an iteration, np² flops for the Gram matrix, a copy of X in float64.
        """
        descent = _Descent()
        found = solved(self.problem, self.one_pass.X, self.one_pass.y, descent)
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

    def __call__(self, Z: Array, b: Array, rcond: float) -> tuple[Array, int | None]:
        limit = 10 * min(Z.shape) + 100
        z, self.iterations, self.converged = conjugate_gradients(Z, b, limit)
        return z, Z.shape[1] if is_of_full_rank(Z) else None

"""Descent on a p x p problem in place of an n x p one."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kernels._contract import with_ridge_rows
from kernels._minimum_norm import gram_of
from kernels._problem import Array, LeastSquares
from kernels._registry import WAYS
from kernels._run import Run
from kernels._stopping import RUNNING, Observer, Progress

_EPS = 2.0**-52
_CONTRACTION = 1e-2  # of the error in a round, at the least, where the Gram matrix is used
_ROUNDS = 5


class Factor(NamedTuple):
    """R, (p, p) upper triangular, with RᵀR = XᵀX + alpha I to rounding, and c = R⁻ᵀXᵀy.

    Then |Xw - y|² + alpha |w|² = |Rw - c|² + a constant. ``by`` is "gram" or "qr".
    """

    R: Array
    c: Array
    by: str


def factor(problem: LeastSquares) -> Factor:
    """Return the p x p factor of a problem: from the Gram matrix if that is safe, else by QR.

    The Gram matrix costs np² flops at the speed of matrix products, and one read of X, but it
    squares the condition number: its Cholesky factor is that of XᵀX + E with |E| about
    max(n, p) u |X|². Solving with it and taking the gradient from X itself multiplies the error by
    max(n, p) u κ(XᵀX) a round; the Gram matrix is taken where LAPACK's estimate of κ (pocon) makes
    that at most 1e-2. Householder QR of [X y], 2np² flops, does not square anything and takes
    singular X as well.
    """
    found = _by_cholesky(problem)
    return _by_qr(problem) if found is None else found


def _by_cholesky(problem: LeastSquares) -> Factor | None:
    from scipy.linalg import LinAlgError, cholesky, get_lapack_funcs, solve_triangular

    X, p = problem.X.astype(np.float64, copy=False), problem.p
    with np.errstate(over="ignore", invalid="ignore"):
        gram = gram_of(X)
        gram[np.diag_indices(p)] += problem.alpha
        size = np.linalg.norm(gram, 1)
        if not 0 < size < np.inf:
            return None
        try:
            R = cholesky(gram, check_finite=False)
        except LinAlgError:
            return None
    (condition,) = get_lapack_funcs(("pocon",), (R,))
    reciprocal, _ = condition(R, size)
    if max(X.shape) * _EPS > _CONTRACTION * reciprocal:
        return None
    return Factor(R, solve_triangular(R, X.T @ problem.y, trans="T", check_finite=False), "gram")


def _by_qr(problem: LeastSquares) -> Factor:
    from scipy.linalg import qr

    A, b = with_ridge_rows(problem.X, problem.y, problem.alpha)
    triangle = qr(np.column_stack([A, b]), mode="r", overwrite_a=True, check_finite=False)[0]
    p = problem.p
    return Factor(np.ascontiguousarray(triangle[:p, :p]), triangle[:p, p].copy(), "qr")


def reduced(run: Run, inner: Callable[[Run], str]) -> str:
    """Run a descent method on the p x p factor, and see on X itself what it has found.

    A round descends on |Rd - c|², at 4p² flops an iteration that does not depend on n, moves w by
    d, takes ∇f(w) from X, and makes c the right-hand side of what is left. Where X has fewer than
    2p rows the method runs on X.

    `Solution.iterations` counts those of p x p; `Solution.evaluations` the reads of X. In float32
    the factor is float64 by Gram, float32 by QR.
    """
    from scipy.linalg import solve_triangular

    problem, stopping = run.way.problem, run.stopping
    if problem.n < 2 * problem.p or run.w.any():
        return inner(run)
    R, c, by = factor(problem)
    run.evaluations += 1
    for _ in range(_ROUNDS):
        if stopped := run.reason(RUNNING):
            return stopped
        left = replace(
            stopping,
            gradient=stopping.gradient / 2,
            iterations=stopping.iterations - run.iterations,
            seconds=max(0.0, stopping.seconds - run.seconds),
        )
        part = Run(WAYS["numba"](LeastSquares(R, c)), left, observe=_seen_from(run, c))
        run.w += part.w if inner(part) == "gradient" else part.best
        run.iterations += part.iterations
        run.read()
        if stopped := run.reason(run.judged()):
            return stopped
        if by == "qr":
            break
        c = solve_triangular(R, run.g * (-problem.n / 2), trans="T", check_finite=False)
    return "stalled"


def _seen_from(run: Run, c: Array) -> Observer | None:
    """Return what shows the progress of a round as that of f, which is p/n of its own and more."""
    if run.observe is None:
        return None
    problem = run.way.problem
    share, began, evaluations = problem.p / problem.n, run.seconds, run.evaluations
    constant, start = run.value - float(c @ c) / problem.n, run.w.copy()

    def seen(progress: Progress) -> None:
        run.show(
            Progress(
                began + progress.seconds,
                np.full_like(progress.evaluations, evaluations),
                constant + share * progress.values,
                share * progress.gradient_norms,
                (start + progress.w).astype(start.dtype, copy=False),
            )
        )
        if run.is_seen_enough:
            raise StopIteration

    return seen

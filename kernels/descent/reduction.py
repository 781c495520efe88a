"""Descent on a p x p problem in place of an n x p one."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kernels.descent.run import Run
from kernels.descent.stopping import Observer, Progress, Verdict
from kernels.problem import Array, LeastSquares
from kernels.rank.equilibration import one_size
from kernels.rank.gram import both_added, gram_of, gram_on_one_size
from kernels.registry import WAYS

_EPS = 2.0**-52
_TINY = 1e-100  # squares of a column that are larger than that have lost nothing
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

    On columns of one size, and scaled back. The Gram matrix costs np² flops at the speed of matrix
    products, and one read of X, but it squares the condition number: its Cholesky factor is that of
    ZᵀZ + E with |E| about 8 sqrt(np) u |Z|² (see `LeastSquares.rcond` for Z). Solving with it and
    taking the gradient from X itself multiplies the error by 8 sqrt(np) u κ(ZᵀZ) a round; the Gram
    matrix is taken where LAPACK's estimate of κ (pocon) makes that at most 1e-2. Householder QR of
    [Z y], 2np² flops and a copy of X, does not square anything and takes singular X as well.
    """
    found = _by_cholesky(problem)
    return _by_qr(problem) if found is None else found


def _by_cholesky(problem: LeastSquares) -> Factor | None:
    from scipy.linalg import LinAlgError, cholesky, get_lapack_funcs, solve_triangular

    p = problem.p
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        gram, right = problem.over_rows(_gram_and_right, both_added)
        gram[np.diag_indices(p)] += problem.alpha
        squares = np.diag(gram)
        if not (squares.min() > _TINY and np.isfinite(squares.max())):
            return None
        gram, columns = gram_on_one_size(gram)
        try:
            R = cholesky(gram, check_finite=False)
        except LinAlgError:
            return None
    (condition,) = get_lapack_funcs(("pocon",), (R,))
    reciprocal, _ = condition(R, np.linalg.norm(gram, 1))
    if 4 * math.sqrt(problem.n * p) * _EPS > _CONTRACTION * reciprocal:
        return None
    c = solve_triangular(R, np.ldexp(right, -columns), trans="T", check_finite=False)
    return Factor(np.ldexp(R, columns), c, "gram")


def _gram_and_right(X: Array, y: Array) -> tuple[Array, Array]:
    X = X.astype(np.float64, copy=False)
    return gram_of(X), X.T @ y


def _by_qr(problem: LeastSquares) -> Factor:
    from scipy.linalg import qr

    problem = problem.condensed()
    scaled, p = one_size(problem.X, problem.y, problem.alpha), problem.p
    stacked = np.column_stack([scaled.Z, scaled.b])
    triangle = qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0]
    R = np.ldexp(np.ascontiguousarray(triangle[:p, :p]), scaled.columns)
    return Factor(R, np.ldexp(triangle[:p, p], scaled.right), "qr")


def reduced(run: Run, inner: Callable[[Run], str]) -> str:
    """Run a descent method on the p x p factor, and see on X itself what it has found.

    A round descends on |Rd - c|², at 4p² flops an iteration that does not depend on n, moves w by
    d, takes ∇f(w) from X, and makes c the right-hand side of what is left. Where X has fewer than
    2p rows the method runs on X.

    `Solution.iterations` counts those of p x p; `Solution.evaluations` the reads of X. The factor
    is float64 whatever the dtype of X.
    """
    from scipy.linalg import solve_triangular

    problem, stopping = run.way.problem, run.stopping
    if problem.n < 2 * problem.p or run.w.any():
        return inner(run)
    R, c, by = factor(problem)
    run.evaluations += 1
    for _ in range(_ROUNDS):
        if stopped := run.reason(Verdict.RUNNING):
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

"""The largest and the smallest curvature of f, without forming XᵀX."""

from typing import NamedTuple

import numpy as np

from kernels.descent.loops import loops_of
from kernels.descent.steps import Lanczos
from kernels.problem import Array
from kernels.way import Way

_STEPS = 100  # at most
_FIRST = 8
_LARGEST, _SMALLEST = 1e-3, 1e-2  # relative residuals that are small enough


class Curvature(NamedTuple):
    """Eigenvalues of the Hessian H = (2/n)(XᵀX + alpha I) on the row space of X.

    ``largest`` is L, from above to 0.1 %; ``smallest`` is mu, from above; ``evaluations`` is what
    they cost, in gradients.
    """

    largest: float
    smallest: float
    evaluations: int


def curvature(way: Way, *, smallest: bool) -> Curvature:
    """Return L and mu by the Lanczos process, matrix-free, one gradient a step.

    From a random vector of the row space, with full reorthogonalisation, the Ritz values θ_i tend
    to the eigenvalues from inside the spectrum, and one lies within the residual
    ρ_i = b_k |last entry of the i-th eigenvector of T_k| (B. N. Parlett, The Symmetric Eigenvalue
    Problem, 1998, section 13.2). L is the largest θ + ρ once ρ <= 1e-3 θ. mu is the smallest θ
    above rcond L, once ρ <= 1e-2 θ if ``smallest`` is asked for, else as it happens to be; or
    after as many steps as the rank allows, or 100. An estimate of mu that is too large makes
    2/(L + mu) and the heavy ball slow, not unstable.

    Cost: 8 to 100 gradients and O(p) for each pair of steps.
    """
    problem, loops = way.problem, loops_of(way)
    steps = min(problem.n, problem.p, _STEPS)
    basis = np.zeros((steps + 1, problem.p), problem.dtype)
    diagonal, beside = np.zeros((2, steps), problem.dtype)
    shift = 2 * problem.alpha / problem.n  # what H is on the null space
    basis[0] = _in_row_space(way, shift)
    reached = 0
    while True:
        stop = min(steps, max(_FIRST, 2 * reached))
        reached = loops.lanczos(Lanczos(basis, diagonal, beside, reached, stop, problem.rcond))
        found, residuals = _ritz(diagonal[:reached], beside[:reached])
        kept = found - shift > problem.rcond * found[-1]
        kept[-1] = True  # where alpha is all of H to rounding, there is one eigenvalue
        mu, uncertain = found[kept][0], residuals[kept][0]
        settled = residuals[-1] <= _LARGEST * found[-1]
        if smallest:
            settled = settled and uncertain <= _SMALLEST * mu
        if settled or reached < stop or reached == steps:
            return Curvature(float(found[-1] + residuals[-1]), float(mu), reached + 1)


def _in_row_space(way: Way, shift: float) -> Array:
    """Return XᵀX times a random vector v, normalised; v where alpha leaves nothing of it."""
    problem = way.problem
    v = np.random.default_rng(0).standard_normal(problem.p).astype(problem.dtype)
    image: Array = way.homogeneous().gradient(v) - problem.dtype.type(shift) * v
    return next(u / size for u in (image, v) if (size := np.linalg.norm(u)))


def _ritz(diagonal: Array, beside: Array) -> tuple[Array, Array]:
    """Return the eigenvalues of the tridiagonal matrix, ascending, and their residuals."""
    T = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(T.astype(np.float64))
    return values, beside[-1] * np.abs(vectors[-1])

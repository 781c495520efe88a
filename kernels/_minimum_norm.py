"""Minimum-norm least squares of a tall X for the price of one Gram matrix, with a certificate."""

import math
from typing import NamedTuple

import numpy as np

from kernels._contract import Solution, Way, with_ridge_rows
from kernels._problem import Array, LeastSquares, power_of_two_above
from kernels._registry import WAYS

_KEPT = 1e-10  # of the largest eigenvalue of XᵀX: up to a condition number of 1e5 on the row space
# |B| <= 100 sqrt(2/π) max_i |B ω_i| for three Gaussian vectors ω_i, but with probability 1e-6:
# N. Halko, P. G. Martinsson, J. A. Tropp, SIAM Review 53 (2011), lemma 4.1.
_SAMPLES, _NORM_FACTOR = 3, 100 * math.sqrt(2 / math.pi)
_STEPS = 10
_EPS = 2.0**-52
_SAFE = 1e-100, 1e100  # of |X|² and |y|²: w is within 1e±100 then, and no square leaves the range
_LARGE = 1 << 20  # bytes of X: from here on Numba pays for its import and the wake of its threads


def minimum_norm(problem: LeastSquares) -> Solution:
    """Return the minimiser of least 2-norm: iterated Tikhonov where that is certified, else gelsd.

    The perturbed normal equations (XᵀX + αI) w = Xᵀy are solvable whatever the rank, with a bias
    of α/(σ_i² + α) along each right singular vector v_i. Iterated,

        w ← w + P (XᵀX + αI)⁻¹ Xᵀ(y - Xw),    w = 0 at first,    α = rcond σ_max²,

    the first iterate is the ridge solution, and each step multiplies the bias by α/(σ_i² + α)
    (J. T. King, D. Chillingworth, Numer. Funct. Anal. Optim. 1 (1979)). The gradient comes
    from X itself, so that the rounding E of the Gram matrix, which would cost twice the digits, is
    only another factor |E|/σ_r² of the contraction. In the null space, where the matrix is α and
    Xᵀr is rounding noise, P = V_r V_rᵀ takes that noise out. V_r holds the eigenvectors of XᵀX with
    eigenvalues above 1e-10 σ_max²; W is the rest, and W' = W - V_r Λ_r⁻¹ V_rᵀ XᵀX W is W refined.

    The certificate:

        |XW| or |XW'| <= rcond σ_max        what was dropped is null, so the rank is right
        |W' - W| <= 10 max(n, p) eps        V_r spans the row space to rounding
        |(Xᵀ(y - Xw))_j| <= rcond |a_j| ( |y| + Σ|a_k||w_k| )       the gradient is rounding noise
        |last step| <= 4 eps (σ_max/σ_r) |w|     w is as good as the rounding of X lets it be

    The norms of the first two are estimated from three random vectors (a fixed seed). Where it
    fails, as it does when the spectrum has no clear gap, and where n < 2p, the answer is that of
    `numpy.linalg.lstsq`.

    Method: "tikhonov", or "lstsq" for the fallback ("ridge" where the problem has an alpha > 0).
    Cost: np² flops for XᵀX, some 10p³ for its eigenvectors and seven gradients, by the numba way
    where X takes 1 MiB and more; gelsd takes 2np² flops at a lower speed. float32 is computed
    in float64, in a copy of X.
    """
    if problem.alpha == 0 and problem.n >= 2 * problem.p and (found := _iterated(problem)):
        return found
    A, b = with_ridge_rows(problem.X, problem.y, problem.alpha)
    w, _, rank, _ = np.linalg.lstsq(A, b, rcond=problem.rcond)
    if problem.alpha:
        return Solution(w, rank=None, method="ridge", alpha=problem.alpha)
    return Solution(w, rank=int(rank), method="lstsq", alpha=0.0)


class _Spectrum(NamedTuple):
    """Of XᵀX: the eigenvalues kept, their eigenvectors, the other ones; the column norms of X."""

    kept: Array
    V: Array
    W: Array
    columns: Array

    def step(self, gradient: Array, alpha: float) -> Array:
        """Return P (XᵀX + alpha I)⁻¹ times a vector."""
        step: Array = self.V @ ((self.V.T @ gradient) / (self.kept + alpha))
        return step


def _iterated(problem: LeastSquares) -> Solution | None:
    """Return the solution by iterated Tikhonov, or None where it is not certified."""
    scaled, gram, unit = _scaled_and_gram(problem)
    spectrum = _spectrum(gram, problem.rcond)
    rank = len(spectrum.kept)
    if rank == 0:
        return Solution(np.zeros(problem.p, problem.dtype), 0, "tikhonov", 0.0)
    way = WAYS["numba" if _is_large(scaled.X) else "numpy"]
    prepared, y_norm = way(scaled), float(np.linalg.norm(scaled.y))
    if not _drops_only_the_null_space(prepared, spectrum, problem.rcond):
        return None
    condition = math.sqrt(spectrum.kept[-1] / spectrum.kept[0])
    w = np.zeros(problem.p)
    gradient = prepared.gradient(w)
    for steps in range(1, _STEPS + 1):
        step = spectrum.step(gradient * (problem.n / 2), scaled.rcond * spectrum.kept[-1])
        w -= step
        gradient = prepared.gradient(w)
        if np.linalg.norm(step) > 4 * _EPS * condition * np.linalg.norm(w):
            continue
        size = 2 / problem.n * spectrum.columns * (y_norm + spectrum.columns @ np.abs(w))
        if np.all(np.abs(gradient) <= problem.rcond * size):
            return Solution(
                (w * unit).astype(problem.dtype),
                rank=rank,
                method="tikhonov",
                alpha=0.0,
                iterations=steps,
            )
    return None


def _scaled_and_gram(problem: LeastSquares) -> tuple[LeastSquares, Array, float]:
    """Return the problem to solve, its XᵀX, and the power of two its solution is to be times.

    It is the problem itself, or a copy in float64 with X and y brought to at most 1.
    """
    if problem.dtype == np.float64:
        with np.errstate(over="ignore", invalid="ignore"):
            gram, y_squares = gram_of(problem.X), problem.y @ problem.y
        if all(_SAFE[0] < size < _SAFE[1] for size in (np.trace(gram), y_squares)):
            return problem, gram, 1.0
    x_unit, y_unit = float(power_of_two_above(problem.X)), float(power_of_two_above(problem.y))
    X, y = problem.X.astype(np.float64) / x_unit, problem.y.astype(np.float64) / y_unit
    return LeastSquares(X, y), gram_of(X), y_unit / x_unit


def gram_of(X: Array) -> Array:
    """Return XᵀX by BLAS where X is small, else by `kernels._gram`, in float64 then."""
    if not _is_large(X):
        product: Array = X.T @ X
        return product
    from kernels._gram import gram

    return gram(X)


def _is_large(X: Array) -> bool:
    return X.nbytes > _LARGE


def _spectrum(gram: Array, rcond: float) -> _Spectrum:
    eigenvalues, vectors = np.linalg.eigh(gram)
    cutoff = max(_KEPT, rcond * rcond) * max(0.0, eigenvalues[-1])
    dropped = int(np.count_nonzero(eigenvalues <= cutoff))
    V, W = vectors[:, dropped:], vectors[:, :dropped]
    return _Spectrum(eigenvalues[dropped:], V, W, np.sqrt(np.diag(gram)))


def _drops_only_the_null_space(way: Way, spectrum: _Spectrum, rcond: float) -> bool:
    """Return whether the first two lines of the certificate hold."""
    problem, W = way.problem, spectrum.W
    if W.shape[1] == 0:
        return True
    prepared = way.homogeneous()
    largest = math.sqrt(spectrum.kept[-1])
    for sample in (W @ np.random.default_rng(0).standard_normal((W.shape[1], _SAMPLES))).T.copy():
        value, gradient = prepared.value_and_gradient(sample)
        correction = spectrum.step(gradient * (problem.n / 2), 0.0)
        if not _NORM_FACTOR * float(np.linalg.norm(correction)) <= 10 * problem.rcond:
            return False
        if _NORM_FACTOR * math.sqrt(value * problem.n) > rcond * largest:
            value = prepared.value(sample - correction)
        if not _NORM_FACTOR * math.sqrt(value * problem.n) <= rcond * largest:
            return False
    return True

"""Minimum-norm least squares of a tall X at the cost of one Gram matrix, with a certificate."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from kernels.problem import Array, LeastSquares
from kernels.rank.backward_error import backward_error
from kernels.rank.equilibration import Exponents, exponents_of, on_one_size
from kernels.rank.gram import KEPT, both_added, gram_of, gram_on_one_size, is_large
from kernels.rank.row_space import RowSpace, solved
from kernels.registry import ways_for
from kernels.solution import Solution

# |B|_F² is the mean of |Bω|² over Gaussian ω. Of sixteen the mean is below |B|_F² / 3.5² with
# probability 5e-7 at most (chi-squared, sixteen degrees of freedom, where B has rank 1).
_SAMPLES, _NORM_FACTOR = 16, 3.5
_STEPS = 10
_EPS = 2.0**-52
_RIGHT = 5 * _EPS  # of |Z|_F: a third of what is called right
_SAFE = 1e-100, 1e100  # of |x_j|² and |y|²: no square leaves the range then
_TURNED = 1e-8  # as an angle: its square, which refining V_r leaves, is nothing
_BLOCK = 1 << 18  # entries of X at a time, which stay in cache between two products


def minimum_norm(problem: LeastSquares) -> Solution:
    """Return the minimiser of least 2-norm: iterated Tikhonov where that is certified, else gelsd.

    On columns of one size, Z = X D⁻¹, the perturbed normal equations (ZᵀZ + αI) z = Zᵀy are
    solvable whatever the rank, with a bias of α/(σ_i² + α) along each right singular vector v_i.
    Iterated,

        z ← z + P (ZᵀZ + αI)⁻¹ Zᵀ(y - Zz),    z = 0 at first,    α = rcond σ_max²,

    the first iterate is the ridge solution, and each step multiplies the bias by α/(σ_i² + α)
    (J. T. King, D. Chillingworth, Numer. Funct. Anal. Optim. 1 (1979)). The gradient comes
    from X itself, so that the rounding E of the Gram matrix, which would cost twice the digits, is
    only another factor |E|/σ_r² of the contraction. In the null space, where the matrix is α and
    Zᵀr is rounding noise, P = V_r V_rᵀ takes that noise out. V_r holds the eigenvectors of ZᵀZ with
    eigenvalues above 1e-10 σ_max²; W is the rest, and W' = W - V_r Λ_r⁻¹ V_rᵀ ZᵀZ W is W refined.
    Of all z with these V_rᵀz the answer is that of least |w|: see `RowSpace`.

    The certificate:

        |ZW'|_F <= rcond σ_max              what was dropped is null, so the rank is right
        |W' - W|_F <= 1e-8                  V_r + W(W - W')ᵀV_r spans the row space to rounding,
                                            and V_r itself where it is at most 2 rcond
        η(z) <= 10 u |Z|_F                  the smallest change of Z and y for which z is exact
        |last step| <= 4 eps (σ_max/σ_r) |z|     z is as good as the rounding of X lets it be

    η is the optimal backward error (N. J. Higham, Accuracy and Stability of Numerical Algorithms,
    2nd ed., section 20.7), from the eigenvalues at hand. The norms of the first two are estimated
    from sixteen random vectors (a fixed seed) where W has more columns. Where the certificate
    fails, as it does when the spectrum has no clear gap, and where n < 2p, the answer is that of
    `numpy.linalg.lstsq` on Z.

    Method: "tikhonov", or "lstsq" for the fallback ("ridge" where the problem has an alpha > 0).
    Cost: np² flops for XᵀX, 4np min(p - r, 16) for ZᵀZW, some 10p³ for the eigenvectors and four
    gradients, by the numba way where X takes 1 MiB and more; gelsd takes 2np² flops at a lower
    speed. X is copied only where its squares leave the range, and for float32, which is computed in
    float64.
    """
    if problem.alpha == 0 and problem.n >= 2 * problem.p and (found := _iterated(problem)):
        return found
    few = problem.condensed()
    return solved(problem, few.X, few.y)


class _ScaledProblem(NamedTuple):
    """A problem, and the exponents of D and of y that are still to be divided out of it.

    ``coefficients`` are those of w = 2^coefficients z: the same, or what a copy was scaled by.
    """

    problem: LeastSquares
    y_norm: float
    gram: Array  # of Z
    columns: Exponents
    coefficients: Exponents


class _Spectrum(NamedTuple):
    """Of ZᵀZ: the eigenvalues kept, their eigenvectors, the other ones."""

    kept: Array
    V: Array
    W: Array

    def step(self, gradient: Array, alpha: float) -> Array:
        """Return P (ZᵀZ + alpha I)⁻¹ times a vector, or times columns."""
        kept = self.kept if gradient.ndim == 1 else self.kept[:, None]
        step: Array = self.V @ ((self.V.T @ gradient) / (kept + alpha))
        return step

    def backward_error(self, gradient: Array, r_norm: float, z: Array, y_norm: float) -> float:
        """Return η(z) / |Z|_F for Zᵀr and |r|."""
        squares = np.concatenate([self.kept, np.zeros(self.W.shape[1])])
        rotated = np.concatenate([self.V.T @ gradient, self.W.T @ gradient])
        return backward_error(squares, rotated, r_norm, float(np.linalg.norm(z)), y_norm)


def _iterated(problem: LeastSquares) -> Solution | None:
    """Return the solution by iterated Tikhonov, or None where it is not certified."""
    scaled = _on_one_size(problem)
    spectrum, rcond = _spectrum(scaled.gram), problem.rcond
    rank = len(spectrum.kept)
    if rank == 0:
        return Solution(np.zeros(problem.p, problem.dtype), 0, "tikhonov", 0.0)
    seen = _refined(scaled, spectrum, 15 * math.sqrt(problem.p) * _EPS)
    if seen is None:
        return None
    spectrum = seen
    n, columns = problem.n, scaled.columns
    way = ways_for(scaled.problem)["numba" if is_large(scaled.problem) else "numpy"](scaled.problem)
    y_norm = scaled.y_norm
    condition = math.sqrt(spectrum.kept[-1] / spectrum.kept[0])
    z, gradient = np.zeros(problem.p), way.gradient(np.zeros(problem.p))
    for steps in range(1, _STEPS + 1):
        gradient = np.ldexp(gradient * (n / 2), -columns)
        step = spectrum.step(gradient, rcond * spectrum.kept[-1])
        z -= step
        value, gradient = way.value_and_gradient(np.ldexp(z, -columns))
        if np.linalg.norm(step) > 4 * _EPS * condition * np.linalg.norm(z):
            continue
        left = np.ldexp(gradient * (n / 2), -columns)
        if spectrum.backward_error(left, math.sqrt(value * n), z, y_norm) <= _RIGHT:
            if rank < problem.p:
                z = RowSpace(spectrum.V, -scaled.coefficients).least_norm(spectrum.V.T @ z)
            w = np.ldexp(z, scaled.coefficients).astype(problem.dtype)
            return Solution(w, rank, "tikhonov", 0.0, iterations=steps)
    return None


def _on_one_size(problem: LeastSquares) -> _ScaledProblem:
    """Return the problem as it is where its squares are in range, else a scaled copy in float64."""
    if problem.dtype == np.float64:
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            gram, y_squares = problem.over_rows(_gram_and_squares, both_added)
        squares = np.diag(gram)
        if all(_SAFE[0] < size < _SAFE[1] for size in (squares.min(), squares.max(), y_squares)):
            gram, columns = gram_on_one_size(gram)
            return _ScaledProblem(problem, math.sqrt(y_squares), gram, columns, -columns)
    columns, right = exponents_of(problem)
    copy = problem.mapped(partial(on_one_size, columns, right))
    gram, y_squares = copy.over_rows(_gram_and_squares, both_added)
    back = right - columns
    return _ScaledProblem(copy, math.sqrt(y_squares), gram, np.zeros_like(back), back)


def _gram_and_squares(X: Array, y: Array) -> tuple[Array, float]:
    return gram_of(X), float(y @ y)


def _spectrum(gram: Array) -> _Spectrum:
    eigenvalues, vectors = np.linalg.eigh(gram)
    dropped = int(np.count_nonzero(eigenvalues <= KEPT * max(0.0, eigenvalues[-1])))
    return _Spectrum(eigenvalues[dropped:], vectors[:, dropped:], vectors[:, :dropped])


def _refined(scaled: _ScaledProblem, spectrum: _Spectrum, rcond: float) -> _Spectrum | None:
    """Return the spectrum with V_r refined; None where W is not the null space by rcond.

    Of more than sixteen columns W only samples are taken, and V_r must be right as it is.
    """
    kept, V, W = spectrum
    count, factor = W.shape[1], 1.0
    if count == 0:
        return spectrum
    if count > _SAMPLES:
        samples = np.random.default_rng(0).standard_normal((count, _SAMPLES))
        W, factor = W @ samples / math.sqrt(_SAMPLES), _NORM_FACTOR
    size, product = _image(scaled, W)
    K = (V.T @ product) / kept[:, None]  # W - W' = V K
    if not factor * np.linalg.norm(K) <= (_TURNED if factor == 1 else 2 * rcond):
        return None
    limit, refined = rcond * math.sqrt(kept[-1]) / factor, W - V @ K
    if not (size <= limit or _image(scaled, refined)[0] <= limit):
        return None
    return spectrum if factor > 1 else _Spectrum(kept, V + W @ K.T, refined)


def _image(scaled: _ScaledProblem, W: Array) -> tuple[float, Array]:
    """Return |ZW|_F and ZᵀZW, by blocks of rows."""
    columns = scaled.columns[:, None]
    part = partial(_squares_and_product, np.ldexp(W, -columns))
    squares, product = scaled.problem.over_rows(part, both_added, _BLOCK)
    return math.sqrt(squares), np.ldexp(product, -columns)


def _squares_and_product(W: Array, X: Array, y: Array) -> tuple[float, Array]:
    image = X @ W
    return float(np.vdot(image, image)), X.T @ image

"""Solutions: right, or how wrong, whatever n, p, dtype, alpha and the units of the columns."""

import math
from functools import cached_property, partial

import numpy as np
import scipy.linalg

from kernels import Array, LeastSquares, Solution
from suites.judge import twofold
from suites.judge.columns import larger, largest_entries
from suites.judge.errors import WrongAnswerError, unit_roundoff
from suites.judge.twofold import Twofold

RIGHT = 30.0  # in units of rounding: what is below is right
_FACTORED = 1 << 21  # entries of X at a time, where a factor of them is taken


class SolutionJudge:
    """What a solution of a problem may be off by, and what it is off by.

    Columns are brought to one size: Z = X D⁻¹, d_j the power of two next to sqrt(|x_j|² + alpha)
    (1 for a column of zeros), z = D w, and for alpha > 0 Z stands for [X; sqrt(alpha) I] D⁻¹ and y
    for [y; 0]. So the units of a column do not matter.

    **Backward error**: the smallest relative change of Z and y, in Frobenius norm, for which z is
    an exact least squares solution. With r = y - Zz, θ = |Z|_F / |y| (1 where y = 0),
    ω = θ / sqrt(1 + θ²|z|²) and φ = ω|r|, within a factor of sqrt(2)

        η(z) = ω | (ZᵀZ + φ²I)^(-1/2) Zᵀr |

    (B. Waldén, R. Karlson, J.-G. Sun, Numer. Linear Algebra Appl. 2 (1995); S. Gratton,
    P. Jiránek, D. Titley-Peloquin, SIAM J. Matrix Anal. Appl. 33 (2012); N. J. Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed., section 20.7). A backward stable solver has a modest
    multiple of u|Z|_F whatever n, so right is at most 30 of it.

    **Least norm**, where X has rank r < p: the solution meant is that of least |w|, for alpha > 0
    too, and has no part in the null space of X, D⁻¹ times that of Z. What a solver can be asked for
    is the solution for X + E of the same rank, |e_j| <= 30 u |x_j|. As w = Xᵀv with
    |v| <= |D⁻¹w|/σ_r(Z), E moves the part P w in the null space by P Eᵀv, and rounding w itself by
    u in each entry moves it too, so

        |P w| <= 30 u ( |v| |P D|_F + |P diag(w)|_F )

    Cost: 2np² flops once for X, in float64, by blocks of rows with no copy; for each solution some
    60 flops for each entry of X in float64 problems, in twice the working precision, 4 in float32.

    Parameters
    ----------
    problem : LeastSquares
        X may be memory-mapped.
    rank : int, optional
        The exact rank of X where it is known. None: where the rank is decided by rounding, only
        the backward error is judged.
    """

    def __init__(self, problem: LeastSquares, rank: int | None = None) -> None:
        self.problem, self.rank = problem, rank
        self._u = unit_roundoff(problem.dtype)
        self._ridge = math.sqrt(problem.alpha)
        # _R 2^_units is the factor of X, and y is b 2^_right.
        self._units, self._R, self._right, self._b_norm = _factored(problem)
        self._null_spaces: dict[int, Array] = {}

    @cached_property
    def _spectrum(self) -> tuple[Array, Array, Array]:
        """The exponents of D, and the singular values and right vectors (rows) of Z."""
        exponents, R = _one_size(self._R, self._units, self._ridge)
        return exponents, *_right_singular(R)

    @cached_property
    def _spectrum_of_X(self) -> tuple[Array, Array]:
        """The same of X alone, without the rows of alpha."""
        return _right_singular(self._R) if self._ridge else self._spectrum[1:]

    def backward_error(self, w: Array) -> float:
        """Return η / (u |Z|_F); infinity where w is not finite. Below 30 is right."""
        return self._backward_error(w, *self._spectrum)

    def backward_error_as_it_is(self, w: Array) -> float:
        """Return the same with columns as they are: small where only their units cost digits."""
        k = int(self._units.max(initial=0))
        R = _shifted(self._R, self._units - k)
        if self._ridge:
            R = np.vstack([R, math.ldexp(self._ridge, -k) * np.eye(self.problem.p)])
        return self._backward_error(w, np.full_like(self._units, k), *_right_singular(R))

    def _backward_error(self, w: Array, exponents: Array, sigma: Array, Vt: Array) -> float:
        if not np.isfinite(w).all():
            return math.inf
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            z = np.ldexp(w.astype(np.float64), exponents - self._right)
            z_norm, size = float(np.linalg.norm(z)), float(np.linalg.norm(sigma))
            if not math.isfinite(z_norm):
                return math.inf
            g, r_norm = self._gradient_and_residual(w, exponents)
            if not g.any():
                return 0.0
            theta = size / self._b_norm if self._b_norm else 1.0
            omega = theta / math.hypot(1, theta * z_norm)
            damped = (Vt @ g) / np.hypot(sigma, omega * r_norm)
            eta = omega * float(np.linalg.norm(damped[np.isfinite(damped)]))
        return eta / (self._u * size) if size else math.inf

    def _gradient_and_residual(self, w: Array, exponents: Array) -> tuple[Array, float]:
        """Return Zᵀr and |r| for y scaled by 2⁻ʳⁱᵍʰᵗ, alpha included."""
        problem = self.problem
        # Z as scaled here and v such that Zz = Zv exactly: v may be of unlike size, as w is.
        v = np.ldexp(w.astype(np.float64), exponents - self._right)
        of_rows = partial(_gradient_and_squares, exponents, self._right, v)
        gradient, squares = problem.over_rows(of_rows, _gradients_joined, twofold.ENTRIES)
        if problem.alpha:
            # D⁻¹ alpha w, as alpha D⁻² z
            ridge = np.ldexp(self._ridge, -exponents)
            penalty = ridge * v
            squares += float(penalty @ penalty)
            alpha = twofold.two_product(np.ldexp(problem.alpha, -2 * exponents), -v)
            gradient = twofold.add(gradient, alpha)
        return gradient[0] + gradient[1], math.sqrt(squares)

    def least_norm_ratio(self, w: Array, rank: int) -> float:
        """Return |P w| over what rounding may make of it; below 30 is right."""
        if rank >= self.problem.p or not w.any():
            return 0.0
        if not np.isfinite(w).all():
            return math.inf
        if rank == 0:
            return math.inf
        sigma = self._spectrum_of_X[0]
        with np.errstate(under="ignore"):
            v = w.astype(np.float64) / 2.0 ** np.frexp(np.abs(w).max())[1]
            inverse = int(self._units.min()) - self._units
            basis = self._null_space(rank)
            outside = float(np.linalg.norm(basis.T @ v))
            rows = np.linalg.norm(basis, axis=1)
            # |v| |P D|, a product that does not depend on the unit of D.
            image = float(np.linalg.norm(np.ldexp(v, inverse))) / sigma[rank - 1]
            reach = float(np.linalg.norm(np.ldexp(rows, -inverse)))
            rounding = float(np.linalg.norm(rows * v))
        return outside / (self._u * (image * reach + rounding)) if outside else 0.0

    def _null_space(self, rank: int) -> Array:
        """Return an orthonormal basis of D⁻¹ times the null space of Z, made once for a rank."""
        if rank not in self._null_spaces:
            inverse = int(self._units.min()) - self._units
            with np.errstate(under="ignore"):
                columns = np.ldexp(self._spectrum_of_X[1][rank:].T, inverse[:, None])
                self._null_spaces[rank] = _orthonormal(columns)
        return self._null_spaces[rank]

    def ratios(self, w: Array) -> dict[str, float]:
        """Return what w is off by, in units of rounding: each below 30 is right."""
        ratios = {"backward error": self.backward_error(w)}
        if self.rank is not None and self.rank < self.problem.p:
            ratios["least-norm ratio"] = self.least_norm_ratio(w, self.rank)
        return ratios

    def check(self, found: Solution) -> None:
        """Raise `WrongAnswerError` if a solution claims to be right and is not.

        A solution that says converged=False claims nothing.
        """
        if not found.converged:
            return
        problem = self.problem
        if self._claims_a_wrong_rank(found):
            raise WrongAnswerError(f"rank {found.rank} found on {problem} of rank {self.rank}")
        for name, ratio in self.ratios(found.w).items():
            if not ratio < RIGHT:
                raise WrongAnswerError(f"{name} is {ratio:.3g} on {problem}")

    def _claims_a_wrong_rank(self, found: Solution) -> bool:
        return self.rank is not None and found.rank not in (None, self.rank)

    def digits_lost(self, found: Solution) -> float:
        """Return log10 of how far beyond right an answer is, 0 where it is right.

        All of the digits, -log10 u, where the rank is not the exact one or w is not finite; NaN
        where the solver says that it did not solve the problem.
        """
        if not found.converged:
            return math.nan
        every = -math.log10(self._u)
        if self._claims_a_wrong_rank(found):
            return every
        worst = max(self.ratios(found.w).values())
        return 0.0 if worst < RIGHT else min(every, math.log10(worst / RIGHT))

    def verdict(self, found: Solution) -> str:
        """Return "right", "says no", "loses k digits" or "wrong": the scale for libraries.

        Wrong is more than half the digits.
        """
        lost = self.digits_lost(found)
        if math.isnan(lost):
            return "says no"
        if lost == 0:
            return "right"
        if lost > math.log10(1 / math.sqrt(self._u) / RIGHT):
            return "wrong"
        units = self.backward_error_as_it_is(found.w) < RIGHT <= self.backward_error(found.w)
        return f"loses {lost:.1f} digits" + " to the units of the columns" * units


def check_solution(problem: LeastSquares, rank: int | None, found: Solution) -> None:
    """Raise `WrongAnswerError` as `SolutionJudge.check` does."""
    SolutionJudge(problem, rank).check(found)


def _gradient_and_squares(
    exponents: Array, right: int, v: Array, X: Array, y: Array
) -> tuple[Twofold, float]:
    """Return Zᵀr and |r|² of some rows; float32 in float64, float64 in twice the precision."""
    Z = _shifted(X.astype(np.float64), -exponents)
    b = np.ldexp(y.astype(np.float64), -right)
    if X.dtype == np.float32:
        r = b - Z @ v
        return (Z.T @ r, np.zeros_like(v)), float(r @ r)
    products = twofold.two_product(Z.T.copy(), -v[:, None])
    r2 = twofold.add(twofold.total(products), (b, np.zeros_like(b)))
    column = r2[0][:, None], r2[1][:, None]
    gradient = twofold.total(twofold.multiply((Z, np.zeros_like(Z)), column))
    return gradient, float(r2[0] @ r2[0])


def _gradients_joined(a: tuple[Twofold, float], b: tuple[Twofold, float]) -> tuple[Twofold, float]:
    return twofold.add(a[0], b[0]), a[1] + b[1]


def _factored(problem: LeastSquares) -> tuple[Array, Array, int, float]:
    """Return the exponents of the columns of X, R with RᵀR = ZᵀZ, the exponent of y, and |y| then.

    R by blocks of rows: R ← R of [R; R of Z_b].
    """
    entries = max(2 * problem.p * problem.p, _FACTORED)  # less would factor R more than X
    largest, y_largest = problem.over_rows(largest_entries, larger, entries)
    exponents, right = np.frexp(largest)[1], int(np.frexp(y_largest)[1])
    of_rows = partial(_triangle_and_squares, exponents, right)
    R, squares = problem.over_rows(of_rows, _triangles_joined, entries)
    shifts = _nearest(np.linalg.norm(R, axis=0))
    return exponents + shifts, _shifted(R, -shifts), right, math.sqrt(squares)


def _triangle_and_squares(exponents: Array, right: int, X: Array, y: Array) -> tuple[Array, float]:
    b = np.ldexp(y.astype(np.float64), -right)
    return _triangle(_shifted(X.astype(np.float64), -exponents)), float(b @ b)


def _triangles_joined(a: tuple[Array, float], b: tuple[Array, float]) -> tuple[Array, float]:
    return _triangle(np.vstack([a[0], b[0]])), a[1] + b[1]


def _triangle(Z: Array) -> Array:
    R: Array = scipy.linalg.qr(Z, mode="r", check_finite=False)[0][: Z.shape[1]]
    return R


def _one_size(R: Array, units: Array, ridge: float) -> tuple[Array, Array]:
    """Return the exponents of D and the factor of Z, the rows of alpha included."""
    if not ridge:
        return units, R
    ridges = np.full(len(units), np.frexp(ridge)[1])
    top = np.maximum(np.where(R.any(axis=0), units, ridges), ridges)
    rows = np.vstack([_shifted(R, units - top), np.diag(np.ldexp(ridge, -top))])
    shifts = _nearest(np.linalg.norm(rows, axis=0))
    factor = scipy.linalg.qr(_shifted(rows, -shifts), mode="r", check_finite=False)[0]
    return top + shifts, factor[: len(units)]


def _right_singular(R: Array) -> tuple[Array, Array]:
    """Return the p singular values, zeros included, and the right singular vectors as rows."""
    sigma, Vt = np.linalg.svd(R)[1:]
    return np.append(sigma, np.zeros(len(Vt) - len(sigma))), Vt


def _nearest(norms: Array) -> Array:
    """Return the exponents of the powers of two next to the norms; 0 for zero."""
    exponents: Array = np.rint(np.log2(np.where(norms, norms, 1))).astype(np.int64)
    return exponents


def _shifted(X: Array, exponents: Array) -> Array:
    """Return X with column j times 2 to the k_j, exact but for underflow."""
    half = exponents // 2
    shifted: Array = X * np.exp2(half) * np.exp2(exponents - half)
    return shifted


def _orthonormal(columns: Array) -> Array:
    """Return an orthonormal basis of columns whose rows may be of very unlike size.

    Householder QR with pivoting is stable row by row where the largest rows come first (A. J. Cox,
    N. J. Higham, in: Numerical Analysis 1997, chapter 4).
    """
    order = np.argsort(-np.abs(columns).max(axis=1), kind="stable")
    Q = scipy.linalg.qr(columns[order], mode="economic", pivoting=True, check_finite=False)[0]
    basis: Array = np.empty_like(Q)
    basis[order] = Q
    return basis

"""What counts as right: reference values, error bounds, and the checks built on them.

Notation: u is the unit roundoff of the problem's dtype (2⁻⁵³ or 2⁻²⁴), γ_k = ku/(1 - ku),
a_k column k of X, |·| of a vector its 2-norm and of a matrix or inside a componentwise bound
its entries' magnitudes. No fixed relative tolerance can judge a gradient: at the optimum a
right one has relative error up to 1.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kernels import Array, LeastSquares, Solution, Way
from suites import _twofold as twofold

Rational = list[Fraction]

_BLOCK = 1 << 15  # entries of X at a time: the temporaries of twofold arithmetic stay in cache
_HOUSEHOLDER = 12  # see GradientOracle


class WrongAnswerError(AssertionError):
    """An answer outside its error bound."""


def unit_roundoff(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).eps) / 2


class GradientOracle:
    """f(w) and ∇f(w) in twice the working precision, with the error that a right way may have.

    Bounds, s = |X||w| + |y| and r = Xw - y:

    Residual-form ways. The computed residual has an error of at most δ = γ_{p+1} s in each
    entry, whatever the order of summation, with or without FMA; the sum over n rows, alpha w,
    and the scaling by a rounded 2/n add n + 3 roundings to each term. So, componentwise,

        |ĝ - g| <= (2/n) ( |X|ᵀ( δ + γ_{n+3} (|r| + δ) ) + γ_4 alpha |w| ) + (n+p+3) η
        |f̂ - f| <= (1/n) ( Σ 2|r|δ + δ² + γ_{n+3} (|r| + δ)² + γ_{p+4} alpha |w|² ) + (n+p+3) η

    which is never above the plain form γ_{n+p+4} (2/n) |X|ᵀs by more than O(u²), and is much
    below it near the optimum. (N. J. Higham, Accuracy and Stability of Numerical Algorithms,
    2nd ed., sections 3.1 and 3.5.) η is the smallest subnormal: nothing here flushes them.

    Factored ways. Householder QR is backward stable column by column (same book, theorem
    19.4): the factor is the exact one of X + ΔX, y + Δy with |Δa_k| <= c u |a_k|, likewise y.
    The worst case c grows like nk, k = min(n, p); with rounding errors independent and of
    mean zero it grows like sqrt(nk), with high probability (M. P. Connolly, N. J. Higham, SIAM J.
    Matrix Anal. Appl. 44 (2023)). The factor 12 counts what one reflection costs, 6 inner
    products' worth of roundings, in the factor and again in what is made of it. With
    S = |y| + Σ|a_k||w_k| and c = 12 sqrt(nk) + p + k + 4,

        |ĝ_j - g_j| <= (2/n) ( c u |a_j| S + γ_4 alpha |w_j| ) + (n+p+3) η
        |f̂ - f|     <= (1/n) ( 2 |r| c u S + (c u S)² + γ_{k+4} (|r| + c u S)²
                               + γ_{p+4} alpha |w|² ) + (n+p+3) η

    Cost: about 40 flops for each entry of X, in blocks of rows, with no copy of X.
    """

    def __init__(self, problem: LeastSquares, w: Array) -> None:
        self._n, self._p, self._u = problem.n, problem.p, unit_roundoff(problem.dtype)
        self._smallest = float(np.finfo(problem.dtype).smallest_subnormal)
        w = w.astype(np.float64)
        # Powers of two bring X to at most 1 and Xw, y to at most p: exact, and no overflow.
        self._x = _exponent(problem.X)
        self._r = max(self._x + _exponent(w), _exponent(problem.y))
        self._w = np.ldexp(w, self._x - self._r)
        self._alpha = problem.alpha
        self._accumulate(problem)

    def _accumulate(self, problem: LeastSquares) -> None:
        p = self._p
        gradient, value = (np.zeros(p), np.zeros(p)), (np.zeros(()), np.zeros(()))
        column_squares, first_order = np.zeros(p), np.zeros(p)
        y_squares = value_slack = r_squares = 0.0
        rows = max(1, _BLOCK // p)
        for start in range(0, self._n, rows):
            X = np.ldexp(problem.X[start : start + rows].astype(np.float64), -self._x)
            y = np.ldexp(problem.y[start : start + rows].astype(np.float64), -self._r)
            products = twofold.two_product(X.T.copy(), self._w[:, None])
            r = twofold.add(twofold.total(products), (-y, np.zeros_like(y)))
            column = r[0][:, None], r[1][:, None]
            gradient = twofold.add(
                gradient, twofold.total(twofold.multiply((X, np.zeros_like(X)), column))
            )
            value = twofold.add(value, twofold.total(twofold.multiply(r, r)))
            magnitude = np.abs(r[0])
            delta = self._gamma(p + 1) * (np.abs(X) @ np.abs(self._w) + np.abs(y))
            with_rounding = self._gamma(self._n + 3) * (magnitude + delta)
            first_order += np.abs(X).T @ (delta + with_rounding)
            value_slack += float(
                np.sum(delta * (2 * magnitude + delta) + with_rounding * (magnitude + delta))
            )
            column_squares += np.sum(X * X, axis=0)
            y_squares += float(y @ y)
            r_squares += float(magnitude @ magnitude)
        # alpha w in the units of Xᵀr; alpha itself is in units of X².
        alpha = np.array(float(np.ldexp(self._alpha, -2 * self._x)))
        ridge = twofold.two_product(alpha, self._w)
        self._gradient = twofold.add(gradient, ridge)
        squares = twofold.total(twofold.multiply(ridge, (self._w, np.zeros(p))))
        self._value = twofold.add(value, squares)
        ridge_slack = self._gamma(p + 4) * float(squares[0])
        columns, size = np.sqrt(column_squares), math.sqrt(y_squares)
        size += float(columns @ np.abs(self._w))
        k = min(self._n, p)
        backward = (_HOUSEHOLDER * math.sqrt(self._n * k) + p + k + 4) * self._u * size
        r_norm = math.sqrt(r_squares)
        factored_value = backward * (2 * r_norm + backward)
        factored_value += self._gamma(k + 4) * (r_norm + backward) ** 2
        ridge_gradient = self._gamma(4) * np.abs(ridge[0])
        self._slack = {
            False: (value_slack + ridge_slack, first_order + ridge_gradient),
            True: (factored_value + ridge_slack, backward * columns + ridge_gradient),
        }

    def _gamma(self, k: int) -> float:
        return k * self._u / (1 - k * self._u)

    @property
    def value(self) -> float:
        """f(w), rounded to float64."""
        return float(np.ldexp(self._value[0] / self._n, 2 * self._r))

    @property
    def gradient(self) -> Array:
        """∇f(w), rounded to float64."""
        gradient: Array = np.ldexp(self._gradient[0] * 2 / self._n, self._x + self._r)
        return gradient

    def value_error(self, value: float, *, factored: bool) -> float:
        """Return |value - f(w)| as a share of the bound; NaN counts as infinite."""
        exponent = 2 * self._r
        return _share(
            np.ldexp(value, -exponent) * self._n,
            self._value,
            np.array(self._slack[factored][0]),
            self._underflow(exponent) * self._n,
        )

    def gradient_error(self, gradient: Array, *, factored: bool) -> float:
        """Return max_j |gradient_j - ∇f(w)_j| as a share of the bound; NaN counts as infinite."""
        exponent = self._x + self._r
        # Half the gradient times n, in two parts: the product by n is not exact in float64.
        scaled = twofold.two_product(
            np.ldexp(gradient.astype(np.float64), -exponent - 1), np.array(float(self._n))
        )
        reference = twofold.add(self._gradient, (-scaled[1], np.zeros(self._p)))
        return _share(
            scaled[0], reference, self._slack[factored][1], self._underflow(exponent) * self._n / 2
        )

    def _underflow(self, exponent: int) -> float:
        return (self._n + self._p + 3) * float(np.ldexp(self._smallest, -exponent))

    def check(self, way: Way, w: Array) -> None:
        """Raise `WrongAnswerError` unless the way's value and gradient at w meet their bounds."""
        factored = way.factored
        value, gradient = way.value_and_gradient(w)
        errors = {
            "gradient": self.gradient_error(way.gradient(w), factored=factored),
            "gradient beside value": self.gradient_error(gradient, factored=factored),
            "value": self.value_error(way.value(w), factored=factored),
            "value beside gradient": self.value_error(value, factored=factored),
        }
        for what, error in errors.items():
            if not error <= 1:
                raise WrongAnswerError(
                    f"{type(way).__name__}: {what} is {error:.3g} times its error bound off"
                    f" on {way.problem}"
                )


def _exponent(array: Array) -> int:
    return int(np.frexp(np.max(np.abs(array)))[1])


def _share(
    computed: Array, reference: tuple[Array, Array], bound: Array, underflow: float
) -> float:
    error = np.abs((computed - reference[0]) - reference[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(error == 0, 0.0, error / (bound + underflow))
    return float(np.max(np.where(np.isnan(share), np.inf, share)))


def exact_gradient(problem: LeastSquares, w: Array) -> Rational:
    """Return ∇f(w) in exact rationals; for small problems."""
    X, y = _rationals(problem)
    v = [Fraction(float(entry)) for entry in w]
    r = [_dot(row, v) - target for row, target in zip(X, y, strict=True)]
    alpha = Fraction(problem.alpha)
    columns = zip(*X, strict=True)
    return [
        Fraction(2, problem.n) * (_dot(column, r) + alpha * entry)
        for column, entry in zip(columns, v, strict=True)
    ]


@dataclass(frozen=True)
class ExactSolution:
    """The minimiser of f of least 2-norm, in exact rationals, and the exact rank of X."""

    w: Rational
    rank: int


def exact_solution(problem: LeastSquares) -> ExactSolution:
    """Return the minimiser of least norm in exact rationals; for small problems.

    At alpha > 0 it solves (XᵀX + alpha I) w = Xᵀy. Else X = C F with C the pivot columns of X
    and F its reduced row echelon form, both of full rank r, and w = Fᵀ(FFᵀ)⁻¹(CᵀC)⁻¹Cᵀy
    (A. Ben-Israel, T. N. E. Greville, Generalized Inverses, 2nd ed., section 1.6).
    """
    X, y = _rationals(problem)
    F, pivots = _reduced_row_echelon([row[:] for row in X])
    if problem.alpha:
        columns = [list(column) for column in zip(*X, strict=True)]
        gram = _gram(columns)
        for k, row in enumerate(gram):
            row[k] += Fraction(problem.alpha)
        return ExactSolution(_solve(gram, [_dot(column, y) for column in columns]), len(pivots))
    C = [[row[k] for row in X] for k in pivots]
    z = _solve(_gram(C), [_dot(column, y) for column in C])
    v = _solve(_gram(F), z)
    w = [
        sum((row[j] * c for row, c in zip(F, v, strict=True)), Fraction(0))
        for j in range(problem.p)
    ]
    return ExactSolution(w, len(pivots))


def _rationals(problem: LeastSquares) -> tuple[list[Rational], Rational]:
    X = [[Fraction(float(entry)) for entry in row] for row in problem.X]
    return X, [Fraction(float(entry)) for entry in problem.y]


def _dot(a: Any, b: Any) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _gram(vectors: list[Rational]) -> list[Rational]:
    return [[_dot(a, b) for b in vectors] for a in vectors]


def _solve(matrix: list[Rational], right: Rational) -> Rational:
    """Solve a nonsingular system by Gauss-Jordan elimination."""
    if not matrix:
        return []
    reduced, _ = _reduced_row_echelon([[*row, b] for row, b in zip(matrix, right, strict=True)])
    return [row[-1] for row in reduced]


def _reduced_row_echelon(rows: list[Rational]) -> tuple[list[Rational], list[int]]:
    """Return the nonzero rows of the reduced row echelon form, and the pivot columns."""
    pivots: list[int] = []
    for column in range(len(rows[0])):
        rank = len(pivots)
        found = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[rank], rows[found] = rows[found], rows[rank]
        pivot = rows[rank][column]
        rows[rank] = [entry / pivot for entry in rows[rank]]
        for i, row in enumerate(rows):
            if i != rank and row[column]:
                factor = row[column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[rank], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots


def solution_ratio(problem: LeastSquares, w: Array, exact: ExactSolution) -> float:
    """Return max_j |w_j - exact_j| / (u B_j); below 30 is right. Full column rank, or alpha > 0.

        B_j = |X⁺_j| ( |y| + Σ_k |a_k||w_k| ) + Σ_k |G_jk||a_k||r|,   G = (XᵀX)⁻¹

    is how far column by column perturbations of relative size u can move the solution
    (Higham, same book, section 20.1). Where alpha > 0, X stands for [X; sqrt(alpha) I]. For small
    problems: G is formed in exact rationals.
    """
    X, y = _rationals(problem)
    columns = [list(column) for column in zip(*X, strict=True)]
    gram = _gram(columns)
    for k, row in enumerate(gram):
        row[k] += Fraction(problem.alpha)
    p = problem.p
    identity = [[Fraction(int(i == j)) for j in range(p)] for i in range(p)]
    G = np.array([[float(g) for g in _solve(gram, e)] for e in identity])
    norms = np.array([math.sqrt(gram[k][k]) for k in range(p)])
    r = [_dot(row, exact.w) - target for row, target in zip(X, y, strict=True)]
    r_norm = math.sqrt(_dot(r, r) + Fraction(problem.alpha) * _dot(exact.w, exact.w))
    size = math.sqrt(_dot(y, y)) + float(norms @ np.abs([float(c) for c in exact.w]))
    bound = np.sqrt(np.diag(G)) * size + np.abs(G) @ norms * r_norm
    error = _distance(w, exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0.0, error / (unit_roundoff(problem.dtype) * bound))
    return float(np.max(ratio))


def _distance(w: Array, exact: ExactSolution) -> Array:
    if not np.isfinite(w).all():
        return np.full(len(w), np.inf)
    return np.array([float(abs(Fraction(float(a)) - b)) for a, b in zip(w, exact.w, strict=True)])


def optimality_ratio(problem: LeastSquares, w: Array) -> float:
    """Return |Xᵀr| / ( |X| (|y| + |X||w|) max(n, p) eps ), 1-norms; below 30 is right.

    The gradient at the answer is zero to rounding. A backward stable solver returns the exact
    solution for some X + E, y + f with |E| <= c|X| and |f| <= c|y|, c a modest multiple of u; then

        Xᵀr = Xᵀ(Ew - f) - Eᵀr    and so    |Xᵀr| <= c |X| ( |X||w| + |y| + |r| ),   |r| <= |y|.

    LAPACK's test routine xQRT17 divides by |r| alone. That asks too much where |r| is far below
    |y|, and LAPACK's own solvers then fail it: gelsd by 2e3 on NIST's AtmWtAg, since the
    rounding of w by itself moves Xw by u|X||w|. Where alpha > 0, X stands for [X; sqrt(alpha) I]
    and y for [y; 0].
    """
    ridge = math.sqrt(problem.alpha)
    x_exponent = max(_exponent(problem.X), math.frexp(ridge)[1] if ridge else -(1 << 15))
    y_exponent = _exponent(problem.y)
    X = np.ldexp(problem.X.astype(np.float64), -x_exponent)
    y = np.ldexp(problem.y.astype(np.float64), -y_exponent)
    v = np.ldexp(w.astype(np.float64), x_exponent - y_exponent)
    ridge = math.ldexp(ridge, -x_exponent)
    X_norm = np.max(np.sum(np.abs(X), axis=0)) + ridge
    size = np.sum(np.abs(y)) + X_norm * np.sum(np.abs(v))
    gradient = np.max(np.abs((X @ v - y) @ X + ridge * ridge * v))
    return 0.0 if gradient == 0 else float(gradient / (X_norm * size * problem.rcond))


def minimum_norm_ratio(problem: LeastSquares, w: Array, rank: int) -> float:
    """Return |(I - VVᵀ)w| / ( max(n, p) eps |w| ), V the leading ``rank`` right singular vectors.

    Below 30 is right: the answer has no part in the null space. (LAPACK's xQRT14 is vacuous
    for n >= p.)
    """
    X = problem.X.astype(np.float64)
    V = np.linalg.svd(np.ldexp(X, -_exponent(X)), full_matrices=False)[2][:rank].T
    v = w.astype(np.float64)
    outside = np.linalg.norm(v - V @ (V.T @ v))
    return 0.0 if outside == 0 else float(outside / (problem.rcond * np.linalg.norm(v)))


RIGHT = 30.0  # below it a ratio is right: LAPACK's own threshold


def check_solution(problem: LeastSquares, rank: int | None, found: Solution) -> None:
    """Raise `WrongAnswerError` if a solution claims to be right and is not.

    Right is a gradient of zero to rounding and, where X has a known rank and alpha = 0, that rank
    and no part in the null space. A solution that says converged=False claims nothing.
    """
    if not found.converged:
        return
    ratios = {"optimality ratio": optimality_ratio(problem, found.w)}
    if rank is not None and not problem.alpha:
        ratios["minimum-norm ratio"] = minimum_norm_ratio(problem, found.w, rank)
        if found.rank not in (None, rank):
            raise WrongAnswerError(f"rank {found.rank} found on {problem} of rank {rank}")
    for name, ratio in ratios.items():
        if not ratio < RIGHT:
            raise WrongAnswerError(f"{name} is {ratio:.3g} on {problem}")


def log_relative_error(w: Array, certified: Rational) -> float:
    """Return the digits of w that agree with the certified ones: min_j -log10 |w_j - c_j|/|c_j|.

    Between 0 and 15, as the certified figures are printed to 15 digits.
    """
    digits = 15.0
    for computed, exact in zip(w, certified, strict=True):
        if not math.isfinite(computed):
            return 0.0
        error = abs(Fraction(float(computed)) - exact) / abs(exact)
        if error:
            digits = min(digits, -math.log10(error))
    return max(0.0, digits)

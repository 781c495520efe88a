"""Values and gradients: a reference in twice the working precision, and the error bounds.

Notation: u is the unit roundoff of the problem's dtype (2⁻⁵³ or 2⁻²⁴), γ_k = ku/(1 - ku),
a_k column k of X, |·| of a vector its 2-norm and of a matrix or inside a componentwise bound
its entries' magnitudes. No fixed relative tolerance can judge a gradient: at the optimum a
right one has relative error up to 1.
"""

import math

import numpy as np

from kernels import Array, LeastSquares, Way
from suites.judge import twofold
from suites.judge.errors import WrongAnswerError, unit_roundoff

_BLOCK = 1 << 15  # entries of X at a time: the temporaries of twofold arithmetic stay in cache
_HOUSEHOLDER = 12  # see GradientOracle


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

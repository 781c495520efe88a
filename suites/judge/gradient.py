"""Values and gradients: a reference in twice the working precision, and the error bounds.

Notation: u is the unit roundoff of the problem's dtype (2⁻⁵³ or 2⁻²⁴), γ_k = ku/(1 - ku),
a_k column k of X, |·| of a vector its 2-norm and of a matrix or inside a componentwise bound
its entries' magnitudes. No fixed relative tolerance can judge a gradient: at the optimum a
right one has relative error up to 1.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kernels import Array, LeastSquares, Way
from suites.judge import twofold
from suites.judge.columns import larger, largest_entries
from suites.judge.errors import WrongAnswerError, unit_roundoff
from suites.judge.twofold import Twofold

_LAMBDA = 8.0  # standard deviations that a sum of rounding errors may be off
_LEAST = -(1 << 12)  # below the exponent of any number
_PROBABLE, _WORST = 0, 1
_FACTORED = 30.0, 12.0  # in u: probable, as for solutions; worst case, to be times nk


class GradientOracle:
    """f(w) and ∇f(w) in twice the working precision, with the error that a right way may have.

    Rounding errors add up like the square root of their number: with

        γ̃_k = m u / (1 - m u),    m = min(k, λ sqrt(k)),    λ = 8,

    a computed inner product of length k is off by at most γ̃_k |x|ᵀ|y|, in any order, with or
    without FMA, with probability at least 1 - 2 exp(-λ²/2) = 1 - 2.5e-14 where rounding errors are
    mean independent (N. J. Higham, T. Mary, SIAM J. Sci. Comput. 41 (2019), A2815; M. P. Connolly,
    N. J. Higham, T. Mary, SIAM J. Sci. Comput. 43 (2021)). The worst case γ_k, m = k (N. J. Higham,
    Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1), allows 6 % in float32 at
    a million rows, where right ways err by a ten-thousandth of that: it is told beside, and decides
    nothing.

    Residual-form ways, s = |X||w| + |y|, r = Xw - y. The computed residual has an error of at most
    δ = γ̃_{p+1} s in each entry; the sum over n rows, alpha w, and the scaling by a rounded 2/n add
    n + 3 roundings to each term. So, componentwise,

        |ĝ - g| <= (2/n) ( |X|ᵀ( δ + γ̃_{n+3} (|r| + δ) ) + γ̃_4 alpha |w| ) + (n+p+3) η
        |f̂ - f| <= (1/n) ( Σ 2|r|δ + δ² + γ̃_{n+3} (|r| + δ)² + γ̃_{p+4} alpha |w|² ) + (n+p+3) η

    η is the smallest subnormal: nothing here flushes them.

    Factored ways. Householder QR is backward stable column by column (same book, theorem
    19.4): the factor is the exact one of X + ΔX, y + Δy with |Δa_k| <= c u |a_k|, likewise y, and
    c = 30 as for solutions, whatever n; the worst case is of the order of nk, k = min(n, p). With
    S = |y| + Σ|a_k||w_k|,

        |ĝ_j - g_j| <= (2/n) ( c u |a_j| S + γ̃_4 alpha |w_j| ) + (n+p+3) η
        |f̂ - f|     <= (1/n) ( 2 |r| c u S + (c u S)² + γ̃_{k+4} (|r| + c u S)²
                               + γ̃_{p+4} alpha |w|² ) + (n+p+3) η

    Cost: about 40 flops for each entry of X, in blocks of rows, with no copy of X.
    """

    def __init__(self, problem: LeastSquares, w: Array) -> None:
        self._n, self._p, self._u = problem.n, problem.p, unit_roundoff(problem.dtype)
        self._smallest = float(np.finfo(problem.dtype).smallest_subnormal)
        w = w.astype(np.float64)
        # Powers of two bring [X; sqrt(alpha) I], column by column, to at most 1 and Xw, y to at
        # most p: exact, and nothing overflows, whatever the units of the columns.
        largest, y_largest = problem.over_rows(largest_entries, larger)
        sizes = np.frexp(largest)[1].astype(np.int64)
        self._x = np.maximum(sizes, np.frexp(math.sqrt(problem.alpha))[1])
        self._beside = self._x - sizes  # by how much alpha is larger than a column
        terms = (self._x + np.frexp(w)[1])[w != 0]
        self._r = int(max(terms.max(initial=_LEAST), np.frexp(y_largest)[1]))
        self._w = np.ldexp(w, self._x - self._r)
        self._alpha = problem.alpha
        self._accumulate(problem)

    def _accumulate(self, problem: LeastSquares) -> None:
        p = self._p
        of_rows = _OfRows(
            self._x, self._beside, self._r, self._w, self._gammas(p + 1), self._gammas(self._n + 3)
        )
        sums = problem.over_rows(of_rows, _joined, twofold.ENTRIES)
        # alpha w in the units of Xᵀr; alpha itself is in units of X².
        alpha = np.ldexp(np.ldexp(self._alpha, -self._x), -self._x)
        ridge = twofold.two_product(alpha, self._w)
        self._gradient = twofold.add(sums.gradient, ridge)
        squares = twofold.total(twofold.multiply(ridge, (self._w, np.zeros(p))))
        self._value = twofold.add(sums.value, squares)
        ridge_slack = self._gammas(p + 4) * float(squares[0])
        columns = np.ldexp(np.sqrt(sums.column_squares), -self._beside)
        size = math.sqrt(sums.y_squares)
        size += float(columns @ np.abs(self._w))
        k = min(self._n, p)
        backward = (
            np.array([_FACTORED[_PROBABLE], _FACTORED[_WORST] * self._n * k]) * self._u * size
        )
        r_norm = math.sqrt(sums.r_squares)
        factored_value = backward * (2 * r_norm + backward)
        factored_value += self._gammas(k + 4) * (r_norm + backward) ** 2
        ridge_gradient = np.outer(self._gammas(4), np.abs(ridge[0]))
        self._slack = {
            False: (sums.value_slack + ridge_slack, sums.first_order + ridge_gradient),
            True: (factored_value + ridge_slack, np.outer(backward, columns) + ridge_gradient),
        }

    def _gammas(self, k: int) -> Array:
        """Return γ̃_k and γ_k; infinity where the worst case says nothing."""
        m = np.array([min(k, _LAMBDA * math.sqrt(k)), k]) * self._u
        with np.errstate(divide="ignore"):
            return np.where(m < 1, m / (1 - m), np.inf)

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
        return self._value_shares(value, factored)[_PROBABLE]

    def gradient_error(self, gradient: Array, *, factored: bool) -> float:
        """Return max_j |gradient_j - ∇f(w)_j| as a share of the bound; NaN counts as infinite."""
        return self._gradient_shares(gradient, factored)[_PROBABLE]

    def _value_shares(self, value: float, factored: bool) -> list[float]:
        """Return the shares of the probable bound and of the worst case."""
        exponent = 2 * self._r
        computed = np.ldexp(value, -exponent) * self._n
        underflow = self._underflow(exponent) * self._n
        return [_share(computed, self._value, b, underflow) for b in self._slack[factored][0]]

    def _gradient_shares(self, gradient: Array, factored: bool) -> list[float]:
        exponent = self._x + self._r
        # Half the gradient times n, in two parts: the product by n is not exact in float64.
        scaled = twofold.two_product(
            np.ldexp(gradient.astype(np.float64), -exponent - 1), np.array(float(self._n))
        )
        reference = twofold.add(self._gradient, (-scaled[1], np.zeros(self._p)))
        underflow = self._underflow(exponent) * self._n / 2
        return [_share(scaled[0], reference, b, underflow) for b in self._slack[factored][1]]

    def _underflow(self, exponent: Any) -> Any:
        return (self._n + self._p + 3) * np.ldexp(self._smallest, -exponent)

    def check(self, way: Way, w: Array) -> None:
        """Raise `WrongAnswerError` unless the way's value and gradient at w meet their bounds."""
        factored = way.factored
        value, gradient = way.value_and_gradient(w)
        errors = {
            "gradient": self._gradient_shares(way.gradient(w), factored),
            "gradient beside value": self._gradient_shares(gradient, factored),
            "value": self._value_shares(way.value(w), factored),
            "value beside gradient": self._value_shares(value, factored),
        }
        for what, (error, worst) in errors.items():
            if not error <= 1:
                raise WrongAnswerError(
                    f"{type(way).__name__}: {what} is {error:.3g} times its error bound off"
                    f" on {way.problem}, {worst:.3g} times that of the worst case"
                )


class _Sums(NamedTuple):
    """What is summed over rows: the gradient and the value, and what bounds their errors."""

    gradient: Twofold
    value: Twofold
    first_order: Array
    value_slack: Array
    column_squares: Array
    y_squares: float
    r_squares: float


@dataclass(frozen=True, eq=False)
class _OfRows:
    """The sums over some rows, of X, y and w as they are scaled."""

    x: Array
    beside: Array
    r: int
    w: Array
    inner: Array
    outer: Array

    def __call__(self, X: Array, y: Array) -> _Sums:
        X = np.ldexp(X.astype(np.float64), -self.x)
        y = np.ldexp(y.astype(np.float64), -self.r)
        products = twofold.two_product(X.T.copy(), self.w[:, None])
        r = twofold.add(twofold.total(products), (-y, np.zeros_like(y)))
        column = r[0][:, None], r[1][:, None]
        magnitude = np.abs(r[0])
        delta = np.outer(self.inner, np.abs(X) @ np.abs(self.w) + np.abs(y))
        with_rounding = self.outer[:, None] * (magnitude + delta)
        return _Sums(
            twofold.total(twofold.multiply((X, np.zeros_like(X)), column)),
            twofold.total(twofold.multiply(r, r)),
            (delta + with_rounding) @ np.abs(X),
            np.sum(delta * (2 * magnitude + delta) + with_rounding * (magnitude + delta), axis=1),
            np.sum(np.square(np.ldexp(X, self.beside)), axis=0),
            float(y @ y),
            float(magnitude @ magnitude),
        )


def _joined(a: _Sums, b: _Sums) -> _Sums:
    return _Sums(
        twofold.add(a.gradient, b.gradient),
        twofold.add(a.value, b.value),
        a.first_order + b.first_order,
        a.value_slack + b.value_slack,
        a.column_squares + b.column_squares,
        a.y_squares + b.y_squares,
        a.r_squares + b.r_squares,
    )


def _share(computed: Array, reference: tuple[Array, Array], bound: Array, underflow: Any) -> float:
    error = np.abs((computed - reference[0]) - reference[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(error == 0, 0.0, error / (bound + underflow))
    return float(np.max(np.where(np.isnan(share), np.inf, share)))

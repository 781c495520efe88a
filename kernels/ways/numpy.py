"""Least squares in NumPy: the residual, then Xᵀr."""

from typing import final

from kernels.problem import Array
from kernels.way import Way


@final
class NumpyWay(Way):
    """Two matrix-vector products, r = Xw - y and Xᵀr, by the BLAS that NumPy is built with.

    Cost of a gradient: 4np flops and two reads of X, 2 * 8np bytes in float64, with a
    residual of n words between them. At one flop for every four bytes it runs at the
    speed of memory once X leaves the cache, at half of what one read would take.
    Solution: `numpy.linalg.lstsq` (LAPACK gelsd, singular values, minimum norm), O(np²).
    """

    def _prepare(self, X: Array, y: Array) -> None:
        self._X, self._y = X, y
        self._scale = X.dtype.type(2 / len(y))
        self._alpha = X.dtype.type(self.problem.alpha)

    def _value(self, w: Array) -> float:
        return self._value_at(self._residual(w), w)

    def _gradient(self, w: Array) -> Array:
        return self._gradient_at(self._residual(w), w)

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        r = self._residual(w)
        return self._value_at(r, w), self._gradient_at(r, w)

    def _residual(self, w: Array) -> Array:
        r: Array = self._X @ w
        r -= self._y
        return r

    def _value_at(self, r: Array, w: Array) -> float:
        squares = r @ r
        if self._alpha:
            squares += (self._alpha * w) @ w  # |w|² by itself may leave the range
        return float(squares / len(r))

    def _gradient_at(self, r: Array, w: Array) -> Array:
        g: Array = self._X.T @ r
        if self._alpha:
            g += self._alpha * w
        g *= self._scale
        return g

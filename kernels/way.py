"""What every way offers: preparation, value, gradient, solution."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeGuard, final

import numpy as np
from numpy.typing import ArrayLike

from kernels.problem import Array, LeastSquares
from kernels.rank.power import squared_norm
from kernels.rank.row_space import solved
from kernels.solution import Solution


class Way(ABC):
    """One way to compute the gradient of a `LeastSquares` problem.

    A subclass implements `_prepare` and `_value_and_gradient`, and more where it has a shorter
    way to it. They receive arrays that have been validated, and return arrays that no one else
    refers to. X is in C or Fortran order, as the caller had it.

    Every way is deterministic: the same input and thread count give the same bits.
    """

    #: The gradient comes from a factor of X rather than from the residual Xw - y, and so
    #: obeys a normwise error bound, not a componentwise one (see suites/judge).
    factored: ClassVar[bool] = False

    #: What a gradient costs is not told by the bytes of X: it may be messages to a cluster.
    is_remote: ClassVar[bool] = False

    #: The underscored methods themselves refuse a w with NaN or infinity.
    finds_nonfinite: ClassVar[bool] = False

    #: The pass over X that the gradient is, of a way that is compiled: `kernels.descent` then
    #: compiles its loops around it.
    one_pass: Any = None

    @final
    def __init__(self, problem: LeastSquares) -> None:
        """Prepare. All work that does not depend on w happens here."""
        self.problem = problem
        # Whether w can be used as it is: 0.4 µs, where checking it in full takes 4 µs. No method of
        # the way's own: a cycle would keep X until the garbage collector comes.
        self._is_ready = problem.fits if self.finds_nonfinite else _fits_and_is_finite(problem)
        self._lay_out()

    @final
    def value(self, w: ArrayLike) -> float:
        """Return f(w) = (1/n)(|Xw - y|² + alpha |w|²)."""
        w = w if self._is_ready(w) else self.problem.coefficients(w)
        value = self._value(w)
        return value if value < math.inf else self.problem.value_by_parts(w)

    @final
    def gradient(self, w: ArrayLike) -> Array:
        """Return ∇f(w) = (2/n)(Xᵀ(Xw - y) + alpha w), shape (p,)."""
        return self._gradient(w if self._is_ready(w) else self.problem.coefficients(w))

    @final
    def value_and_gradient(self, w: ArrayLike) -> tuple[float, Array]:
        """Return f(w) and ∇f(w), as ``scipy.optimize.minimize(..., jac=True)`` wants them."""
        w = w if self._is_ready(w) else self.problem.coefficients(w)
        value, gradient = self._value_and_gradient(w)
        return (value if value < math.inf else self.problem.value_by_parts(w)), gradient

    @final
    def homogeneous(self) -> Self:
        """Return this way for y = 0, whose gradient is Hd and whose value is dᵀHd/2.

        H = (2/n)(XᵀX + alpha I) is the Hessian of f. What depends on X alone is not prepared again.
        """
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.problem = self.problem.homogeneous()
        other._forget_y()
        return other

    def batches(self, rows: int) -> list[tuple[float, "Way"]]:
        """Return f as the mean of B functions, each of ``rows`` consecutive rows: (weight, way).

        f_b(w) = (B/n)(|X_b w - y_b|² + (alpha/B)|w|²) is the weight times what the way computes.
        """
        X, y, n = self.problem.X, self.problem.y, self.problem.n
        parts = [slice(start, start + rows) for start in range(0, n, rows)]
        count, alpha = len(parts), self.problem.alpha / len(parts)
        return [
            (len(y[part]) * count / n, type(self)(LeastSquares(X[part], y[part], alpha)))
            for part in parts
        ]

    def batch_count(self, rows: int) -> int:
        """Return how many `batches` there are."""
        return -(-self.problem.n // rows)

    def batch_curvature(self, rows: int) -> float:
        """Return the largest |X_b|² of `batches`, from below, by up to 10 %."""
        return squared_norm(self.problem.X, rows)

    @final
    def __reduce__(self) -> tuple[type[Self], tuple[LeastSquares]]:
        """Pickle and copy the problem alone: compiled code and tensors are prepared again."""
        return type(self), (self.problem,)

    def _forget_y(self) -> None:
        """Prepare again for a y of zeros; ways whose preparation costs something know better."""
        self._lay_out()

    def _lay_out(self) -> None:
        self._prepare(_laid_out(self.problem.X), _laid_out(self.problem.y))

    def solve(self) -> Solution:
        """Return a minimiser of f; of least 2-norm where there are many.

        By `numpy.linalg.lstsq` on columns of one size (`kernels.rank.row_space.solved`), O(np²),
        unless the way has a solver of its own.
        """
        return solved(self.problem, self.problem.X, self.problem.y)

    @abstractmethod
    def _prepare(self, X: Array, y: Array) -> None: ...

    @abstractmethod
    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        """Return f(w) and ∇f(w).

        f may be infinity or NaN where a sum of squares leaves the range on the way.
        """

    def _value(self, w: Array) -> float:
        return self._value_and_gradient(w)[0]

    def _gradient(self, w: Array) -> Array:
        return self._value_and_gradient(w)[1]


def _fits_and_is_finite(problem: LeastSquares) -> Callable[[object], TypeGuard[Array]]:
    fits, zeros = problem.fits, np.zeros(problem.p, problem.dtype)

    def ready(w: object) -> TypeGuard[Array]:
        # Zero times a finite number is zero, times any other NaN: no sum overflows.
        return fits(w) and math.isfinite(w.dot(zeros))

    return ready


def _laid_out(array: Array) -> Array:
    """Return the array itself if it is aligned and in C or Fortran order, else a C copy.

    NumPy counts a single row or column as in order whatever its strides; PyTorch takes none below
    zero.

    The view that is handed on is read-only: no way can write to a caller's array.
    """
    flags = array.flags
    usable = flags.forc and flags.aligned and min(array.strides) >= 0
    view = array.view() if usable else np.array(array, order="C")
    view.flags.writeable = False
    return view

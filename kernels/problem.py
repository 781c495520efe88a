"""The problem that every way is given, validated once."""

import copy
import math
from collections.abc import Callable
from functools import partial, reduce
from numbers import Real
from operator import add
from typing import Any, Self, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]  # float64 or float32 throughout

_Sum = TypeVar("_Sum")


class LeastSquares:
    """Linear least squares with an optional ridge term.

        f(w)  = (1/n) * ( |Xw - y|² + alpha * |w|² )
        ∇f(w) = (2/n) * ( Xᵀ(Xw - y) + alpha * w )

    Parameters
    ----------
    X : (n, p) array_like
        Design matrix, float64, float32 or integer. An intercept is a column of ones.
    y : (n,) array_like
        Response.
    alpha : float, default 0.0
        Ridge penalty, >= 0, in units of X² (that of scikit-learn's
        ``Ridge(alpha, fit_intercept=False)``).

    Attributes
    ----------
    X, y : ndarray
        The caller's own arrays where they are float64 or float32 already, else
        converted. X and y share one dtype: float32 if both came as float32, else
        float64. They are referred to, never copied for layout and never written to.
    n, p : int
    dtype : numpy.dtype
    rcond : float
        15 sqrt(min(n, p)) eps: singular values below rcond * sigma_max count as zero, those of
        X with its columns brought to one size. The one rule for numerical rank, passed
        explicitly to every library call. It is what a backward stable solver may change X by,
        30 u in the Frobenius norm, and so does not depend on n.

    Raises
    ------
    TypeError
        X or y is complex, object, text, or of a float type other than float64 and
        float32; alpha is not a real number.
    ValueError
        Wrong number of dimensions, lengths that do not match, empty input, masked
        entries, NaN or infinity; alpha negative or not finite.

    Cost: two reads of X, to look for NaN and infinity.
    """

    __slots__ = ("X", "_shape", "alpha", "dtype", "n", "p", "rcond", "y")

    def __init__(self, X: ArrayLike, y: ArrayLike, alpha: float = 0.0) -> None:
        X, y = _real_array("X", X), _real_array("y", y)
        if X.ndim != 2:
            raise ValueError(f"X must have 2 dimensions (n, p), got shape {X.shape}")
        if y.ndim != 1:
            raise ValueError(f"y must have 1 dimension (n,), got shape {y.shape}")
        if X.size == 0:
            raise ValueError(f"X must have at least one row and one column, got shape {X.shape}")
        if len(X) != len(y):
            raise ValueError(f"X and y must have the same length, got {len(X)} and {len(y)}")
        dtype = np.result_type(X, y)
        self.X = X.astype(dtype, copy=False)
        self.y = y.astype(dtype, copy=False)
        self._describe(X.shape[0], X.shape[1], dtype, alpha)
        _require_finite("X", self.X)
        _require_finite("y", self.y)

    def _describe(self, n: int, p: int, dtype: np.dtype[Any], alpha: float) -> None:
        self.n, self.p, self.dtype = n, p, dtype
        self._shape = (p,)
        self.rcond = 15 * math.sqrt(min(n, p)) * float(np.finfo(dtype).eps)
        self.alpha = _penalty(alpha, dtype)

    def __repr__(self) -> str:
        return f"LeastSquares(n={self.n}, p={self.p}, dtype={self.dtype}, alpha={self.alpha})"

    @property
    def nbytes(self) -> int:
        """Bytes of X."""
        return int(self.X.nbytes)

    def over_rows(
        self,
        part: Callable[[Array, Array], _Sum],
        join: Callable[[_Sum, _Sum], _Sum],
        entries: int | None = None,
    ) -> _Sum:
        """Return part(X, y) of blocks of rows, some ``entries`` of X each, joined in their order.

        Without ``entries`` all rows are one block. What is a sum over rows, or a maximum or a
        factor, is written so, and then holds for rows that lie in several places: `kernels.blocks`.
        """
        rows = self.n if entries is None else max(1, entries // self.p)
        blocks = [slice(start, start + rows) for start in range(0, self.n, rows)]
        return reduce(join, (part(self.X[block], self.y[block]) for block in blocks))

    def mapped(
        self, change: Callable[[Array, Array], tuple[Array, Array]], alpha: float = 0.0
    ) -> "LeastSquares":
        """Return the problem of what ``change`` makes of X and y, row by row."""
        return LeastSquares(*change(self.X, self.y), alpha)

    def condensed(self) -> "LeastSquares":
        """Return a problem in memory with the same |Xw - y|² + alpha |w|² for every w: itself."""
        return self

    def homogeneous(self) -> Self:
        """Return the problem with y = 0 and the same X, which is not validated again."""
        other = copy.copy(self)
        other.y = np.zeros_like(self.y)
        return other

    def fits(self, w: object) -> TypeGuard[Array]:
        """Return whether ``w`` is a (p,) array that can be used as it is, its entries aside."""
        return (
            type(w) is np.ndarray
            and w.dtype == self.dtype  # not `is`: a pickled array or problem has a dtype of its own
            and w.shape == self._shape
            and w.flags.carray
        )

    def value_by_parts(self, w: Array) -> float:
        """Return f(w) where a sum of squares would overflow though f(w) does not; else infinity.

        r and w are brought to at most 1 by powers of two, which are multiplied back one by one.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            largest = float(self.over_rows(partial(_largest_residual, w), np.maximum))
            if not math.isfinite(largest):
                return math.inf
            value = 0.0
            for size, squares, factor in (
                (largest, partial(self._residual_squares, w), 1.0),
                (float(np.abs(w).max()), partial(_squares, w), self.alpha),
            ):
                unit = float(power_of_two_above(np.array([size], self.dtype)))
                value += squares(unit) / self.n * unit * factor * unit
        return value if value <= float(np.finfo(self.dtype).max) else math.inf

    def _residual_squares(self, w: Array, unit: float) -> float:
        return float(self.over_rows(partial(_residual_squares, w, unit), add))

    def coefficients(self, w: ArrayLike) -> Array:
        """Return ``w`` as a contiguous (p,) array of the problem's dtype, all finite.

        A float64 ``w`` is rounded to float32 in a float32 problem. Raises like the
        constructor, naming ``w``.
        """
        array = _real_array("w", w)
        if array.shape != (self.p,):
            raise ValueError(f"w must have shape ({self.p},), got {array.shape}")
        with np.errstate(over="ignore"):  # reported as an infinite entry below
            rounded = np.require(array.astype(self.dtype, copy=False), requirements=("C", "A", "W"))
        _require_finite("w", rounded)
        return rounded


def _largest_residual(w: Array, X: Array, y: Array) -> float:
    return float(np.abs(X @ w - y).max())


def _residual_squares(w: Array, unit: float, X: Array, y: Array) -> float:
    return _squares(X @ w - y, unit)


def _squares(r: Array, unit: float) -> float:
    r = r / r.dtype.type(unit)
    return float(r @ r)


def power_of_two_above(array: Array) -> Any:
    """Return the power of two above the largest magnitude, in the array's dtype; 1 for zeros.

    At the ends of the range it is the last one that is finite and normal, as its inverse must be.
    """
    largest, one = max(array.max(), -array.min()), array.dtype.type(1)
    if not largest:
        return one
    ends = np.finfo(array.dtype)
    return np.ldexp(one, np.clip(np.frexp(largest)[1], ends.minexp, ends.maxexp - 1))


def _real_array(name: str, values: ArrayLike) -> Array:
    """Return ``values`` as a native float64 or float32 ndarray, or say why it is not one."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        row = np.argwhere(np.ma.getmaskarray(values))[0]
        raise ValueError(f"{_entry(name, row)} is masked: every entry must be given")
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged nested sequences
        raise ValueError(f"{name} must be a rectangular array of real numbers: {error}") from None
    dtype = array.dtype
    if dtype.kind in "biu":
        return array.astype(np.float64)
    if dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise TypeError(f"{name} must be float64, float32 or integer, got dtype {dtype}")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _require_finite(name: str, array: Array) -> None:
    # min and max propagate NaN and need no temporary of the size of X.
    if math.isfinite(array.min()) and math.isfinite(array.max()):
        return
    first = np.argwhere(~np.isfinite(array))[0]
    raise ValueError(f"{_entry(name, first)} is {array[tuple(first)]}: every entry must be finite")


def _entry(name: str, index: Array) -> str:
    """Name an entry as NumPy indexes it: "X[row, column]"."""
    return f"{name}[{', '.join(str(i) for i in index)}]"


def _penalty(alpha: float, dtype: np.dtype[Any]) -> float:
    if not isinstance(alpha, Real) or isinstance(alpha, bool | np.bool_):
        raise TypeError(f"alpha must be a real number, got {type(alpha).__name__}")
    alpha = float(alpha)
    if not 0 <= alpha <= float(np.finfo(dtype).max):
        raise ValueError(f"alpha must be finite in {dtype} and at least 0, got {alpha}")
    return alpha

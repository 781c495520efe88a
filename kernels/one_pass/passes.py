"""One pass over X by the kernel that suits it, on one thread or on several.

A kernel is chosen by name (`choice.kernel_for`), and compiled only if it is asked for. On several
threads the rows are shared out in equal parts, whose sums are added up in order.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numba import carray, from_dtype, prange, types
from numba.extending import overload

from kernels.one_pass import by_columns, by_rows, plain
from kernels.one_pass.buffers import aligned, all_finite, copied, frame, framed
from kernels.one_pass.choice import TILES, kernel_for
from kernels.one_pass.compile import compiled
from kernels.one_pass.target import COUNT, LINE, WIDTH
from kernels.one_pass.threads import has_threads, thread_count
from kernels.one_pass.vectors import scratch
from kernels.problem import Array

# A pass in parallel starts and ends with the threads' agreement, some 5 µs on two cores.
_THREADED = 1 << 19  # bytes of X
_ROUNDED = 16  # rows: parts begin at a multiple, so that blocks of rows fit in them
_ON_STACK = 512  # numbers: w and the gradient, framed
NOT_FINITE = -1  # in place of a sum of squares

KERNELS = {
    "plain": plain.rows,
    **{name: by_rows.tiles(p) for p, name in TILES.items()},
    "cached rows": by_rows.rows_in_turn(8, False),
    "many rows": by_rows.rows_in_turn(16, False),
    "overlapped rows": by_rows.rows_overlapped(8, False, False),
    "streamed rows": by_rows.rows_overlapped(4 if WIDTH == LINE else 8, False, True),
    "short rows apart": by_rows.rows_in_turn(8, True),
    "cached rows apart": by_rows.rows_in_turn(4 if COUNT >= 32 else 8, True),
    "overlapped rows apart": by_rows.rows_overlapped(4, True, False),
    "streamed rows apart": by_rows.rows_overlapped(4 if WIDTH == LINE else 8, True, True),
    "cached strips": by_columns.strips(8, 0),
    "streamed strips": by_columns.strips(16, 4),
    "short strips": by_columns.strips(8, 2),
    "near strips": by_columns.strips(8, 1),
    "panels": by_columns.panels,
}


class OnePass:
    """f and ∇f of one X, y and alpha, compiled.

    Attributes
    ----------
    X, y : arrays
        In C or Fortran order.
    kernel : str
        The name of the kernel, see `choice`.
    is_threaded : bool
        Whether the rows are shared out among Numba's threads: X of 512 KiB and more.
    """

    def __init__(self, X: Array, y: Array, alpha: float) -> None:
        self.X, self.y, self.alpha = X, y, alpha
        self.kernel, self.is_threaded = kernel_for(X), X.nbytes >= _THREADED

    def bound(self) -> Callable[[Array, Array], float]:
        """Compile; return what sets its second argument to ∇f at its first, and returns n f there.

        It returns `NOT_FINITE`, with the second argument as it was, if an entry of the first is
        not finite. It is the machine code itself, which saves the 0.3 µs that Numba looks up the
        types for: w and g must be aligned arrays in order, of the dtype of X.
        """
        fixed = (self.X, self.y, self.alpha, 2 / len(self.y))
        kind = self.X.dtype, "C" if self.X.flags.c_contiguous else "F"
        if not self.is_threaded:
            return partial(_machine_code(gradient_by(self.kernel), *kind), *fixed, 1)

        @cache
        def code(parallel: bool) -> Any:
            return _machine_code(threaded_gradient_by(self.kernel, parallel), *kind)

        return lambda w, g: code(has_threads())(*fixed, thread_count(), w, g)


@cache
def _machine_code(gradient: Any, dtype: Any, order: str) -> Any:
    """Compile, or load; return a compiled gradient for arrays of one dtype, X in one order."""
    number = from_dtype(dtype)
    X, y = types.Array(number, 2, order, readonly=True), types.Array(number, 1, "C", readonly=True)
    vector = types.Array(number, 1, "C")
    kinds = X, y, types.float64, types.float64, types.intp, vector, vector
    gradient.compile(kinds)
    return gradient.get_overload(kinds)


@cache
def gradient_by(kernel: str) -> Any:
    """Return the compiled gradient by one kernel, on the calling thread.

    gradient(X, y, alpha, scale, 1, w, g) sets g to scale (Xᵀ(Xw - y) + alpha w) and returns
    |Xw - y|² + alpha |w|²; or `NOT_FINITE`, with g as it was, if an entry of w is not finite. The 1
    is there to be called like `threaded_gradient_by`.
    """

    @compiled
    def gradient(X, y, alpha, scale, parts, w, g):  # type: ignore[no-untyped-def]
        if not all_finite(w):
            return w.dtype.type(NOT_FINITE)
        width = framed(w.size, w)
        if 2 * width <= _ON_STACK:
            room = carray(scratch(w, _ON_STACK), 2 * width)
            room[:] = 0
        else:
            room = aligned(2 * width, w)
        sums, whole = frame(room, 0, w.size), frame(room, 1, w.size)
        copied(w, whole)
        squares = one_pass(kernel, X, y, whole, sums, 0, X.shape[0])
        return finished(squares, room, 1, w, g, alpha, scale)

    return gradient


@cache
def threaded_gradient_by(kernel: str, parallel: bool = True) -> Any:
    """As `gradient_by`, in ``parts`` of the rows at once, added up in their order.

    The parts, and so the bits, depend on nothing but n and the number of parts: neither on whether
    they are taken at once or, where not ``parallel``, one after the other, Python's lock released.
    """

    @compiled(parallel=parallel, nogil=not parallel)
    def gradient(X, y, alpha, scale, parts, w, g):  # type: ignore[no-untyped-def]
        if not all_finite(w):
            return w.dtype.type(NOT_FINITE)
        n = X.shape[0]
        room = aligned((parts + 1) * framed(w.size, w), w)
        whole = frame(room, parts, w.size)
        copied(w, whole)
        square_sums = np.zeros(parts, w.dtype)
        height = (n // parts // _ROUNDED + 1) * _ROUNDED
        for part in prange(parts):
            low, high = min(n, part * height), min(n, (part + 1) * height)
            sums = frame(room, part, w.size)
            square_sums[part] = one_pass(kernel, X, y, whole, sums, low, high)
        return finished(square_sums.sum(), room, parts, w, g, alpha, scale)

    return gradient


@compiled
def finished(
    squares: Any, room: Array, parts: int, w: Array, g: Array, alpha: Any, scale: Any
) -> Any:
    """Add up the first frames, one a part, in their order, and alpha; set g, return the squares."""
    penalty, factor = w.dtype.type(alpha), w.dtype.type(scale)
    sums = frame(room, 0, w.size)
    for part in range(1, parts):
        more = frame(room, part, w.size)
        for j in range(w.size):
            sums[j] += more[j]
    for j in range(w.size):
        penalised = penalty * w[j]  # not |w|² first, which may leave the range
        squares += penalised * w[j]
        g[j] = factor * (sums[j] + penalised)
    return squares


def one_pass(kernel: str, X: Array, y: Array, w: Array, g: Array, low: int, high: int) -> Any:
    """One pass over rows low to high by the kernel named; for compiled code only."""
    raise NotImplementedError


@overload(one_pass, prefer_literal=True)  # type: ignore[untyped-decorator]
def _one_pass_by_name(kernel: Any, X: Any, y: Any, w: Any, g: Any, low: Any, high: Any) -> Any:
    # By name, as a closure over compiled code is not found again in Numba's cache.
    chosen = KERNELS[kernel.literal_value]

    # Annotated alike: Numba compares the two.
    def pass_by(kernel: Any, X: Any, y: Any, w: Any, g: Any, low: Any, high: Any) -> Any:
        return chosen(X, y, w, g, low, high)

    return pass_by

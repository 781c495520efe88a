"""A working set beyond memory: gradients by blocks of rows, one after the other.

What yields the blocks is an interface: here rows of a memory-mapped file; an engine that holds them
on several machines could stand in its place, as value and gradient are sums over rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.linalg

from kernels import WAYS, Array, LeastSquares

_BYTES = 256 << 20  # of X in a block


class Blocks(Protocol):
    """Consecutive rows of (X, y), as problems that each fit in memory."""

    @property
    def n(self) -> int:
        """Rows in all."""

    @property
    def p(self) -> int:
        """Columns."""

    def __iter__(self) -> Iterator[LeastSquares]: ...


@dataclass(frozen=True, eq=False)
class Mapped:
    """Blocks of arrays that may be memory-mapped: each is copied when its turn comes."""

    X: Any
    y: Any

    @property
    def n(self) -> int:
        return len(self.X)

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    def __iter__(self) -> Iterator[LeastSquares]:
        rows = max(1, _BYTES // (self.p * self.X.itemsize))
        for start in range(0, self.n, rows):
            part = slice(start, start + rows)
            yield LeastSquares(np.array(self.X[part]), np.array(self.y[part]))


def value_and_gradient(
    blocks: Blocks,
    way: str,
    w: Array,
    alpha: float = 0.0,
    seen: Callable[[int], object] = lambda rows: None,
) -> tuple[float, Array]:
    """Return f(w) and ∇f(w) over all blocks, by a residual-form way.

        f(w) = (1/n) ( Σ n_b f_b(w) + alpha |w|² ),    ∇f(w) = (1/n) ( Σ n_b ∇f_b(w) + 2 alpha w )

    Rounding: a block of n_b rows brings γ_{n_b+p+3}, weights and the sum over B blocks B + 3 more,
    which together stay within the γ_{n+p+3} of one pass wherever n_b + B + 3 <= n.

    ``seen`` is told the rows of each block. Cost: one read of X, one block of memory.
    """
    value, gradient = 0.0, np.zeros(blocks.p, w.dtype)
    for block in blocks:
        part, slope = WAYS[way](block).value_and_gradient(w)
        value += block.n * part
        gradient += w.dtype.type(block.n) * slope
        seen(block.n)
    n = w.dtype.type(blocks.n)
    return (value + alpha * float(w @ w)) / blocks.n, (gradient + 2 * w.dtype.type(alpha) * w) / n


def triangle(blocks: Blocks, seen: Callable[[int], object] = lambda rows: None) -> Array:
    """Return R of [X y] = QR, (p + 1, p + 1), by blocks: R ← R of [R; [X_b y_b]], 2np² flops.

    J. Demmel et al., Communication-optimal parallel and sequential QR and LU factorizations, SIAM
    J. Sci. Comput. 34 (2012), section 3. As backward stable as Householder QR in one piece, column
    by column: reflections commute with the scaling of columns by powers of two, so that R D⁻¹ has
    the bits that columns of one size would give.
    """
    width = blocks.p + 1
    R = np.zeros((0, width))
    for block in blocks:
        rows = np.vstack([R, np.column_stack([block.X, block.y])])
        R = scipy.linalg.qr(rows, mode="r", check_finite=False)[0][:width]
        seen(block.n)
    return R

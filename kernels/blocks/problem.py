"""A problem whose X lies in blocks of rows."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from kernels.blocks.engine import Change, Engine, Join, Part, Seen
from kernels.problem import Array, LeastSquares
from kernels.rank.tree import few_rows

_Sum = TypeVar("_Sum")


class BlockedLeastSquares(LeastSquares):
    """Least squares over blocks of rows, wherever an engine keeps them.

    The contract of `LeastSquares`, but for X and y themselves: what is asked of them is asked of
    every block, and joined in a fixed tree (`engine.joined_in_tree`). The ways for it are
    `kernels.blocks.ways.OVER_BLOCKS`; `descend` and `minimum_norm` take it as it is. ``seen`` is
    told of each block that is done, in whatever is computed.

    Raises ValueError where blocks differ in p or dtype. Cost: a look at each block, which is when
    an engine reads them.
    """

    __slots__ = ("_few", "_is_homogeneous", "engine", "seen", "sizes")

    def __init__(self, engine: Engine, alpha: float = 0.0, seen: Seen | None = None) -> None:
        self.engine, self.seen = engine, seen
        self._is_homogeneous = False
        self._few: LeastSquares | None = None
        found = self.over_blocks(_looked_at, _joined_looks)
        self.sizes = found.sizes
        self._describe(sum(found.sizes), found.p, found.dtype, alpha)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, blocks={self.engine.count})"

    @property
    def nbytes(self) -> int:
        return self.n * self.p * self.dtype.itemsize

    def over_blocks(self, part: Part[_Sum], join: Join[_Sum]) -> _Sum:
        """Return ``part`` of every block, joined in the tree."""
        return self.engine.joined(partial(_on_block, part, self._is_homogeneous), join, self.seen)

    def one_block(self, number: int, part: Part[_Sum]) -> _Sum:
        return self.engine.one(number, partial(_on_block, part, self._is_homogeneous))

    def over_rows(
        self,
        part: Callable[[Array, Array], _Sum],
        join: Callable[[_Sum, _Sum], _Sum],
        entries: int | None = None,
    ) -> _Sum:
        found: _Sum = self.over_blocks(_OfRows(part, join, entries), join)
        return found

    def mapped(self, change: Change, alpha: float = 0.0) -> "BlockedLeastSquares":
        return BlockedLeastSquares(self.engine.mapped(change), alpha, self.seen)

    def homogeneous(self) -> Self:
        other = copy.copy(self)
        other._is_homogeneous, other._few = True, None
        return other

    def condensed(self) -> LeastSquares:
        """Return (R, c) as a problem of at most p + 1 rows: [X y] = Q [R c], by a tree of blocks.

        J. Demmel et al., Communication-optimal parallel and sequential QR and LU factorizations,
        SIAM J. Sci. Comput. 34 (2012), section 3. As backward stable as Householder QR in one
        piece, column by column: reflections commute with the scaling of columns by powers of two.
        In float64, then rounded to the dtype of X, by u|a_j| in column j.

        Cost: 2np² flops and (p + 1)² numbers from each block, once.
        """
        if self._few is None:
            R = self.over_rows(_triangle, _stacked).astype(self.dtype)
            self._few = LeastSquares(R[:, :-1].copy(), R[:, -1].copy(), self.alpha)
        return self._few


class _Look(NamedTuple):
    sizes: list[int]
    p: int
    dtype: np.dtype[Any]


def _looked_at(block: LeastSquares) -> _Look:
    return _Look([block.n], block.p, block.dtype)


def _joined_looks(a: _Look, b: _Look) -> _Look:
    if a[1:] != b[1:]:
        raise ValueError(
            f"blocks of X must be of one kind, got {a.p} columns of {a.dtype} and"
            f" {b.p} of {b.dtype}"
        )
    return _Look(a.sizes + b.sizes, a.p, a.dtype)


def _on_block(part: Part[_Sum], is_homogeneous: bool, block: LeastSquares) -> _Sum:
    return part(block.homogeneous() if is_homogeneous else block)


@dataclass(frozen=True)
class _OfRows:
    """`LeastSquares.over_rows` of a block."""

    part: Callable[[Array, Array], Any]
    join: Callable[[Any, Any], Any]
    entries: int | None

    def __call__(self, block: LeastSquares) -> Any:
        return block.over_rows(self.part, self.join, self.entries)


def _triangle(X: Array, y: Array) -> Array:
    return few_rows(np.column_stack([X, y]).astype(np.float64, copy=False))


def _stacked(a: Array, b: Array) -> Array:
    return np.asarray(np.linalg.qr(np.vstack([a, b]), mode="r"))

"""Where blocks of rows lie, and how what is computed of each is joined: in one fixed tree."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from kernels.problem import Array, LeastSquares

_BYTES = 256 << 20  # of X in a block that is read from a file when its turn comes

T = TypeVar("T")
Part = Callable[[LeastSquares], T]
Join = Callable[[T, T], T]
Seen = Callable[[int], object]  # is told, each time, how many more blocks are done
Change = Callable[[Array, Array], tuple[Array, Array]]


class Engine(Protocol):
    """Blocks of consecutive rows, each a problem with alpha = 0 that fits in memory."""

    @property
    def count(self) -> int:
        """How many blocks there are."""

    def joined(self, part: Part[T], join: Join[T], seen: Seen | None = None) -> T:
        """Return ``part`` of every block, joined in the tree of `joined_in_tree`."""

    def one(self, number: int, part: Part[T]) -> T:
        """Return ``part`` of one block."""

    def mapped(self, change: Change) -> Self:
        """Return blocks of what ``change`` makes of X and y of each."""


def joined_in_tree(found: Iterable[T], join: Join[T]) -> T:
    """Return all of them joined, two neighbours at a time, then two of the pairs, and so on.

    The tree depends on nothing but how many there are: so do the bits of a sum, whoever computes
    which part of it, and when. A run of 2^k from a multiple of 2^k on is a part of the tree by
    itself. At most one of each size is held.
    """
    waiting: list[T | None] = []  # at place k: 2^k of them joined
    for one in found:
        for k, before in enumerate(waiting):
            if before is None:
                waiting[k] = one
                break
            waiting[k], one = None, join(before, one)
        else:
            waiting.append(one)
    return reduce(lambda later, before: join(before, later), (w for w in waiting if w is not None))


def changed(change: Change, block: LeastSquares) -> LeastSquares:
    """Return a block of what ``change`` makes of another."""
    return block.mapped(change)


@dataclass(frozen=True)
class InTurn:
    """Blocks in this process, one after the other: each is made when its turn comes.

    A source makes the same block each time that it is called.
    """

    sources: Sequence[Callable[[], LeastSquares]]

    @property
    def count(self) -> int:
        return len(self.sources)

    def joined(self, part: Part[T], join: Join[T], seen: Seen | None = None) -> T:
        def parts() -> Iterable[T]:
            for source in self.sources:
                block = source()
                yield part(block)
                if seen is not None:
                    seen(1)

        return joined_in_tree(parts(), join)

    def one(self, number: int, part: Part[T]) -> T:
        return part(self.sources[number]())

    def mapped(self, change: Change) -> "InTurn":
        return InTurn([_Changed(source, change) for source in self.sources])


def in_turn(X: Any, y: Any) -> InTurn:
    """Return blocks of arrays that may be memory-mapped, each copied when its turn comes."""
    rows = max(1, _BYTES // (X.shape[1] * X.itemsize))
    starts = range(0, len(X), rows)
    return InTurn([_RowsOf(X, y, slice(start, start + rows)) for start in starts])


@dataclass(frozen=True)
class _Changed:
    source: Callable[[], LeastSquares]
    change: Change

    def __call__(self) -> LeastSquares:
        return changed(self.change, self.source())


@dataclass(frozen=True)
class _RowsOf:
    X: Any
    y: Any
    rows: slice

    def __call__(self) -> LeastSquares:
        return LeastSquares(np.array(self.X[self.rows]), np.array(self.y[self.rows]))

"""Where blocks of rows lie, and how what is computed of each is joined: in one fixed tree."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

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


class Run(NamedTuple, Generic[T]):
    """``size`` neighbours joined, a power of two, from block ``start`` on, a multiple of it."""

    start: int
    size: int
    value: T


def joined_in_tree(found: Iterable[T], join: Join[T]) -> T:
    """Return all of them joined, two neighbours at a time, then two of the pairs, and so on.

    The tree depends on nothing but how many there are: so do the bits of a sum, whoever computes
    which part of it, and when. At most one of each size is held.
    """
    return last_joined(runs((Run(k, 1, value) for k, value in enumerate(found)), join), join)


def runs(found: Iterable[Run[T]], join: Join[T]) -> list[Run[T]]:
    """Return neighbours joined as far as the tree goes that they are all of."""
    done: list[Run[T]] = []
    for run in found:
        while done and done[-1].size == run.size and run.start // run.size % 2:
            before = done.pop()
            run = Run(before.start, 2 * run.size, join(before.value, run.value))
        done.append(run)
    return done


def last_joined(found: Sequence[Run[T]], join: Join[T]) -> T:
    """Return what there is, from the first block to the last, joined: the small runs first."""
    return reduce(lambda later, before: join(before, later), [run.value for run in found[::-1]])


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
        return self.source().mapped(self.change)


@dataclass(frozen=True)
class _RowsOf:
    X: Any
    y: Any
    rows: slice

    def __call__(self) -> LeastSquares:
        return LeastSquares(np.array(self.X[self.rows]), np.array(self.y[self.rows]))

"""The ways over blocks of rows, by the names that they have in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from kernels.blocks.problem import BlockedLeastSquares
from kernels.problem import Array, LeastSquares
from kernels.rank.gram import both_added
from kernels.rank.power import squared_norm
from kernels.registry import WAYS
from kernels.solution import Solution
from kernels.way import Way


class WayOverBlocks(Way):
    """A way whose gradient is the sum of those of the blocks, each by the way in memory.

        f(w) = (1/n) ( Σ n_b f_b(w) + alpha |w|² ),    ∇f(w) = (1/n) ( Σ n_b ∇f_b(w) + 2 alpha w )

    Rounding: a block of n_b rows brings γ_{n_b+p+3}, weights and the tree over B blocks
    log₂ B + 4 more, which together stay within the γ_{n+p+3} of one pass. A way that factors X
    takes the factor of a tree of blocks, and its gradient reads no block.

    Cost: as in memory, and p + 1 numbers from each block.
    """

    is_remote = True
    kind: ClassVar[str]
    problem: BlockedLeastSquares
    _few: Way | None = None  # of a way that factors X: that way on R

    def _lay_out(self) -> None:
        if self.factored:
            self._few = WAYS[self.kind](self.problem.condensed())

    def _forget_y(self) -> None:
        if self._few is not None:
            self._few = self._few.homogeneous()

    def _prepare(self, X: Array, y: Array) -> None:
        raise NotImplementedError  # there is no X

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        n, of_dtype = self.problem.n, w.dtype.type
        if self._few is not None:
            share = self._few.problem.n / n
            value, gradient = self._few.value_and_gradient(w)
            return value * share, gradient * of_dtype(share)
        total, slope = self.problem.over_blocks(partial(_evaluated, self.kind, w), both_added)
        if alpha := self.problem.alpha:
            penalised = of_dtype(alpha) * w  # |w|² by itself may leave the range
            total, slope = total + float(penalised @ w), slope + 2 * penalised
        return total / n, slope / of_dtype(n)

    def solve(self) -> Solution:
        """Return the solution of the way in memory on the p + 1 rows of `condensed`."""
        found = (self._few or WAYS[self.kind](self.problem.condensed())).solve()
        if found.gradient_norm is None:
            return found
        return replace(found, gradient_norm=float(np.linalg.norm(self.gradient(found.w))))

    def batches(self, rows: int) -> list[tuple[float, Any]]:
        """Return the blocks themselves, whatever ``rows`` says: a message for each step."""
        sizes, n = self.problem.sizes, self.problem.n
        alpha = self.problem.alpha / len(sizes)
        return [
            (size * len(sizes) / n, _Batch(self.problem, self.kind, number, alpha))
            for number, size in enumerate(sizes)
        ]

    def batch_count(self, rows: int) -> int:
        return len(self.problem.sizes)

    def batch_curvature(self, rows: int) -> float:
        return self.problem.over_rows(_squared_norm, max)


class _Batch(NamedTuple):
    """One block as a way, as far as a stochastic step needs it."""

    problem: BlockedLeastSquares
    kind: str
    number: int
    alpha: float

    def value_and_gradient(self, w: Array) -> tuple[float, Array]:
        return self.problem.one_block(self.number, partial(_of_batch, self.kind, w, self.alpha))


def _of_batch(kind: str, w: Array, alpha: float, block: LeastSquares) -> tuple[float, Array]:
    return WAYS[kind](LeastSquares(block.X, block.y, alpha)).value_and_gradient(w)


def _evaluated(kind: str, w: Array, block: LeastSquares) -> tuple[float, Array]:
    """Return n_b f_b(w) and n_b ∇f_b(w)."""
    value, gradient = WAYS[kind](block).value_and_gradient(w)
    return block.n * value, gradient * w.dtype.type(block.n)


def _loss(way: Way, w: Any) -> Any:
    """Return f(w) as PyTorch records it: one node, whose gradient comes from the blocks."""
    from kernels.autograd.function import as_torch

    return as_torch(way)(w)


def _squared_norm(X: Array, y: Array) -> float:
    return squared_norm(X, len(X))


class _OverBlocks(Mapping[str, type[Way]]):
    """The classes of `WAYS` over blocks, each made, and its library imported, when asked for."""

    def __getitem__(self, name: str) -> type[Way]:
        return _over_blocks(name)

    def __iter__(self) -> Iterator[str]:
        return iter(WAYS)

    def __len__(self) -> int:
        return len(WAYS)


@cache
def _over_blocks(name: str) -> type[Way]:
    way = WAYS[name]
    holds: dict[str, Any] = {"kind": name, "factored": way.factored}
    holds["__doc__"] = WayOverBlocks.__doc__
    if name == "torch":
        holds["loss"] = _loss
    return type(f"{way.__name__}OverBlocks", (WayOverBlocks,), holds)


OVER_BLOCKS = _OverBlocks()

"""Blocks on a cluster of Dask: kept in its workers' memory, computed where they lie.

Each block is computed on one thread, whatever threads a worker has, and what is joined is joined in
a fixed tree. So the bits depend neither on the number of workers nor on which of them had what, and
a block that is lost with its worker is made again by its source, to the bit.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from dask.sizeof import sizeof
from distributed import Client, Future, as_completed
from threadpoolctl import threadpool_limits

from kernels.blocks.engine import Change, Join, Part, Seen, changed, joined_in_tree
from kernels.one_pass.threads import alone
from kernels.problem import LeastSquares

T = TypeVar("T")

_AT_ONCE = 8  # of what blocks are joined to: a whole part of the tree
_OVERHEAD = 1 << 10  # bytes of a block beside X and y
_LIBRARIES = {"numpy", "scipy.linalg", "torch"}  # that have threads of their own
_here = threading.local()  # OpenMP is told by each thread for itself


@sizeof.register(LeastSquares)  # type: ignore[untyped-decorator]
def _size(block: LeastSquares) -> int:
    """Tell Dask what a block weighs: its limits of memory go by it."""
    return block.X.nbytes + block.y.nbytes + _OVERHEAD


class OnCluster:
    """Blocks in the memory of workers, made there by ``sources``; None is a block without rows.

    What `distributed` raises is passed on: what a source raises, `KilledWorker` where a block has
    ended three workers.
    """

    def __init__(
        self,
        client: Client,
        sources: Sequence[Callable[[], LeastSquares | None]],
        seen: Seen | None = None,
    ) -> None:
        threads = {
            address: worker["nthreads"]
            for address, worker in client.scheduler_info(n_workers=-1)["workers"].items()
        }
        self._client = client
        self._last: list[Future[Any]] = []
        self._group = _group(len(sources), sum(threads.values()))
        # Neighbours to one worker, to each as many as it has threads; any other will do if it goes.
        homes = [address for address in sorted(threads) for _ in range(threads[address])]
        groups = -(-len(sources) // self._group)
        blocks = [
            client.submit(
                _made,
                source,
                pure=False,
                workers=[homes[k // self._group * len(homes) // groups]],
                allow_other_workers=True,
            )
            for k, source in enumerate(sources)
        ]
        _follow(client, blocks, seen)
        is_there = client.gather(client.map(_is_there, blocks, pure=False))
        self._blocks = [block for block, there in zip(blocks, is_there, strict=True) if there]
        if not self._blocks:
            raise ValueError("no source has any rows")

    @classmethod
    def _of(cls, other: "OnCluster", blocks: list[Future[Any]]) -> "OnCluster":
        engine = cls.__new__(cls)
        engine._client, engine._blocks, engine._last = other._client, blocks, []
        engine._group = other._group
        return engine

    @property
    def count(self) -> int:
        return len(self._blocks)

    def joined(self, part: Part[T], join: Join[T], seen: Seen | None = None) -> T:
        submit = partial(self._client.submit, pure=False)
        found = [
            submit(_joined_parts, part, join, *blocks)
            for blocks in _apart(self._blocks, self._group)
        ]
        if seen is not None:
            _follow(self._client, found, seen, self._group)
        while len(found) > _AT_ONCE:
            found = [submit(_joined, join, *some) for some in _apart(found, _AT_ONCE)]
        # What was asked last is let go only now: to tell the scheduler so would hold up this one.
        self._last = found
        whole: T = _joined(join, *self._client.gather(found))
        return whole

    def one(self, number: int, part: Part[T]) -> T:
        self._last = [self._client.submit(_on_one_thread, part, self._blocks[number], pure=False)]
        result: T = self._last[0].result()
        return result

    def mapped(self, change: Change) -> "OnCluster":
        blocks = self._client.map(_changed, self._blocks, change=change, pure=False)
        _follow(self._client, blocks)
        return self._of(self, blocks)


def _follow(
    client: Client, futures: Sequence[Future[Any]], seen: Seen | None = None, blocks: int = 1
) -> None:
    """Wait for all of them, each of some ``blocks``; raise what the first that failed raised."""
    for future in as_completed(futures, loop=client.loop):
        future.result()
        if seen is not None:
            seen(blocks)


def _made(source: Callable[[], LeastSquares | None]) -> LeastSquares | None:
    return source()


def _is_there(block: LeastSquares | None) -> bool:
    return block is not None


def _group(count: int, threads: int) -> int:
    """Return how many neighbouring blocks make a task: a part of the tree that is whole.

    A task costs a millisecond of a core, so there are few; two for a thread at least, so that none
    is idle for long. The tree, and so the bits, are the same.
    """
    group = 1
    while count // (2 * group) >= 2 * threads:
        group *= 2
    return group


def _apart(things: Sequence[Any], count: int) -> list[Sequence[Any]]:
    return [things[start : start + count] for start in range(0, len(things), count)]


def _joined(join: Join[T], *found: T) -> T:
    return joined_in_tree(found, join)


def _joined_parts(part: Part[T], join: Join[T], *blocks: LeastSquares) -> T:
    return joined_in_tree((_on_one_thread(part, block) for block in blocks), join)


def _changed(block: LeastSquares, change: Change) -> LeastSquares:
    return changed(change, block)


def _on_one_thread(part: Part[T], block: LeastSquares) -> T:
    """Return ``part`` of a block, computed on one thread.

    Libraries are imported where they are used, and can be told only then: what they computed before
    is computed again.
    """
    with alone():
        while True:
            found = part(block)
            if not _told():
                return found


def _told() -> bool:
    """Tell libraries that this thread has not told yet to take one thread; return if there were."""
    loaded = _LIBRARIES & sys.modules.keys()
    if loaded <= getattr(_here, "told", set()):
        return False
    threadpool_limits(1)
    if "torch" in loaded:
        import torch

        torch.set_num_threads(1)
    _here.told = loaded
    return True

"""Blocks on a cluster of Dask: kept in its workers' memory, computed where they lie.

Each block is computed on one thread, whatever threads a worker has, and what is joined is joined in
a fixed tree. So the bits depend neither on the number of workers nor on which of them had what, and
a block that is lost with its worker is made again by its source, to the bit.
"""

import sys
import threading
from collections.abc import Callable, Collection, Sequence
from itertools import chain, pairwise
from typing import Any, TypeVar

from dask.sizeof import sizeof
from distributed import Client, Future, as_completed
from threadpoolctl import threadpool_limits

from kernels.blocks.engine import Change, Join, Part, Run, Seen, last_joined, runs
from kernels.one_pass.threads import alone
from kernels.problem import Array, LeastSquares

T = TypeVar("T")

_AT_ONCE = 8  # tasks, of which the runs are joined by another
_STEP = 1 << 30  # bytes of X until progress is told
_STAYS, _OF_MEMORY = 3, 32  # parts of the memory that X stays in, and that a task may take
_OVERHEAD = 1 << 10  # bytes of a block beside X and y
_LIBRARIES = {"numpy", "scipy.linalg", "torch"}  # that have threads of their own
_here = threading.local()  # OpenMP is told by each thread for itself


@sizeof.register(LeastSquares)  # type: ignore[untyped-decorator]
def _size(block: LeastSquares) -> int:
    """Tell Dask what a block weighs: its limits of memory go by it."""
    return block.X.nbytes + block.y.nbytes + _OVERHEAD


class OnCluster:
    """Blocks in the memory of workers: futures of problems, None where a source had no rows.

    What `distributed` raises is passed on: what a source raises, `KilledWorker` where a block has
    ended three workers.
    """

    def __init__(self, client: Client, blocks: Sequence[Future[Any]]) -> None:
        sizes = client.gather(client.map(_bytes, blocks, pure=False))
        self._client = client
        self.blocks = [block for block, size in zip(blocks, sizes, strict=True) if size]
        if not self.blocks:
            raise ValueError("no source has any rows")
        size = sum(sizes)
        tasks = _tasks(workers_of(client).values(), size)
        self._shares = _shares(self.count, tasks)
        self._steps = _shares(self.count, max(tasks, size // _STEP))
        self._last: list[Future[Any]] = []

    @classmethod
    def of(
        cls,
        client: Client,
        sources: Sequence[Callable[[], LeastSquares | None]],
        seen: Seen | None = None,
    ) -> "OnCluster":
        """Let the workers make blocks, neighbours on one thread, as many on each.

        Any other worker will do for a block whose own is gone: it is made again.
        """
        workers = workers_of(client)
        homes = [name for name in sorted(workers) for _ in range(workers[name]["nthreads"])]
        blocks = [
            client.submit(_made, source, pure=False, workers=[home], allow_other_workers=True)
            for home, some in zip(homes, _shares(len(sources), len(homes)), strict=False)
            for source in sources[some]
        ]
        _follow(client, blocks, seen)
        return cls(client, blocks)

    @classmethod
    def of_arrays(cls, client: Client, X: Any, y: Any) -> "OnCluster":
        """Return blocks of arrays of Dask, one for each chunk of rows of X.

        They are computed on the cluster; lengths that are not known are asked for there.
        """
        from dask import delayed

        X, y = client.persist([X, y])
        with client.as_current():
            X, y = X.compute_chunk_sizes(), y.compute_chunk_sizes()
        X = X.rechunk({1: -1})
        rows, responses = (a.to_delayed().ravel() for a in (X, y.rechunk((X.chunks[0],))))
        of_chunks = delayed(_of_chunks)
        return cls(client, client.compute(list(map(of_chunks, rows, responses))))

    @property
    def count(self) -> int:
        return len(self.blocks)

    def joined(self, part: Part[T], join: Join[T], seen: Seen | None = None) -> T:
        slices = self._shares if seen is None else self._steps
        shares = [(share.start, self.blocks[share]) for share in slices]
        # By `map`, which sends all tasks at once: a second message would wait for 10 ms.
        found = self._client.map(_runs_of, shares, part=part, join=join, pure=False)
        if seen is not None:
            _follow(self._client, found, seen, -(-self.count // len(found)))
        while len(found) > _AT_ONCE:
            some = [found[k : k + _AT_ONCE] for k in range(0, len(found), _AT_ONCE)]
            found = self._client.map(_runs_joined, some, join=join, pure=False)
        # What was asked last is let go only now: to tell the scheduler so would hold up this one.
        self._last = found
        whole: T = last_joined(_runs_joined(self._client.gather(found), join), join)
        return whole

    def one(self, number: int, part: Part[T]) -> T:
        self._last = [self._client.submit(_on_one_thread, part, self.blocks[number], pure=False)]
        result: T = self._last[0].result()
        return result

    def mapped(self, change: Change) -> "OnCluster":
        blocks = self._client.map(_changed, self.blocks, change=change, pure=False)
        return OnCluster(self._client, blocks)


def _follow(
    client: Client, futures: Sequence[Future[Any]], seen: Seen | None = None, blocks: int = 1
) -> None:
    """Wait for all of them, each of some ``blocks``; raise what the first that failed raised."""
    for future in as_completed(futures, loop=client.loop):
        future.result()
        if seen is not None:
            seen(blocks)


def workers_of(client: Client) -> dict[str, Any]:
    """Return all workers by address, as the scheduler describes them.

    It is asked itself: what `Client.scheduler_info` returns another task of the client's renews
    meanwhile, without the workers.
    """
    scheduler: Any = client.scheduler
    found: dict[str, Any] = client.sync(scheduler.identity, n_workers=-1)["workers"]
    return found


def _of_chunks(X: Array, y: Array) -> LeastSquares | None:
    return LeastSquares(X, y) if len(y) else None


def _made(source: Callable[[], LeastSquares | None]) -> LeastSquares | None:
    return source()


def _bytes(block: LeastSquares | None) -> int:
    return 0 if block is None else block.nbytes


def _tasks(workers: Collection[dict[str, Any]], size: int) -> int:
    """Return into how many tasks X of ``size`` bytes is to go, a multiple of the threads.

    A task costs the scheduler, which has one thread, some two milliseconds: so it is all that a
    thread has of X. Where X does not stay in memory it is little beside what a worker may hold, as
    what comes from disk is there two or three times for a while.
    """
    threads = sum(int(worker["nthreads"]) for worker in workers)
    rooms = [int(worker["memory_limit"]) for worker in workers if worker["memory_limit"]]
    if not rooms or size <= sum(rooms) // _STAYS:
        return threads
    return threads * -(-size // (threads * (min(rooms) // _OF_MEMORY)))


def _shares(count: int, tasks: int) -> list[slice]:
    """Return neighbouring blocks for each of some tasks.

    The shares are equal, to a sixteenth: they end where parts of the tree of an eighth of a share
    do, so that each is joined to a few runs.
    """
    unit = 1 << max(0, (count // tasks // 8).bit_length() - 1)
    ends = [min(count, round(count * k / tasks / unit) * unit) for k in range(tasks)] + [count]
    return [slice(start, end) for start, end in pairwise(ends) if start < end]


def _runs_of(
    share: tuple[int, Sequence[LeastSquares]], part: Part[T], join: Join[T]
) -> list[Run[T]]:
    start, blocks = share
    found = (Run(start + k, 1, _on_one_thread(part, block)) for k, block in enumerate(blocks))
    return runs(found, join)


def _runs_joined(found: Sequence[list[Run[T]]], join: Join[T]) -> list[Run[T]]:
    return runs(chain.from_iterable(found), join)


def _changed(block: LeastSquares, change: Change) -> LeastSquares:
    return block.mapped(change)


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

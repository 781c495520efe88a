"""X drawn block by block, with the same bits in the workers of a Dask cluster and in one place."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kernels import Array, LeastSquares
from suites.harness.machine import cores, memory

_COLUMNS = 100
_BLOCK = 64 << 20  # bytes of X
_WORKERS = 2


@dataclass(frozen=True)
class Drawn:
    """A source: rows of X and y that are drawn by a seed, y = X 1 but for noise."""

    seed: int
    rows: int
    columns: int = _COLUMNS

    def __call__(self) -> LeastSquares:
        rng = np.random.default_rng(self.seed)
        X = rng.standard_normal((self.rows, self.columns))
        return LeastSquares(X, X.sum(axis=1) + rng.standard_normal(self.rows))


def drawn(size: int) -> list[Drawn]:
    """Return the sources of an X of ``size`` bytes, 64 MiB each but for the last."""
    rows = _BLOCK // (8 * _COLUMNS)
    whole, rest = divmod(size // (8 * _COLUMNS), rows)
    return [Drawn(k, rows) for k in range(whole)] + [Drawn(whole, rest)] * bool(rest)


@contextmanager
def cluster(size: int, workers: int = _WORKERS) -> Iterator[Any]:
    """Start a cluster that keeps X in memory, whose workers import `suites` from where it lies."""
    from kernels.blocks.local import local_cluster

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "suites").symlink_to(Path(__file__).parents[1])
        sys.path.append(folder)  # a process that is spawned takes it over
        try:
            with local_cluster(workers, cores(), memory() + 4 * size) as client:
                yield client
        finally:
            sys.path.remove(folder)


def in_one_place(sources: list[Drawn]) -> LeastSquares:
    """Return the problem of all of their rows, in this process."""
    n = sum(source.rows for source in sources)
    X, y, start = np.empty((n, _COLUMNS)), np.empty(n), 0
    for source in sources:
        block, stop = source(), start + source.rows
        X[start:stop], y[start:stop], start = block.X, block.y, stop
    return LeastSquares(X, y)


def arrays(client: Any, blocks: list[Any], sizes: list[int]) -> tuple[Any, Any]:
    """Return X and y as Dask's own arrays, over the blocks that the workers hold."""
    import dask.array as da
    from dask import delayed

    parts = [
        (delayed(_X_of)(block), delayed(_y_of)(block), size)
        for block, size in zip(blocks, sizes, strict=True)
    ]
    X = da.concatenate([da.from_delayed(X, (n, _COLUMNS), np.float64) for X, _, n in parts])
    y = da.concatenate([da.from_delayed(y, (n,), np.float64) for _, y, n in parts])
    both: tuple[Any, Any] = tuple(client.persist([X, y]))
    return both


def _X_of(block: LeastSquares) -> Array:
    return block.X


def _y_of(block: LeastSquares) -> Array:
    return block.y


def computed(client: Any, array: Any) -> Array:
    """Return an array of Dask as the cluster computes it."""
    return np.asarray(client.compute(array).result())

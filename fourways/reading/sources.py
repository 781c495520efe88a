"""What makes the blocks of a matrix: here rows of arrays of NumPy and Zarr."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fourways.errors import InputError
from fourways.reading.arrays import without_missing
from fourways.reading.options import INTERCEPT, Options, Told
from kernels import LeastSquares

Source = Callable[[], LeastSquares | None]  # None: there are no rows
OnWorkers = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]  # `map` where the files lie

_BYTES = 128 << 20  # of X in a block


@dataclass(frozen=True, eq=False, kw_only=True)
class Partitions(Told):
    """``sources`` make the blocks of X, in their order."""

    sources: list[Source]


def rows_of_block(p: int) -> int:
    """Return the rows of a block of p columns."""
    return max(1, _BYTES // (8 * p))


def is_array(url: str) -> bool:
    return url.rstrip("/").endswith((".npy", ".zarr"))


def _opened(url: str) -> Any:
    """Return an array that is read where it is indexed: memory-mapped, or of Zarr."""
    try:
        if url.rstrip("/").endswith(".npy"):
            return np.load(url, mmap_mode="r")
        import zarr

        return zarr.open_array(url, mode="r")
    except ImportError:
        raise InputError(f"{url} needs zarr: pip install zarr") from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{url} cannot be read: {str(error).splitlines()[0]}") from None


@dataclass(frozen=True)
class _Shape:
    shape: tuple[int, ...]
    kind: str
    chunk: int


def _shape(url: str) -> _Shape:
    array = _opened(url)
    chunks = getattr(array, "chunks", None)
    return _Shape(tuple(array.shape), array.dtype.kind, chunks[0] if chunks else 1)


def of_arrays(given: list[str], options: Options, on_workers: OnWorkers) -> Partitions:
    """Return how to read X and y, arrays of NumPy or Zarr, by rows."""
    if options.target or options.features or options.exclude:
        raise InputError(f"--target, --features and --exclude name columns; {given[0]} has none")
    X, y = on_workers(_shape, given)
    if len(X.shape) != 2 or len(y.shape) != 1 or X.shape[0] != y.shape[0]:
        raise InputError(f"X must be (n, p) and y (n,), got shapes {X.shape} and {y.shape}")
    for url, array in zip(given, (X, y), strict=True):
        if array.kind not in "biuf":
            raise InputError(f"{url} must hold real numbers")
    n, p = X.shape
    if not n * p:
        raise InputError(f"there is nothing to fit: X has shape {X.shape}")
    height = rows_of_block(p)
    height = max(X.chunk, height // X.chunk * X.chunk)  # whole chunks, each read once
    sources: list[Source] = [
        _Rows(given[0], given[1], start, min(n, start + height), options)
        for start in range(0, n, height)
    ]
    names = [INTERCEPT] * options.intercept + [f"x{j}" for j in range(p)]
    return Partitions(sources=sources, names=names)


@dataclass(frozen=True)
class _Rows:
    """Rows of two arrays as a block; None where none of them is whole."""

    X: str
    y: str
    start: int
    stop: int
    options: Options

    def __call__(self) -> LeastSquares | None:
        part = slice(self.start, self.stop)
        X, y = (np.asarray(_opened(url)[part], self.options.dtype) for url in (self.X, self.y))
        X, y = without_missing(X, y, self.X, self.options, self.start)[:2]
        if not len(y):
            return None
        if self.options.intercept:
            X = np.column_stack([np.ones(len(X), X.dtype), X])
        return LeastSquares(X.copy(), y.copy())

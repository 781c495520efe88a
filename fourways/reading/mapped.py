"""Parquet files: in memory, and beyond it."""

import atexit
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fourways.errors import InputError
from fourways.reading.cells import is_number, parsed, short
from fourways.reading.options import BEYOND, INTERCEPT, Data, Options, is_beyond_memory
from fourways.reading.table import without_missing

_SLICE = 256 << 20  # bytes of a slice of a file beyond memory


def columns_of(path: Path) -> list[str]:
    """Return the columns of a Parquet file, without its rows."""
    try:
        return list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from None


def parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read: {str(error).splitlines()[0]}")


def mapped(path: Path, target: str, features: list[str], options: Options) -> Data | None:
    """Return a Parquet file beyond memory as memory-mapped arrays; None where it fits.

    Its columns are written once, by slices of rows, to a temporary file that lies beside it and
    goes when the process ends. Raises InputError where dummies or dropping rows are asked for.
    """
    lazy = pl.scan_parquet(path)
    n, p = int(lazy.select(pl.len()).collect().item()), len(features)
    if not is_beyond_memory(n, p + 1):
        return None
    if options.dummies or options.drop_missing:
        raise InputError(f"{path} is beyond memory: --dummies and --missing drop need it in memory")
    folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".fourways-")
    atexit.register(folder.cleanup)
    names = [INTERCEPT] * options.intercept + features
    shape, file = (n, len(names)), Path(folder.name) / "X.npy"
    X = np.lib.format.open_memmap(file, mode="w+", dtype=options.dtype, shape=shape)
    y = np.empty(n, options.dtype)
    rows = max(1, _SLICE // (8 * len(names)))
    for start in range(0, n, rows):
        part = lazy.select([*features, target]).slice(start, rows).collect()
        part = numbers(part, path, options, start)
        stop = start + part.height
        fill(X[start:stop], part, features)
        y[start:stop] = part[target].to_numpy()
    X.flush()
    X = np.load(file, mmap_mode="r")
    return Data(X=X, y=y, names=names, notes=[BEYOND], is_beyond_memory=True)


def fill(X: Any, part: pl.DataFrame, features: list[str]) -> None:
    """Set X to the columns of a part; what is left of them, if there is room, to ones."""
    first = X.shape[1] - len(features)
    X[:, :first] = 1  # the intercept, if there is one
    for j, name in enumerate(features, first):
        X[:, j] = part[name].to_numpy()


def _first_text(values: pl.Series) -> int:
    """Return the first row that holds no number, else the first that holds anything."""
    cells = enumerate(values)
    texts = (row for row, cell in cells if isinstance(cell, str) and not is_number(cell))
    return next(texts, int(values.is_not_null().arg_max() or 0))


def numbers(part: pl.DataFrame, path: Path, options: Options, first: int = 0) -> pl.DataFrame:
    """Return a part of a table as numbers that lack nothing.

    ``first`` is the place of its first row in the file.
    """
    found = []
    for name in part.columns:
        where = f"{path}: column {name!r}"
        column = parsed(part[name], where, options.decimal or ".", options.null, first)
        if column.is_text or column.is_date:
            row = _first_text(column.values)
            raise InputError(
                f"{where} must be numeric, as the table is read in parts;"
                f" row {first + row + 1} holds {short(part[name][row])}"
            )
        found.append(column.values.alias(name))
    return without_missing(pl.DataFrame(found), path, drop=options.drop_missing, first=first)

"""Reads a design matrix and a response from a user's files, or says what is wrong with them."""

from pathlib import Path

from fourways.errors import InputError
from fourways.reading.options import Data, Options, Told, kind_of

__all__ = ["Data", "Options", "Told", "read"]

_KNOWN = (
    "one .csv, .tsv, .txt, .dat (or .gz, .bz2, .xz, .zst of these) or .parquet, two .npy"
    " (X and y), or one .npz with X and y"
)


def read(paths: list[Path], options: Options) -> Data:
    """Return the data of one table, of X.npy and y.npy, or of one .npz that holds X and y.

    X.npy and a Parquet file beyond memory stay in their files.

    Raises InputError for a file that is missing or cannot be read, a column that is not there,
    text where numbers should be, missing values (column and first row), a constant target, no
    rows or no columns, and a matrix beyond the machine's memory.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if path.is_dir():
            raise InputError(f"{path} is a folder; expected {_KNOWN}")
    kinds = [kind_of(path) for path in paths]
    if kinds in (["text"], [".parquet"]):
        from fourways.reading.table import from_table

        data = from_table(paths[0], options)
    elif kinds in ([".npy", ".npy"], [".npz"]):
        from fourways.reading.arrays import from_arrays

        data = from_arrays(paths, options)
    else:
        raise InputError(f"expected {_KNOWN}; got {', '.join(map(str, paths))}")
    return _checked(data)


def _checked(data: Data) -> Data:
    if data.X.size == 0:
        raise InputError(f"there is nothing to fit: X has shape {data.X.shape}")
    if len(data.y) > 1 and (data.y == data.y[0]).all():
        raise InputError(f"the target is constant: every value is {data.y[0]:g}")
    return data

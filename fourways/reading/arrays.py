"""Arrays of NumPy: X.npy and y.npy, or one .npz with X and y."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from fourways.errors import InputError
from fourways.reading.options import (
    BEYOND,
    INTERCEPT,
    Data,
    Options,
    is_beyond_memory,
    require_memory,
)

_NUMPY = b"\x93NUMPY"


def from_arrays(paths: list[Path], options: Options) -> Data:
    """Return X and y as they are, where their meaning is clear."""
    for given, option in (
        (options.target, "--target"),
        (options.features, "--features"),
        (options.exclude, "--exclude"),
    ):
        if given:
            raise InputError(f"{option} names columns of a table; {paths[0]} has none")
    X, y = _loaded(paths)
    notes: list[str] = []
    X, names = _plain_matrix(X, paths[0], notes)
    y = _plain_vector(y, X, paths[-1], notes)
    beyond = is_beyond_memory(*X.shape)
    if beyond and (len(paths) == 1 or options.intercept or str(X.dtype) != options.dtype):
        # An archive is read whole; a new column and another dtype are a copy.
        require_memory(X.shape[0], X.shape[1], str(paths[0]))
    if beyond:
        notes.append(BEYOND)
        y = y.astype(options.dtype)
        return Data(X=X, y=y, names=names, notes=notes, is_beyond_memory=True)
    X, y, dropped = without_missing(X, y, paths[0], options)
    if options.intercept:
        X, names = np.column_stack([np.ones(len(X), X.dtype), X]), [INTERCEPT, *names]
    X, y = X.astype(options.dtype, copy=False), y.astype(options.dtype, copy=False)
    return Data(X=X, y=y, names=names, dropped=dropped, notes=notes)


def _loaded(paths: list[Path]) -> tuple[Any, Any]:
    """Return X and y as they are in X.npy and y.npy, memory-mapped, or in one .npz."""
    if len(paths) == 2:
        X, y = (_opened(path) for path in paths)
        return X, y
    archive = _opened(paths[0])
    if isinstance(archive, np.ndarray):
        raise InputError(f"{paths[0]} holds one array; an .npz must hold X and y")
    with archive:
        if not {"X", "y"} <= set(archive.files):
            raise InputError(f"{paths[0]} must hold X and y; it holds {archive.files}")
        try:
            return archive["X"], archive["y"]
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise _unreadable(paths[0], error) from None


def _opened(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r" if path.suffix.lower() == ".npy" else None)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    if "pickle" not in str(error) and "Python objects" not in str(error):
        return InputError(f"{path} cannot be read: {str(error).splitlines()[0]}")
    with path.open("rb") as file:
        if file.read(len(_NUMPY)) != _NUMPY:
            return InputError(f"{path} cannot be read: damaged, or no file of NumPy's")
    return InputError(
        f"{path} holds Python objects, and reading them runs what the file says:"
        " save X.astype(float) instead"
    )


def _plain_matrix(X: Any, path: Path, notes: list[str]) -> tuple[Any, list[str]]:
    """Return X as (n, p) numbers, and the names of its columns."""
    if X.dtype.names and X.ndim == 1:
        names = list(X.dtype.names)
        for name in names:
            _require_numbers(X.dtype[name], f"{path}, field {name!r},")
        return np.column_stack([X[name].astype(np.float64) for name in names]), names
    _require_numbers(X.dtype, str(path))
    if X.ndim == 1:
        notes.append("X has one dimension: taken as one column")
        X = X.reshape(-1, 1)
    if X.ndim != 2:
        raise InputError(
            f"X must be (n, p), got shape {X.shape}: X.reshape(len(X), -1) flattens it"
        )
    return _plain(X, "X", notes), [f"x{j}" for j in range(X.shape[1])]


def _plain_vector(y: Any, X: Any, path: Path, notes: list[str]) -> Any:
    _require_numbers(y.dtype, str(path))
    if y.ndim == 2 and 1 in y.shape:
        notes.append(f"y has shape {y.shape}: taken as one column")
        y = y.reshape(-1)
    if y.ndim != 1 or len(y) != len(X):
        swapped = "; X comes first, then y" if y.ndim == 2 and X.shape[1] == 1 else ""
        raise InputError(
            f"X must be (n, p) and y (n,), got shapes {X.shape} and {y.shape}{swapped}"
        )
    return _plain(y, "y", notes)


def _require_numbers(dtype: Any, what: str) -> None:
    if dtype.kind not in "biuf":
        raise InputError(f"{what} must hold real numbers, got dtype {dtype}")


def _plain(array: Any, name: str, notes: list[str]) -> Any:
    """Return an array in the machine's own byte order, and in float64 if it is wider than that."""
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        notes.append(f"{name} is {array.dtype}: rounded to float64")
        return array.astype(np.float64)
    if array.dtype.kind in "iu" and array.size and array.dtype.itemsize == 8:
        rounded = array.astype(np.float64)
        if int(np.abs(rounded).max()) > 1 << 53 and (rounded.astype(array.dtype) != array).any():
            notes.append(f"{name} holds integers beyond 2⁵³: rounded to float64")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def without_missing(
    X: Any, y: Any, path: Path | str, options: Options, first: int = 0
) -> tuple[Any, Any, int]:
    """Return the rows that are finite; without --missing drop name the first that is not.

    ``first`` is the place of the first of these rows in the file.
    """
    whole = np.isfinite(X)
    bad = ~(whole.all(axis=1) & np.isfinite(y))
    if not bad.any():
        return X, y, 0
    if options.drop_missing:
        if bad.all() and not first:
            raise InputError(f"{path} has no rows that lack nothing")
        return X[~bad], y[~bad], int(bad.sum())
    row = int(bad.argmax())
    columns = np.flatnonzero(~whole[row])
    entry, value = (
        (f"X[{first + row}, {columns[0]}]", X[row, columns[0]])
        if len(columns)
        else (f"y[{first + row}]", y[row])
    )
    raise InputError(
        f"{path}: {entry} is {value}: every entry must be finite ({bad.sum()} of {len(X)} rows"
        " lack a value); --missing drop leaves such rows out"
    )

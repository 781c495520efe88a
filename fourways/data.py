"""Reads a design matrix and a response from a user's files, or says what is wrong with them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourways.errors import InputError

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_TABLES = (".csv", ".tsv", ".parquet")
_COPIES = 4  # of X: as read, as an array, and what factorisations take
_INTERCEPT = "intercept"
_SLICE = 256 << 20  # bytes of a slice of a Parquet file beyond memory


@dataclass(frozen=True)
class Options:
    """How to read: see `fourways compare --help`."""

    target: str | None = None
    features: list[str] | None = None
    intercept: bool = False
    dummies: bool = False
    drop_missing: bool = False
    dtype: str = "float64"


@dataclass(frozen=True, eq=False)
class Data:
    """X is (n, p), y is (n,), ``names`` are those of the columns of X; ``dropped`` counts rows.

    ``is_beyond_memory``: X stays in its file, memory-mapped, and is to be used by blocks.
    """

    X: "NDArray[Any]"
    y: "NDArray[Any]"
    names: list[str]
    dropped: int = 0
    is_beyond_memory: bool = False


def read(paths: list[Path], options: Options) -> Data:
    """Return the data of one table, of X.npy and y.npy, or of one .npz that holds X and y.

    X.npy beyond memory stays memory-mapped.

    Raises InputError for a file that is missing or cannot be read, a column that is not there,
    text where numbers should be, missing values (column and first row), a constant target, no
    rows or no columns, and a matrix beyond the machine's memory.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file")
    suffixes = [path.suffix.lower() for path in paths]
    if len(paths) == 1 and suffixes[0] in _TABLES:
        data = _from_table(paths[0], options)
    elif suffixes in ([".npy", ".npy"], [".npz"]):
        data = _from_arrays(paths, options)
    else:
        known = "one .csv, .tsv or .parquet, two .npy (X and y), or one .npz with X and y"
        raise InputError(f"expected {known}; got {', '.join(map(str, paths))}")
    return _checked(data)


def _from_table(path: Path, options: Options) -> Data:
    table = None if path.suffix.lower() == ".parquet" else _table(path)
    columns = _columns(path) if table is None else table.columns
    if options.target is None:
        raise InputError(f"--target must name a column of {path}: {_listed(columns)}")
    features = options.features or [name for name in columns if name != options.target]
    for name in (options.target, *features):
        if name not in columns:
            raise InputError(f"{path} has no column {name!r}; it has {_listed(columns)}")
    if twice := [name for name in features if features.count(name) > 1]:
        raise InputError(f"--features names {twice[0]!r} twice")
    if options.target in features:
        raise InputError(f"{options.target!r} is the target and cannot be a feature as well")
    if table is None:
        if features and (mapped := _mapped(path, features, options)):
            return mapped
        table = _table(path)
    table = table.select([*features, options.target])
    rows = table.height
    table = _without_missing(table, path, drop=options.drop_missing)
    if table.height == 0:
        raise InputError(f"{path} has no rows" + " that lack nothing" * bool(rows))
    y = _numeric(table, options.target, path, dummies=False)
    _require_memory(table.height, table.width, path)
    series: dict[str, pl.Series] = {}
    for name in features:
        if options.dummies and not table[name].dtype.is_numeric():
            made = table.select(name).to_dummies(separator="=")
            found = {column: made[column] for column in made.columns}
        else:
            found = {name: _numeric(table, name, path, dummies=True)}
        if both := found.keys() & series.keys():
            raise InputError(f"{path}: {min(both)!r} is a column and a dummy of {name!r}")
        series |= found
    return _with_intercept(series, y, options, rows - table.height)


def _mapped(path: Path, features: list[str], options: Options) -> Data | None:
    """Return a Parquet file beyond memory as memory-mapped arrays; None where it fits.

    Its columns are written once, by slices of rows, to a temporary file that lies beside it and
    goes when the process ends. Raises InputError where dummies or dropping rows are asked for.
    """
    import atexit
    import tempfile

    import numpy as np
    import polars as pl

    lazy = pl.scan_parquet(path)
    n, p = int(lazy.select(pl.len()).collect().item()), len(features)
    if not _is_beyond_memory(n, p + 1):
        return None
    if options.dummies or options.drop_missing:
        raise InputError(f"{path} is beyond memory: --dummies and --missing drop need it in memory")
    folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".fourways-")
    atexit.register(folder.cleanup)
    names = [_INTERCEPT] * options.intercept + features
    shape, file = (n, len(names)), Path(folder.name) / "X.npy"
    X = np.lib.format.open_memmap(file, mode="w+", dtype=options.dtype, shape=shape)
    y = np.empty(n, options.dtype)
    assert options.target is not None
    rows = max(1, _SLICE // (8 * len(names)))
    for start in range(0, n, rows):
        part = lazy.select([*features, options.target]).slice(start, rows).collect()
        part = _without_missing(part, path, drop=False, first=start)
        stop = start + part.height
        X[start:stop, 0] = 1  # the intercept, if there is one
        for j, name in enumerate(features, int(options.intercept)):
            X[start:stop, j] = _numeric(part, name, path, dummies=False, first=start).to_numpy()
        target = _numeric(part, options.target, path, dummies=False, first=start)
        y[start:stop] = target.to_numpy()
    X.flush()
    return Data(np.load(file, mmap_mode="r"), y, names, is_beyond_memory=True)


def _with_intercept(
    columns: "dict[str, pl.Series]", y: "pl.Series", options: Options, dropped: int
) -> Data:
    import numpy as np

    names = [_INTERCEPT] * options.intercept + list(columns)
    X = np.empty((len(y), len(names)), options.dtype)
    if options.intercept:
        X[:, 0] = 1
    for j, column in enumerate(columns.values(), int(options.intercept)):
        X[:, j] = column.to_numpy()
    return Data(X, y.to_numpy().astype(options.dtype), names, dropped)


def _columns(path: Path) -> list[str]:
    """Return the columns of a Parquet file, without its rows."""
    import polars as pl

    try:
        return list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _table(path: Path) -> "pl.DataFrame":
    import polars as pl

    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        return pl.read_csv(path, separator=separator, infer_schema_length=None)
    except pl.exceptions.NoDataError:
        raise InputError(f"{path} is empty") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _without_missing(
    table: "pl.DataFrame", path: Path, *, drop: bool, first: int = 0
) -> "pl.DataFrame":
    """Return the rows that lack nothing; without ``drop`` name the first that does.

    ``first`` is the place of the table's first row in its file.
    """
    import polars as pl

    missing = table.select(
        (pl.col(name).is_null() | pl.col(name).is_nan().fill_null(False)).alias(name)
        if table[name].dtype.is_float()
        else pl.col(name).is_null()
        for name in table.columns
    )
    bad = missing.select(pl.any_horizontal(pl.all()))[:, 0]
    if not bad.any():
        return table
    if drop:
        return table.filter(~bad)
    row = int(bad.arg_max() or 0)
    name = next(name for name in missing.columns if missing[name][row])
    count = int(bad.sum())
    raise InputError(
        f"{path}: column {name!r} has no value in row {first + row + 1}"
        f" ({count} of {table.height} rows lack one); --missing drop leaves such rows out"
    )


def _numeric(
    table: "pl.DataFrame", name: str, path: Path, *, dummies: bool, first: int = 0
) -> "pl.Series":
    """Return a column as numbers, or name the first row that holds none; ``first`` as above."""
    import polars as pl

    column = table[name]
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64)
    numbers = column.cast(pl.Float64, strict=False) if column.dtype == pl.String else None
    bad = numbers.is_null() if numbers is not None else pl.Series([True])
    if numbers is not None and not bad.any():
        return numbers
    row = int(bad.arg_max() or 0)
    advice = "; --dummies turns columns of text into dummies" if dummies else ""
    raise InputError(
        f"{path}: column {name!r} must be numeric;"
        f" row {first + row + 1} holds {column[row]!r}{advice}"
    )


def _from_arrays(paths: list[Path], options: Options) -> Data:
    import numpy as np

    for given, option in (
        (options.target, "--target"),
        (options.features, "--features"),
    ):
        if given:
            raise InputError(f"{option} names columns of a table; {paths[0]} has none")
    X, y = _loaded(paths)
    if _is_beyond_memory(*X.shape):
        if len(paths) == 1 or options.intercept or str(X.dtype) != options.dtype:
            # An archive is read whole; a new column and another dtype are a copy.
            _require_memory(X.shape[0], X.shape[1], paths[0])
        names = [f"x{j}" for j in range(X.shape[1])]
        return Data(X, y.astype(options.dtype), names, is_beyond_memory=True)
    names = [_INTERCEPT] * options.intercept + [f"x{j}" for j in range(X.shape[1])]
    if options.intercept:
        X = np.column_stack([np.ones(len(X), X.dtype), X])
    wanted = X.dtype if X.dtype == y.dtype and options.dtype == X.dtype else options.dtype
    return Data(X.astype(wanted, copy=False), y.astype(wanted, copy=False), names)


def _loaded(paths: list[Path]) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Return X and y as they are in X.npy and y.npy, memory-mapped, or in one .npz."""
    import zipfile
    import zlib

    import numpy as np

    try:
        if len(paths) == 1:
            archive = np.load(paths[0])
            if isinstance(archive, np.ndarray):
                raise InputError(f"{paths[0]} holds one array; an .npz must hold X and y")
            with archive:
                if not {"X", "y"} <= set(archive.files):
                    raise InputError(f"{paths[0]} must hold X and y; it holds {archive.files}")
                X, y = archive["X"], archive["y"]
        else:
            X, y = (np.load(path, mmap_mode="r") for path in paths)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{paths[0]} cannot be read: {str(error).splitlines()[0]}") from None
    if (X.ndim, y.ndim) != (2, 1):
        raise InputError(f"X must be (n, p) and y (n,), got shapes {X.shape} and {y.shape}")
    for array in (X, y):
        if array.dtype.kind not in "biuf":
            raise InputError(f"{paths[0]} must hold real numbers, got dtype {array.dtype}")
    return X, y


def _checked(data: Data) -> Data:
    if data.X.size == 0:
        raise InputError(f"there is nothing to fit: X has shape {data.X.shape}")
    if data.y.size and (data.y == data.y[0]).all():
        raise InputError(f"the target is constant: every value is {data.y[0]:g}")
    return data


def _is_beyond_memory(n: int, p: int) -> bool:
    from suites.harness.machine import memory

    return _COPIES * n * p * 8 > memory()


def _require_memory(n: int, p: int, path: Path) -> None:
    from suites.harness.machine import memory

    if _is_beyond_memory(n, p):
        needed, there = _COPIES * n * p * 8, memory()
        raise InputError(
            f"{path}: {n} x {p} needs {needed / 1e9:.1f} GB for {_COPIES} copies of X;"
            f" this machine has {there / 1e9:.1f} GB"
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:12])
    return shown + (f", ... ({len(names)} in all)" if len(names) > 12 else "")

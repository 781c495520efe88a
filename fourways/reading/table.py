"""A table's columns as X and y: which, what of them lacks values, and dummies."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fourways.errors import InputError
from fourways.reading.cells import Column, decimal_mark, is_categorical, parsed, short
from fourways.reading.options import INTERCEPT, Data, Options, chosen, listed, require_memory
from fourways.reading.text import read_text

_COUNTED = 2  # rows at least, for a first column without a name to count them


def from_table(path: Path, options: Options) -> Data:
    """Return X and y of a table."""
    if path.suffix.lower() == ".parquet":
        from fourways.reading.mapped import columns_of, mapped, parquet

        names = columns_of(path)
        target, features, left = roles(names, options, path)
        if features and (data := mapped(path, target, features, options)):
            return data
        return _assembled(parquet(path), target, features, options, path, left, ".")
    table, dialect = read_text(path, options)
    index = counting_column(table)
    target, features, left = roles(table.columns, options, path, index)
    used = [table[name] for name in (*features, target)]
    decimal = options.decimal or decimal_mark(used, dialect.separator)
    read_as = f"read as {dialect}" + ", decimal commas" * (decimal == ",")
    return _assembled(table, target, features, options, path, [read_as, *left], decimal)


def roles(
    columns: list[str], options: Options, path: Path, index: str | None = None
) -> tuple[str, list[str], list[str]]:
    """Return the target, the features, and what was left out unasked."""
    if options.target is None:
        raise InputError(f"--target must name a column of {path}: {listed(columns)}")
    excluded = chosen(options.exclude, columns)
    asked = chosen(options.features, columns)
    for name in (options.target, *asked, *excluded):
        if name not in columns:
            raise InputError(f"{path} has no column {name!r}; it has {listed(columns)}")
    if twice := [name for name in asked if asked.count(name) > 1]:
        raise InputError(f"--features names {twice[0]!r} twice")
    if options.target in asked:
        raise InputError(f"{options.target!r} is the target and cannot be a feature as well")
    left = []
    if index is not None and index != options.target and index not in asked:
        excluded.append(index)
        left = ["the first column has no name and counts the rows: left out"] * (not asked)
    features = asked or [name for name in columns if name != options.target]
    return options.target, [name for name in features if name not in excluded], left


def counting_column(table: pl.DataFrame) -> str | None:
    """Return the name of a first column without one that counts the rows, or names them."""
    first = table.columns[0] if table.width > 1 else None
    if first not in ("", "Unnamed: 0", "rownames") or table.height < _COUNTED:
        return None
    numbers = table[first].cast(pl.Float64, strict=False)
    if numbers.null_count() == 0:
        return first if (numbers.diff().drop_nulls() == 1).all() else None
    return first if table[first].n_unique() == table.height else None


def _assembled(
    table: pl.DataFrame,
    target: str,
    features: list[str],
    options: Options,
    path: Path,
    notes: list[str],
    decimal: str,
) -> Data:
    columns = {
        name: parsed(table[name], f"{path}: column {name!r}", decimal, options.null)
        for name in (*features, target)
    }
    y = columns.pop(target)
    if y.is_text or (y.is_date and not options.dates):
        raise InputError(_refusal(target, y, path, is_target=True))
    for name, column in columns.items():
        if _is_refused(column, options):
            raise InputError(_refusal(name, column, path))
        notes += [f"column {name!r}: {note}" for note in column.notes]
        notes += [f"column {name!r}: dates, as days since 1970-01-01"] * column.is_date
    notes += [f"column {target!r}: {note}" for note in y.notes]
    series = [column.values.alias(name) for name, column in columns.items()]
    frame = pl.DataFrame([*series, y.values.alias(target)])
    frame, empty = _without_empty(frame, target, path, options)
    notes += [f"column {name!r} is empty throughout: left out" for name in empty]
    rows = frame.height
    frame = without_missing(frame, path, drop=options.drop_missing)
    if frame.height == 0:
        raise InputError(f"{path} has no rows" + " that lack nothing" * bool(rows))
    features = [name for name in features if name not in empty]
    X, names = _matrix(frame, features, options, path)
    values = frame[target].to_numpy().astype(options.dtype)
    return Data(X=X, y=values, names=names, dropped=rows - frame.height, notes=notes)


def _is_refused(column: Column, options: Options) -> bool:
    if column.is_text:
        return not (options.dummies and is_categorical(column.values))
    return column.is_date and not options.dates


def _refusal(name: str, column: Column, path: Path, is_target: bool = False) -> str:
    """Say why a column is no feature, and what to do about it."""
    out = "" if is_target else f"--exclude {_quoted(name)}"
    row = int(column.values.is_not_null().arg_max() or 0)
    if column.is_date:
        ways = " or ".join(filter(None, ["--dates (days since 1970-01-01)", out]))
        return f"{path}: column {name!r} holds dates: {ways}"
    ways = " or ".join(filter(None, ["--dummies" * (not is_target), out]))
    if not is_categorical(column.values):
        levels, rows = column.values.n_unique(), len(column.values)
        what, ways = f"has {levels} texts in {rows} rows, too many for dummies", out
    else:
        what = f"must be numeric; row {row + 1} holds {short(column.values[row])}"
    return f"{path}: column {name!r} {what}" + f": {ways}" * bool(ways)


def _quoted(name: str) -> str:
    return f"'{name}'" if not name.isidentifier() else name


def _without_empty(
    frame: pl.DataFrame, target: str, path: Path, options: Options
) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns that have any value; without --missing drop name one that has none."""
    empty = [name for name in frame.columns if frame[name].null_count() == frame.height > 0]
    if target in empty:
        raise InputError(f"{path}: the target {target!r} is empty throughout")
    if empty and not options.drop_missing:
        raise InputError(
            f"{path}: column {empty[0]!r} is empty throughout:"
            f" --missing drop or --exclude {_quoted(empty[0])}"
        )
    return frame.drop(empty), empty


def without_missing(table: pl.DataFrame, path: Path, *, drop: bool, first: int = 0) -> pl.DataFrame:
    """Return the rows that lack nothing; without ``drop`` name the first that does.

    ``first`` is the place of the table's first row in its file.
    """
    missing = table.select(pl.all().is_null())
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


def _matrix(
    frame: pl.DataFrame, features: list[str], options: Options, path: Path
) -> tuple[Any, list[str]]:
    """Return X and the names of its columns, dummies and intercept included."""
    levels = {name: frame[name].n_unique() for name in features if frame[name].dtype == pl.String}
    p = len(features) - len(levels) + sum(levels.values()) + options.intercept
    most = max(levels, key=lambda name: levels[name], default="")
    what = f"{path}, {levels[most]} dummies of {most!r} included" if levels else str(path)
    require_memory(frame.height, p + 1, what)
    series: dict[str, pl.Series] = {}
    for name in features:
        if name in levels:
            made = frame.select(name).to_dummies(separator="=")
            found = {column: made[column] for column in made.columns}
        else:
            found = {name: frame[name]}
        if both := found.keys() & series.keys():
            raise InputError(f"{path}: {min(both)!r} is a column and a dummy of {name!r}")
        series |= found
    X = np.empty((frame.height, p), options.dtype)
    if options.intercept:
        X[:, 0] = 1
    for j, column in enumerate(series.values(), int(options.intercept)):
        X[:, j] = column.to_numpy()
    return X, [INTERCEPT] * options.intercept + list(series)

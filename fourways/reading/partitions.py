"""A matrix in many files: which they are, and how the workers of a cluster read each.

The client sees names and numbers of rows. Every file is looked at, and then read, by a worker.
"""

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
from dask.utils import natural_sort_key
from fsspec.core import url_to_fs

from fourways.errors import InputError
from fourways.reading.cells import decimal_mark
from fourways.reading.mapped import fill, numbers
from fourways.reading.options import INTERCEPT, Options, kind_of
from fourways.reading.sources import (
    OnWorkers,
    Partitions,
    Source,
    is_array,
    of_arrays,
    rows_of_block,
)
from fourways.reading.table import counting_column, roles
from fourways.reading.text import EmptyFileError, read_text
from kernels import LeastSquares

_TABLES = ("text", ".parquet")


@dataclass(frozen=True)
class File:
    """A file of any file system that fsspec reads; what is asked of a path is asked of it."""

    url: str

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.url)

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def is_parquet(self) -> bool:
        return kind_of(self.path) == ".parquet"

    def read_bytes(self) -> bytes:
        system, path = url_to_fs(self.url)
        content: bytes = system.cat_file(path)
        return content

    def __str__(self) -> str:
        return self.url


def partitions(given: list[str], options: Options, on_workers: OnWorkers) -> Partitions:
    """Return how to read folders, patterns and files of one kind, or X and y as arrays.

    Raises InputError for what is not there or not of one kind, for columns that differ from file to
    file, and for all that `fourways.reading.read` refuses in one file.
    """
    if options.dummies or options.dates:
        raise InputError("--dummies and --dates need the whole table: they cannot be had in parts")
    if len(given) == 2 and all(is_array(url) for url in given):
        return of_arrays(given, options, on_workers)
    files = [file for url in given for file in _files(url)]
    if len({kind_of(file.path) for file in files}) > 1:
        raise InputError(f"{given[0]} holds Parquet and text: a pattern, '*.parquet', parts them")
    return _of_tables(files, options, on_workers)


def _files(url: str) -> list[File]:
    """Return the tables that a file, a folder or a pattern names, part-2 before part-10."""
    try:
        system, path = url_to_fs(url)
        if "*" in path or "?" in path or "[" in path:
            found = system.glob(path)
        elif system.isdir(path):
            found = system.find(path)
        else:
            found = [path] if system.exists(path) else []
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"{url} cannot be read: {str(error).splitlines()[0]}") from None
    tables = [
        File(system.unstrip_protocol(path) if "://" in url else str(path))
        for path in sorted(found, key=natural_sort_key)
        if _is_table(PurePosixPath(path))
    ]
    if not tables:
        what = (
            "no such file" if not found else "no table in it; expected .parquet, .csv and the like"
        )
        raise InputError(f"{url}: {what}")
    return tables


def _is_table(path: PurePosixPath) -> bool:
    return kind_of(path) in _TABLES and not path.name.startswith((".", "_"))


@dataclass(frozen=True)
class _Survey:
    """What a file holds, and how it is written; ``index`` is a column that counts the rows."""

    columns: list[str]
    rows: int
    options: Options
    index: str | None = None


@dataclass(frozen=True)
class _Surveyor:
    options: Options

    def __call__(self, file: File) -> _Survey:
        if not file.is_parquet:
            table, dialect = read_text(file, self.options)
            mark = self.options.decimal or decimal_mark(table.get_columns(), dialect.separator)
            known = replace(
                self.options,
                separator=dialect.separator,
                encoding=dialect.encoding,
                decimal=mark,
            )
            return _Survey(table.columns, table.height, known, counting_column(table))
        try:
            lazy = pl.scan_parquet(_readable(file))
            rows = int(lazy.select(pl.len()).collect().item())
            return _Survey(lazy.collect_schema().names(), rows, self.options)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(file, error) from None


@dataclass(frozen=True)
class _Layout:
    """The columns of all files, as the first has them, and what each is for."""

    first: File
    columns: list[str]
    target: str
    features: list[str]
    options: Options

    def require(self, file: File, columns: list[str]) -> None:
        """Raise InputError where a file has other columns; their order may differ."""
        options = self.options
        wanted = [*self.features, self.target]
        for name in wanted:
            if name not in columns:
                raise InputError(f"{file} has no column {name!r}, which {self.first} has")
        for name in columns:
            if name not in self.columns and not options.features and name not in options.exclude:
                raise InputError(
                    f"{file} has a column {name!r}, which {self.first} has not:"
                    f" --exclude {name!r}, or name the --features"
                )

    def block(self, table: pl.DataFrame, file: File, start: int = 0) -> LeastSquares | None:
        """Return rows from ``start`` on as a block; None where none of them is whole."""
        part = table.select([*self.features, self.target])
        part = numbers(part, Path(file.url), self.options, start) if table.height else part
        if not part.height:
            return None
        X = np.empty((part.height, len(self.features) + self.options.intercept), self.options.dtype)
        fill(X, part, self.features)
        return LeastSquares(X, part[self.target].to_numpy().astype(self.options.dtype))


def _of_tables(files: list[File], options: Options, on_workers: OnWorkers) -> Partitions:
    surveys = on_workers(_Surveyor(options), files if files[0].is_parquet else files[:1])
    first = surveys[0]
    elsewhere = {name for survey in surveys for name in survey.columns} - set(first.columns)
    asked = replace(options, exclude=tuple(set(options.exclude) - elsewhere))
    target, features, notes = roles(first.columns, asked, Path(files[0].url), first.index)
    layout = _Layout(files[0], first.columns, target, features, first.options)
    names = [INTERCEPT] * options.intercept + features
    if not names:
        raise InputError(f"{files[0]} has no column beside {target!r}")
    sources: list[Source] = []
    if files[0].is_parquet:
        height = rows_of_block(len(names))
        for file, survey in zip(files, surveys, strict=True):
            layout.require(file, survey.columns)
            starts = range(0, survey.rows, height)
            sources += [_Slice(file, at, min(survey.rows, at + height), layout) for at in starts]
        empty = sum(survey.rows == 0 for survey in surveys)
        notes += [f"{empty} of the files have no rows"] * bool(empty)
    else:
        sources += [_Text(file, layout) for file in files]
    if not sources:
        raise InputError(f"there are no rows in {', '.join(file.url for file in files[:3])}")
    return Partitions(sources=sources, names=names, notes=[f"files: {len(files):,}", *notes])


@dataclass(frozen=True)
class _Slice:
    """A source: rows of a Parquet file."""

    file: File
    start: int
    stop: int
    layout: _Layout

    def __call__(self) -> LeastSquares | None:
        try:
            lazy = pl.scan_parquet(_readable(self.file))
            used = [*self.layout.features, self.layout.target]
            table = lazy.select(used).slice(self.start, self.stop - self.start).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(self.file, error) from None
        return self.layout.block(table, self.file, self.start)


@dataclass(frozen=True)
class _Text:
    """A source: a table as text, whole."""

    file: File
    layout: _Layout

    def __call__(self) -> LeastSquares | None:
        try:
            table, _ = read_text(self.file, self.layout.options)
        except EmptyFileError:
            return None
        self.layout.require(self.file, table.columns)
        return self.layout.block(table, self.file)


def _readable(file: File) -> str | BytesIO:
    """Return what polars reads: a path of this machine, or the bytes of a file elsewhere."""
    return BytesIO(file.read_bytes()) if "://" in file.url else file.url


def _unreadable(file: File, error: Exception) -> InputError:
    return InputError(f"{file} cannot be read: {str(error).splitlines()[0]}")

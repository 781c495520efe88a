"""Tables as text: how the file is written, found out from its first lines, and its cells."""

import bz2
import codecs
import csv
import gzip
import lzma
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from fourways.errors import InputError
from fourways.reading.cells import is_number
from fourways.reading.options import Options

_HEAD = 1 << 16  # bytes that tell how a file is written
_LINES = 100  # of these
_BLANKS = " "
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", _BLANKS: "blanks"}
_BY_NAME = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "blank": _BLANKS}
_COMMENTS = "#%"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class EmptyFileError(InputError):
    """There is nothing in a file."""


class Readable(Protocol):
    """What is asked of a path to read a table from it."""

    @property
    def suffix(self) -> str: ...

    def read_bytes(self) -> bytes: ...


@dataclass(frozen=True)
class Dialect:
    """How a file is written; ``comment`` begins lines that are left out."""

    encoding: str
    separator: str
    comment: str | None

    def __str__(self) -> str:
        plain = self.encoding in ("utf-8", "utf-8-sig")
        parts = [f"columns by {_SEPARATORS.get(self.separator, repr(self.separator))}"]
        parts += [self.encoding] * (not plain)
        parts += [f"lines that begin with {self.comment} left out"] * bool(self.comment)
        return ", ".join(parts)


def read_text(path: Readable, options: Options) -> tuple[pl.DataFrame, Dialect]:
    """Return the cells of a table as text, under its own names, and how the file is written.

    Raises InputError where that cannot be told: no rows, an encoding that the bytes are not in,
    a first line of numbers only, two columns of one name.
    """
    raw = _opened(path)
    encoding = options.encoding or _encoding(raw)
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(f"{path} is not in {encoding}: {error}") from None
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = [line for line in text[:_HEAD].splitlines() if line.strip()]
    if len(text) > _HEAD and len(lines) > 1:
        lines.pop()  # cut off
    lines = lines[:_LINES]
    if not lines:
        raise EmptyFileError(f"{path} is empty")
    comment = _comment(lines)
    above = [line for line in lines if comment and _is_comment(line, comment)]
    lines = [line for line in lines if line not in above]
    if above:
        text = re.sub(rf"(?m)^{comment}(?!N/A)[^\n]*\n?", "", text)
    separator = _separator(lines, options)
    dialect = Dialect(encoding, separator, comment)
    if separator == _BLANKS:
        lines, text = _single_blanks("\n".join(lines)).splitlines(), _single_blanks(text)
    cells = list(csv.reader(lines, delimiter=separator))
    names, of_data = _names(cells, above, dialect, options, path)
    frame = _cells(text, dialect, max(map(len, cells)), path).slice(of_data)
    if names is None:
        return frame.rename({old: f"x{j}" for j, old in enumerate(frame.columns)}), dialect
    return _named(frame, names, path), dialect


def _opened(path: Readable) -> bytes:
    """Return the bytes of a file, unpacked."""
    unpack = {
        ".gz": gzip.decompress,
        ".bz2": bz2.decompress,
        ".xz": lzma.decompress,
        ".zst": _unpacked_zstandard,
    }.get(path.suffix.lower())
    try:
        raw = path.read_bytes()
        return unpack(raw) if unpack else raw
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _unpacked_zstandard(raw: bytes) -> bytes:
    import zstandard

    parts = []
    try:
        while raw:  # frame by frame
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(raw))
            if not frame.eof:
                raise EOFError("its end is missing")
            raw = frame.unused_data
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from None
    return b"".join(parts)


def _encoding(raw: bytes) -> str:
    """Return UTF-8 where the bytes are that, UTF-16 by its mark or its zeros, else cp1252.

    Others of one byte a letter are not told apart: digits are the same in all of them.
    """
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            return name
    head = raw[:_HEAD]
    for name, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > len(head) // 4:
            return name
    for name in ("utf-8", "cp1252"):
        try:
            raw.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def _comment(lines: list[str]) -> str | None:
    """Return what begins some lines, fewer than half of them, as comments do."""
    for mark in _COMMENTS:
        if 0 < sum(_is_comment(line, mark) for line in lines) <= len(lines) // 2:
            return mark
    return None


def _is_comment(line: str, mark: str) -> bool:
    return line.startswith(mark) and not line.startswith("#N/A")


def _separator(lines: list[str], options: Options) -> str:
    """Return what parts columns, by the consistency of the first lines.

    G. van den Burg, A. Nazábal and C. Sutton, Wrangling messy CSV files by detecting row and type
    patterns, Data Mining and Knowledge Discovery 33 (2019).
    """
    if options.separator is not None:
        separator = _BY_NAME.get(options.separator, options.separator)
        if len(separator) != 1:
            raise InputError(f"--separator must be one character, got {options.separator!r}")
        return separator
    from clevercsv.detect import Detector

    sample = _single_blanks("\n".join(lines)) + "\n"
    there = [s for s in _SEPARATORS if s in sample or (s == "\t" and "\t" in "".join(lines))]
    if "\t" in there:
        sample = "\n".join(lines) + "\n"
    found = Detector().detect(sample, delimiters=there) if there else None
    return (found.delimiter if found else "") or ","


def _single_blanks(text: str) -> str:
    """Return the text with one blank for several, none at the ends of lines; not in quotes."""
    text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)
    return re.sub(r'("[^"\n]*")|[ \t]+', lambda found: found[1] or _BLANKS, text)


def _all_numbers(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(map(is_number, filled))


def _names(
    cells: list[list[str]], above: list[str], dialect: Dialect, options: Options, path: Readable
) -> tuple[list[str] | None, int]:
    """Return the names of the columns, and which line is the first of the data.

    None where there are no names, as was said.
    """
    if options.header == "none":
        return None, 0
    first, width = cells[0], Counter(map(len, cells[1:] or cells)).most_common(1)[0][0]
    if options.header is None and _all_numbers(first):
        if above:  # "# x y z" above the numbers
            line = _single_blanks(above[-1].lstrip(dialect.comment or "").strip())
            (names,) = csv.reader([line], delimiter=dialect.separator)
            if len(names) == width and not _all_numbers(names):
                return [name.strip() for name in names], 0
        raise InputError(
            f"{path}: the first line holds numbers only: --header none if they are data,"
            " --header first if names"
        )
    names = [name.strip() for name in first]
    if 1 < (there := sum(map(bool, names))) < width - 1 or there < len(names) - 1:
        raise InputError(
            f"{path}: the first line names {there} of {width} columns: --header none if it is data"
        )
    if len(names) == width - 1:  # R leaves out that of row names
        names = ["", *names]
    return names, 1


def _cells(text: str, dialect: Dialect, width: int, path: Readable) -> pl.DataFrame:
    text = re.sub(r"(?m)^ *\n", "", text)
    first, end, rest = text.partition("\n")
    (cells,) = csv.reader([first], delimiter=dialect.separator)
    text = first.rstrip("\r") + dialect.separator * (width - len(cells)) + end + rest
    try:
        frame = pl.read_csv(
            text.encode(),
            separator=dialect.separator,
            has_header=False,
            schema={f"column {j}": pl.String for j in range(width)},
        )
    except pl.exceptions.NoDataError:
        raise EmptyFileError(f"{path} is empty") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines


def _named(frame: pl.DataFrame, names: list[str], path: Readable) -> pl.DataFrame:
    """Return the table under its names, without columns that have neither name nor value."""
    names = names + [""] * (frame.width - len(names))
    kept = [
        (old, name)
        for old, name in zip(frame.columns, names, strict=True)
        if name or not frame[old].is_null().all()
    ]
    counts = Counter(name for _, name in kept)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        shown = ", ".join(f"{name!r} ({counts[name]} times)" for name in twice[:6])
        raise InputError(f"{path} has columns of one name: {shown}")
    return frame.select(pl.col(old).alias(name) for old, name in kept)

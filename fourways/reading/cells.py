"""Columns as numbers: what is missing, what is a number in other clothes, what is a date."""

import re
from dataclasses import dataclass, field

import polars as pl

from fourways.errors import InputError

# Spellings of a value that is not there, in any case; infinity is none that can be fitted.
MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "?", "-", "."}
    | {sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")}
)
_CURRENCIES = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY)"
_TRUTHS = {"true": 1.0, "false": 0.0, "t": 1.0, "f": 0.0}
_EXACT = 1 << 53  # integers up to it are float64 numbers
_FEW = 12  # levels: a column of text of no more is categorical, however few its rows
_DATES = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    *("%m-%d-%Y", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%B %d, %Y", "%d/%m/%y"),
    *("%m/%d/%y",),
]
_TIMES = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%H:%M:%S%.fZ", "%H:%M:%S%.f%:z"]
_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class Column:
    """``values`` are numbers in float64, or text; null where missing."""

    values: pl.Series
    notes: list[str] = field(default_factory=list)
    is_date: bool = False

    @property
    def is_text(self) -> bool:
        return self.values.dtype == pl.String


def is_number(cell: str) -> bool:
    """Return whether a cell of a first line is a number, with either decimal mark."""
    return bool(re.fullmatch(r"\s*[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*", cell))


def decimal_mark(columns: list[pl.Series], separator: str) -> str:
    """Return the mark in most numbers that have one; a comma never where commas part columns."""
    if separator == ",":
        return "."
    commas = points = 0
    for column in columns:
        text = column.str.strip_chars()
        if text.str.contains(",", literal=True).any():
            commas += int(text.str.contains(r"^[-+]?[\d.]*,\d+(?:[eE][-+]?\d+)?$").sum() or 0)
            points += int(text.str.contains(r"^[-+]?[\d,]*\.\d+$").sum() or 0)
    return "," if commas > points else "."


def parsed(
    column: pl.Series, where: str, decimal: str = ".", null: tuple[str, ...] = (), first: int = 0
) -> Column:
    """Return a column as numbers, or as the text or dates that it is.

    ``where`` names it in what is raised: InputError where a value is no number in a column that is
    mostly numbers, and where a column holds lists, structs or bytes. ``first`` is the place of its
    first row in the file.
    """
    kind = column.dtype
    if kind in (pl.Categorical, pl.Enum):
        column, kind = column.cast(pl.String), pl.String()
    if kind == pl.String:
        missing = MISSING | {value.lower() for value in null}
        return _from_text(column, where, decimal, missing, first)
    if kind.is_integer() or kind.is_decimal():
        return Column(column.cast(pl.Float64), _merged(column))
    if kind.is_float():
        values = column.cast(pl.Float64)
        return Column(_kept(values, values.is_finite()))
    if kind in (pl.Boolean, pl.Null):
        return Column(column.cast(pl.Float64))
    if kind in (pl.Date, pl.Datetime):
        return Column(_days(column.cast(pl.Datetime("us"))), is_date=True)
    if kind == pl.Duration:
        return Column(column.dt.total_microseconds() / _DAY, ["durations, in days"])
    raise InputError(f"{where} must be numeric; it holds {kind}, which has no one number a row")


def _from_text(
    column: pl.Series, where: str, decimal: str, missing: frozenset[str], first: int
) -> Column:
    text = column.str.strip_chars()
    lower = text.str.to_lowercase()
    text = _kept(text, ~lower.is_in(list(missing)))
    there = text.drop_nulls()
    if decimal == ".":
        values = text.cast(pl.Float64, strict=False)
        if values.null_count() == text.null_count():
            return Column(values, _merged(text))
    if len(there) and there.str.to_lowercase().is_in(list(_TRUTHS)).all():
        return Column(lower.replace_strict(_TRUTHS, default=None, return_dtype=pl.Float64))
    values, notes = _undressed(text, where, decimal)
    bad = values.is_null() & text.is_not_null()
    if not bad.any():
        return Column(values, notes)
    if 2 * int(bad.sum()) < len(there):
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{where} holds numbers, and in row {first + row + 1} {short(text[row])}:"
            f" --null {short(text[row])} if that is missing"
        )
    dates = _dates(there, where)
    if dates is not None:
        days = pl.Series(column.name, [None] * len(text), pl.Float64)
        return Column(days.scatter(text.is_not_null().arg_true(), dates), is_date=True)
    return Column(text)


def _kept(text: pl.Series, where: pl.Series) -> pl.Series:
    """Return a column with null where a condition does not hold."""
    return text.to_frame("t").select(pl.when(where.fill_null(False)).then("t")).to_series()


def _undressed(text: pl.Series, where: str, decimal: str) -> tuple[pl.Series, list[str]]:
    """Return numbers without currencies, percent signs and marks of thousands, and what went.

    All of a column's numbers but 0 have a percent sign, or none has; so with a currency, of which
    there is one: else InputError.
    """
    group = rf"[{',' if decimal == '.' else '.'}'’\s]"
    number = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d*)(?:[{decimal}]\d*)?(?:[eE][-+]?\d+)?"
    whole = rf"^\(?[-+−]?\s?{_CURRENCIES}?\s?[-+−]?{number}\s?{_CURRENCIES}?\s?%?\)?$"
    bare, notes = _kept(text, text.str.contains(whole) & text.str.contains(r"\d")), []
    for what, mark in (("currency", _CURRENCIES), ("percent signs", "%")):
        marks = bare.str.extract(f"({mark})").drop_nulls().unique(maintain_order=True)
        if not len(marks):
            continue
        notes.append(f"{what} left out")
        odd = bare.filter(~bare.str.contains(marks[0], literal=True) & (bare != "0"))
        if len(odd) and 2 * bare.count() > text.count():
            one = bare.filter(bare.str.contains(marks[0], literal=True))[0]
            raise InputError(f"{where} mixes {short(one)} and {short(odd[0])}: make them alike")
    if bare.str.contains(rf"\d{group}\d").any():
        notes.append("marks of thousands left out")
    digits = bare.str.replace_all(rf"{_CURRENCIES}|{group}|[%()+−-]", "")
    # The sign of an exponent is none of the number's.
    exponent = bare.str.extract(r"[eE]([-+]?\d+)").fill_null("0").cast(pl.Int64, strict=False)
    digits = digits.str.replace(r"[eE]\d+$", "").str.replace(decimal, ".", literal=True)
    scaled = digits + "e" + exponent.cast(pl.String)
    values = scaled.cast(pl.Float64, strict=False)
    negative = bare.str.contains(r"^\(|^[^eE]*[-−]")
    signed = pl.when(negative).then(-values).otherwise(values)
    return values.to_frame().select(signed).to_series(), notes


def _merged(column: pl.Series) -> list[str]:
    """Say how many integers beyond 2⁵³ a float64 cannot tell apart."""
    values = column.cast(pl.Float64)
    if not (values.abs().max() or 0) >= _EXACT:  # type: ignore[operator]
        return []
    exact = column.str.strip_chars() if column.dtype == pl.String else column
    if exact.dtype == pl.String and not exact.drop_nulls().str.contains(r"^[-+]?\d+$").all():
        return []
    lost = exact.drop_nulls().n_unique() - values.drop_nulls().n_unique()
    return [f"integers beyond 2⁵³: {lost} of them are not told apart in float64"] if lost else []


def _dates(there: pl.Series, where: str) -> pl.Series | None:
    """Return the days since 1970-01-01 of a column of dates; None where it holds others."""
    first = there.head(1)
    formats = [*_DATES, *(f"{d}{mid}{t}" for d in _DATES for mid in " T" for t in _TIMES)]
    fitting: dict[str, pl.Series] = {}
    for format in formats:
        if _times(first, format).null_count() == 0:
            found = _times(there, format)
            if found.null_count() == 0:
                fitting[format] = found
    if not fitting:
        return None
    found, *others = fitting.values()
    if any((found != other).any() for other in others):
        raise InputError(f"{where} holds {short(there[0])}: is that the day first or the month?")
    return _days(found)


def _times(text: pl.Series, format: str) -> pl.Series:
    if "%H" in format:
        times = text.str.to_datetime(format, strict=False, time_unit="us")
        return times.dt.replace_time_zone(None)  # as UTC where the text has an offset
    return text.str.to_date(format, strict=False).cast(pl.Datetime("us"))


def _days(times: pl.Series) -> pl.Series:
    return times.dt.epoch("us") / _DAY


def is_categorical(text: pl.Series) -> bool:
    """Return whether levels recur: a value of its own in most rows is a key, a name or a note."""
    return text.n_unique() <= max(_FEW, len(text) // 2)


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:36] + "...'"

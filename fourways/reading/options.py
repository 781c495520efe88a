"""What reading is asked for, and what it gives."""

from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from fourways.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTERCEPT = "intercept"
BEYOND = "X is beyond memory and stays in its file: gradients by blocks of rows"
_TEXT = {".csv", ".tsv", ".tab", ".txt", ".dat", ".data"}
_PACKED = {".gz", ".bz2", ".xz", ".zst"}
_ROOM = 60  # characters for a list of names
_COPIES = 4  # of X: as read, as an array, and what factorisations take


@dataclass(frozen=True)
class Options:
    """How to read: see `fourways compare --help`. None is: find out."""

    target: str | None = None
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    intercept: bool = False
    dummies: bool = False
    dates: bool = False
    drop_missing: bool = False
    dtype: str = "float64"
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: str | None = None
    null: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Told:
    """``names`` are those of the columns of X; ``dropped`` counts rows that lacked something.

    ``notes`` say, a line each, what was decided in reading.
    """

    names: list[str]
    dropped: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False, kw_only=True)
class Data(Told):
    """X is (n, p), y is (n,). ``is_beyond_memory``: X stays in its file, to be used by blocks."""

    X: "NDArray[Any]"
    y: "NDArray[Any]"
    is_beyond_memory: bool = False


def kind_of(path: PurePath) -> str:
    """Return "text" for a table as text, packed or not, else the suffix."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    return "text" if last in _TEXT else last


def chosen(given: tuple[str, ...], columns: list[str]) -> list[str]:
    """Return the columns that an option names: each use is one of them, or several with commas."""
    return [name for one in given for name in ([one] if one in columns else one.split(",")) if name]


def listed(names: list[str]) -> str:
    """Return the first of the names, as many as a line has room for."""
    count = max(1, sum(end <= _ROOM for end in accumulate(len(name) + 2 for name in names)))
    shown = ", ".join(names[:count])
    return shown + (f", ... ({len(names)} in all)" if len(names) > count else "")


def is_beyond_memory(n: int, p: int) -> bool:
    from suites.harness.machine import memory

    return _COPIES * n * p * 8 > memory()


def require_memory(n: int, p: int, what: str) -> None:
    from suites.harness.machine import memory

    if is_beyond_memory(n, p):
        needed, there = _COPIES * n * p * 8, memory()
        raise InputError(
            f"{what}: {n} x {p} needs {needed / 1e9:.1f} GB for {_COPIES} copies of X;"
            f" this machine has {there / 1e9:.1f} GB"
        )

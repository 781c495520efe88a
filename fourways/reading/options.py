"""What reading is asked for, and what it gives."""

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from fourways.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTERCEPT = "intercept"
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


@dataclass(frozen=True, eq=False)
class Data:
    """X is (n, p), y is (n,), ``names`` are those of the columns of X; ``dropped`` counts rows.

    ``notes`` say, a line each, what was decided in reading. ``is_beyond_memory``: X stays in its
    file, memory-mapped, and is to be used by blocks.
    """

    X: "NDArray[Any]"
    y: "NDArray[Any]"
    names: list[str]
    dropped: int = 0
    notes: list[str] = field(default_factory=list)
    is_beyond_memory: bool = False


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

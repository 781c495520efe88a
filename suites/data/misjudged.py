"""Tables that a norm of X as it stands misjudges, with their exact solutions.

Columns of cents, of seconds since 1970, of populations beside dummies and an intercept: one column
is some 2²⁵ to 2³² times as large as another. By max(n, p) eps on such columns the rank of one was
1 of 2, and answers that were 13 times off were called right. The exact rank and least-norm
solution of each, with an intercept and dummies, stand in misjudged_tables/exact.toml as fractions.
"""

import csv
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from kernels import Array, LeastSquares
from suites.judge import Rational

_FOLDER = Path(__file__).parent / "misjudged_tables"


@dataclass(frozen=True, eq=False)
class Case:
    """The problem, the names of its columns, its exact rank and its exact least-norm solution."""

    problem: LeastSquares
    columns: list[str]
    rank: int
    w: Rational


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.csv"))


def path(name: str) -> Path:
    """Return the file; its last column is the target."""
    return _FOLDER / f"{name}.csv"


def load(name: str) -> Case:
    """Return a case by name, with an intercept and a dummy for each level of a column of text."""
    exact = tomllib.loads((_FOLDER / "exact.toml").read_text("utf-8"))[name]
    with path(name).open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = {"intercept": np.ones(len(rows))}
    for title, *cells in zip(header[:-1], *[row[:-1] for row in rows], strict=True):
        columns |= _numbers(title, cells)
    y = np.array([float(row[-1]) for row in rows])
    w = [Fraction(exact["w"][column]) for column in columns]
    problem = LeastSquares(np.column_stack(list(columns.values())), y)
    return Case(problem, list(columns), exact["rank"], w)


def _numbers(title: str, cells: list[str]) -> dict[str, Array]:
    try:
        return {title: np.array([float(cell) for cell in cells])}
    except ValueError:
        levels = dict.fromkeys(cells)
        return {
            f"{title}={level}": np.array([float(c == level) for c in cells]) for level in levels
        }

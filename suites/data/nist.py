"""NIST's Statistical Reference Datasets (StRD): certified problems, and a reader for the files.

The nine sets in strd/ come with the project. Any other file of the collections "Linear
Regression" and "Analysis of Variance" can be read as NIST publishes it, and the ways tried on it:

    python -m suites.data.nist Filip.dat
"""

import csv
import re
import sys
import tomllib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from kernels import WAYS, Array, LeastSquares, minimum_norm, refined
from suites import judge

_FOLDER = Path(__file__).parent / "strd"
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[Ee][-+]?\d+)?"


@dataclass(frozen=True)
class Parameter:
    """A certified coefficient: estimate and standard deviation, as printed by NIST."""

    name: str
    estimate: str
    standard_deviation: str


@dataclass(frozen=True)
class Variation:
    """A line of a certified analysis of variance table; ``f`` on the model's line only."""

    df: int
    sum_of_squares: str
    mean_square: str
    f: str = ""


@dataclass(frozen=True)
class CertifiedSet:
    """Data and certified figures, every figure the decimal string that NIST prints.

    A regression set has ``parameters``, B0 being the intercept; with one predictor Bk belongs
    to x**k, with several to the k-th of them. An analysis of variance has none: its model
    is y_ij = mu + tau_i + error, whose design [1 | dummies] has rank k in k + 1 columns.

    ``header`` names the columns of ``rows``: the response first in a regression, last in
    an analysis of variance, where the first is the treatment.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    parameters: tuple[Parameter, ...]
    model: Variation
    residual: Variation
    residual_standard_deviation: str
    r_squared: str

    @property
    def is_regression(self) -> bool:
        return bool(self.parameters)

    def design(self) -> tuple[Array, Array]:
        """Return X and y in float64, each entry the exact decimal value rounded once."""
        if not self.is_regression:
            treatments = [row[0] for row in self.rows]
            levels = list(dict.fromkeys(treatments))
            dummies = [[1.0] + [float(t == level) for level in levels] for t in treatments]
            return np.array(dummies), np.array([float(row[-1]) for row in self.rows])
        orders = [int(parameter.name[1:]) for parameter in self.parameters]
        X = [[_term(row[1:], k) for k in orders] for row in self.rows]
        return np.array(X), np.array([float(row[0]) for row in self.rows])

    def problem(self) -> LeastSquares:
        return LeastSquares(*self.design())

    def digits(self, w: Array) -> float:
        """Return the digits (LRE) of a solution that agree with the certified figures.

        Regression: of the coefficients. Analysis of variance: of the residual sum of squares and
        of F, as the coefficients of its overparametrised model are not unique.
        """
        if self.is_regression:
            return judge.log_relative_error(w, [Fraction(p.estimate) for p in self.parameters])
        X, y = self.design()
        fitted = X @ w
        within, between = (y - fitted) @ (y - fitted), np.sum((fitted - np.mean(y)) ** 2)
        f = between / self.model.df / (within / self.residual.df)
        certified = [Fraction(self.residual.sum_of_squares), Fraction(self.model.f)]
        return judge.log_relative_error(np.array([within, f]), certified)


def _term(predictors: tuple[str, ...], k: int) -> float:
    if len(predictors) > 1:
        return float(predictors[k - 1]) if k else 1.0
    return float(Fraction(predictors[0]) ** k)


def regressions() -> dict[str, tuple[LeastSquares, list[Fraction]]]:
    """Return every regression set at hand: the problem and its certified coefficients.

    Beside the sets that come with the project, three more of the Wampler sets by their
    construction: x = 0 to 20, y a polynomial of degree 5, exact to the digits printed, and a noise
    at right angles to it of which Wampler3, 4 and 5 have 1, 100 and 10 000 times as much.
    """
    certified = {name: load(name) for name in names()}
    found = {
        name: (one.problem(), [Fraction(parameter.estimate) for parameter in one.parameters])
        for name, one in certified.items()
        if one.is_regression
    }
    X, polynomial = certified["Wampler1"].design()
    noise = (certified["Wampler4"].design()[1] - polynomial) / 100
    ones, tenths = [Fraction(1)] * 6, [Fraction(1, 10**k) for k in range(6)]
    y = np.array(
        [float(sum(t * Fraction(x) ** k for k, t in enumerate(tenths))) for x in range(21)]
    )
    found["Wampler2"] = LeastSquares(X, y), tenths
    found["Wampler3"] = LeastSquares(X, polynomial + noise), ones
    found["Wampler5"] = LeastSquares(X, polynomial + 10_000 * noise), ones
    return dict(sorted(found.items()))


def names() -> list[str]:
    """Return the names of the sets that come with the project."""
    return sorted(path.stem for path in _FOLDER.glob("*.csv"))


def load(name: str) -> CertifiedSet:
    """Return a set that comes with the project, by its name ("Longley")."""
    figures = tomllib.loads((_FOLDER / "certified.toml").read_text())[name]
    with (_FOLDER / f"{name}.csv").open(newline="") as file:
        header, *rows = map(tuple, csv.reader(file))
    return CertifiedSet(
        name=name,
        header=header,
        rows=tuple(rows),
        parameters=tuple(Parameter(*line) for line in figures.get("parameters", [])),
        model=Variation(**figures["model"]),
        residual=Variation(**figures["residual"]),
        residual_standard_deviation=figures["residual_standard_deviation"],
        r_squared=figures["r_squared"],
    )


def read(path: str | Path) -> CertifiedSet:
    """Return the set in a file as NIST publishes it, linear regression or analysis of variance.

    The header names the lines of the certified values and of the data ("Data (lines 61 to
    76)"). Raises ValueError, naming the file and what was missing, for anything else.
    """
    text = Path(path).read_text(encoding="ascii", errors="replace")
    lines = text.splitlines()
    name = _search(path, "the name of the data set", r"Dataset Name:\s*(\w+)", text)[1]
    first, _ = _span(path, text, "Certified Values")
    data_first, data_last = _span(path, text, "Data")
    # Some files' certified values go on for a line or two after the range they state.
    certified = "\n".join(lines[first - 1 : data_first - 2])
    rows = _rows(path, lines[data_first - 1 : data_last], text)
    parameters = re.findall(rf"^\s*(B\d+)\s+({_NUMBER})\s+({_NUMBER})\s*$", certified, re.M)
    sources = ("Regression", "Residual") if parameters else (r"Between \w+", r"Within \w+")
    model, residual = (_variation(path, source, certified) for source in sources)
    header = _search(path, "the header of the data", r"^Data: +(\S.*)$", lines[data_first - 2])
    deviation = _search(
        path, "the deviation", rf"Residual\s+Standard Deviation\s+({_NUMBER})", certified
    )
    r_squared = _search(path, "R-squared", rf"R-Squared\s+({_NUMBER})", certified)
    return CertifiedSet(
        name=name,
        header=tuple(header[1].split()),
        rows=rows,
        parameters=tuple(Parameter(*line) for line in parameters),
        model=model,
        residual=residual,
        residual_standard_deviation=deviation[1],
        r_squared=r_squared[1],
    )


def _rows(path: str | Path, lines: list[str], text: str) -> tuple[tuple[str, ...], ...]:
    rows = tuple(tuple(line.split()) for line in lines if line.strip())
    observations = int(_search(path, "the number of observations", r"(\d+) Observations", text)[1])
    if len(rows) != observations:
        raise ValueError(f"{path}: {observations} observations stated, {len(rows)} rows found")
    for row in rows:
        if len(row) != len(rows[0]) or not all(re.fullmatch(_NUMBER, entry) for entry in row):
            raise ValueError(f"{path}: not a row of {len(rows[0])} numbers: {' '.join(row)}")
    return rows


def _variation(path: str | Path, source: str, certified: str) -> Variation:
    line = _search(
        path,
        f"the line {source!r} of the analysis of variance",
        rf"^{source}\s+(\d+)\s+({_NUMBER})\s+({_NUMBER})[ \t]*({_NUMBER}|Infinity)?\s*$",
        certified,
    )
    return Variation(int(line[1]), line[2], line[3], line[4] or "")


def _span(path: str | Path, text: str, title: str) -> tuple[int, int]:
    found = _search(
        path, f"the lines of {title!r}", rf"{title}\s*\(lines\s+(\d+)\s+to\s+(\d+)\s*\)", text
    )
    return int(found[1]), int(found[2])


def _search(path: str | Path, what: str, pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.M)
    if found is None:
        raise ValueError(f"{path}: {what} not found: not a file of a linear NIST StRD collection")
    return found


def main(arguments: list[str]) -> int:
    """Print how each way and what goes beyond them do on a file of NIST's: digits, rank, flags."""
    if len(arguments) != 1:
        print("usage: python -m suites.data.nist FILE", file=sys.stderr)
        return 2
    try:
        certified = read(arguments[0])
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    problem = certified.problem()
    print(f"{certified.name}: {problem.n} observations, {problem.p} parameters")
    print("solver        method    rank  converged  digits of the certified figures")
    beyond = {"minimum_norm": minimum_norm, "refined": refined}
    for name in [*WAYS, *beyond]:
        found = beyond[name](problem) if name in beyond else WAYS[name](problem).solve()
        rank = "-" if found.rank is None else found.rank
        print(
            f"{name:13} {found.method:9} {rank:>4}  {found.converged!s:9}"
            f"  {certified.digits(found.w):.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

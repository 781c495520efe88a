"""The certified sets, and the reader for NIST's own files."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kernels import WAYS
from suites.data import nist
from suites.data.nist import CertifiedSet

# One line in each place where NIST puts one; the prose between is not ours to repeat.
REGRESSION = {
    2: "Dataset Name:  {name} ({name}.dat)",
    5: "               Certified Values  (lines 31 to 50)",
    6: "               Data              (lines 61 to {last})",
    17: "               {n} Observations",
}
VARIANCE = {
    2: "Dataset Name:   {name}   ({name}.dat)",
    6: "                Certified Values   (lines 41 to 47)",
    7: "                Data               (lines 61 to {last}) ",
    10: "Procedure:      Analysis of Variance",
    21: "                {n} Observations",
}


def written(certified: CertifiedSet, newline: str) -> str:
    """Return the set as a file in NIST's format."""
    fields = {"name": certified.name, "n": len(certified.rows), "last": 60 + len(certified.rows)}
    model, residual = certified.model, certified.residual
    deviation = f"Standard Deviation   {certified.residual_standard_deviation}"
    if certified.is_regression:
        lines = {number: text.format(**fields) for number, text in REGRESSION.items()}
        for k, parameter in enumerate(certified.parameters):
            line = f"{parameter.name:>10} {parameter.estimate:>25} {parameter.standard_deviation}"
            lines[33 + k] = line
        table = 33 + len(certified.parameters)
        lines[table] = "     Residual"
        lines[table + 1] = f"     {deviation}     "
        lines[table + 2] = f"     R-Squared            {certified.r_squared}   "
        names = "Regression", "Residual"
    else:
        lines = {number: text.format(**fields) for number, text in VARIANCE.items()}
        table = 42
        lines[48] = f"                  Certified R-Squared {certified.r_squared}"
        lines[50] = "                  Certified Residual"
        lines[51] = f"                  {deviation}"
        names = "Between Instrument", "Within Instrument"
    mean_squares = f"{model.mean_square} {model.f}"
    lines[table + 3] = f"{names[0]}  {model.df} {model.sum_of_squares} {mean_squares}"
    lines[table + 4] = f"{names[1]} {residual.df} {residual.sum_of_squares} {residual.mean_square}"
    lines[60] = "Data:   " + "   ".join(certified.header)
    for k, row in enumerate(certified.rows):
        lines[61 + k] = "   ".join(row)
    return newline.join(lines.get(k, "") for k in range(1, max(lines) + 1)) + newline


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("name", nist.names())
def test_reader_returns_what_a_file_states(name: str, newline: str, tmp_path: Path) -> None:
    certified = nist.load(name)
    path = tmp_path / f"{name}.dat"
    path.write_bytes(written(certified, newline).encode())
    assert nist.read(path) == certified


def test_the_nine_sets_are_there() -> None:
    assert nist.names() == [
        "AtmWtAg", "Longley", "NoInt1", "Norris", "SiRstv", "SmLs01", "SmLs04", "Wampler1",
        "Wampler4",
    ]  # fmt: skip


@pytest.mark.parametrize("name", nist.names())
def test_certified_figures_are_consistent_among_themselves(name: str) -> None:
    """A digit lost in carrying them over would break these identities of the certificate."""
    certified = nist.load(name)
    sums = [Fraction(line.sum_of_squares) for line in (certified.model, certified.residual)]
    means = [Fraction(line.mean_square) for line in (certified.model, certified.residual)]
    degrees = [certified.model.df, certified.residual.df]
    for total, mean, df in zip(sums, means, degrees, strict=True):
        assert float(mean * df) == pytest.approx(float(total), rel=1e-13)
    assert float(sums[0] / sum(sums)) == pytest.approx(float(certified.r_squared), rel=1e-13)
    deviation = float(certified.residual_standard_deviation)
    assert deviation**2 == pytest.approx(float(means[1]), rel=1e-13)
    if means[1]:
        assert float(means[0] / means[1]) == pytest.approx(float(certified.model.f), rel=1e-12)


@pytest.mark.parametrize("name", nist.names())
def test_certified_residual_sum_of_squares_follows_from_the_data(name: str) -> None:
    """Exact arithmetic on the decimal data gives NIST's figure to its last digit."""
    certified = nist.load(name)
    X, y = certified.design()
    if certified.is_regression:
        w = [Fraction(parameter.estimate) for parameter in certified.parameters]
        fits = [
            sum((Fraction(float(x)) * c for x, c in zip(row, w, strict=True)), Fraction(0))
            for row in X
        ]
        responses = [Fraction(row[0]) for row in certified.rows]
    else:
        groups: dict[str, list[Fraction]] = {}
        for treatment, response in certified.rows:
            groups.setdefault(treatment, []).append(Fraction(response))
        fits = [sum(groups[t], Fraction(0)) / len(groups[t]) for t, _ in certified.rows]
        responses = [Fraction(response) for _, response in certified.rows]
    squares = sum(((a - b) ** 2 for a, b in zip(fits, responses, strict=True)), Fraction(0))
    stated = Fraction(certified.residual.sum_of_squares)
    # Estimates are printed to 15 digits; the sum of squares is stationary in them.
    assert float(abs(squares - stated)) <= 1e-13 * max(float(stated), 1.0)
    assert np.isfinite(y).all()


def test_overparametrised_model_of_an_analysis_of_variance_is_rank_deficient() -> None:
    X, _ = nist.load("SmLs01").design()
    assert X.shape == (189, 10)
    assert np.linalg.matrix_rank(X) == 9


@pytest.mark.parametrize(
    ("find", "replacement", "message"),
    [
        ("Dataset Name", "Name", "the name of the data set not found"),
        ("16 Observations", "17 Observations", "17 observations stated, 16 rows found"),
        ("83.0", "high", "not a row of 7 numbers: 60323   high"),
        ("R-Squared", "R2", "R-squared not found"),
        ("Regression", "Progression", "the line 'Regression' of the analysis of variance"),
        ("(lines 61 to 76)", "", "the lines of 'Data' not found"),
    ],
)
def test_reader_says_what_it_misses(
    find: str, replacement: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "Longley.dat"
    path.write_text(written(nist.load("Longley"), "\n").replace(find, replacement))
    with pytest.raises(ValueError, match=r"Longley\.dat: ") as raised:
        nist.read(path)
    assert " ".join(message.split()) in " ".join(str(raised.value).split())


def test_command_shows_how_the_ways_do_on_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Norris.dat"
    path.write_text(written(nist.load("Norris"), "\n"))
    assert nist.main([str(path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Norris: 36 observations, 2 parameters"
    assert [line.split()[0] for line in shown[2:]] == [*WAYS, "minimum_norm", "refined"]
    assert all(float(line.split()[-1]) > 12 for line in shown[2:])


@pytest.mark.parametrize("arguments", [[], ["missing.dat"], [__file__]])
def test_command_fails_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nist.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1

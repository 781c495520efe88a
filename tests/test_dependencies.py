"""Relations between columns: short ones first, whole where the data have them whole, and true."""

import numpy as np
import pytest

from fourways.dependencies import WIDTH, Relation
from fourways.diagnosis import Diagnosis, diagnose
from fourways.reading.options import INTERCEPT
from kernels import Array, LeastSquares
from suites.data import families

RNG = np.random.default_rng(0)


def diagnosed(columns: dict[str, Array]) -> Diagnosis:
    X = np.column_stack(list(columns.values()))
    y = RNG.standard_normal(len(X))
    found = diagnose(LeastSquares(X, y), list(columns))
    for relation in found.dependencies:
        holds(relation, columns)
        assert len(str(relation)) <= WIDTH
    return found


def holds(relation: Relation, columns: dict[str, Array]) -> None:
    """The relation as it is printed, on the data: no further off than rounding can be."""
    terms = [c * columns[name] for name, c in relation.terms.items()]
    size = sum(float(np.linalg.norm(term)) for term in terms)
    assert np.linalg.norm(sum(terms)) <= 64 * len(terms) * 2.0**-53 * size


def lines(columns: dict[str, Array]) -> list[str]:
    return [str(relation) for relation in diagnosed(columns).dependencies]


def test_a_sum_is_named_as_one() -> None:
    a, b, c = RNG.integers(1, 100, (3, 40)).astype(float)
    assert lines({"a": a, "b": b, "c": c, "sum": a + b}) == ["sum = a + b"]
    assert lines({"sum": a + b, "c": c, "a": a, "b": b}) == ["b = sum - a"]


def test_whole_coefficients_stay_whole_whatever_the_units() -> None:
    a, b = RNG.standard_normal((2, 60)) * [[1e-3], [1e2]]
    assert lines({"a": a, "b": b, "c": 2 * a - 3 * b}) == ["c = 2 a - 3 b"]


def test_years_are_whole_too() -> None:
    late = RNG.integers(0, 2, 50).astype(float)
    columns = {INTERCEPT: np.ones(50), "late": late, "year": 1978 + 3 * late}
    assert lines(columns) == ["year = 1978 intercept + 3 late"]


def test_others_have_as_many_digits_as_it_takes() -> None:
    a, b = RNG.standard_normal((2, 60))
    assert lines({"a": a, "mile": 1.609344 * a, "b": b}) == ["mile = 1.609344 a"]
    (line,) = lines({"a": a, "b": b, "c": a * np.pi + b / 3})
    assert line.startswith("c = 3.141592653589")


def test_the_shortest_of_several_come_first() -> None:
    """Two sums of many columns, whose difference is short."""
    columns = {f"x{j}": RNG.integers(0, 9, 200).astype(float) for j in range(12)}
    total = sum(columns.values())
    columns["total"] = np.asarray(total)
    columns["more"] = np.asarray(total) + columns["x3"]
    found = lines(columns)
    assert found[0] == "more = x3 + total"
    assert len(found) == 2


def test_the_intercept_is_kept_and_dummies_are_pivoted_out() -> None:
    kind, town = RNG.integers(0, 3, 90), RNG.integers(0, 4, 90)
    columns = {INTERCEPT: np.ones(90)}
    columns |= {f"kind={k}": (kind == k) * 1.0 for k in range(3)}
    columns |= {f"town={k}": (town == k) * 1.0 for k in range(4)}
    assert lines(columns) == [
        "kind=2 = intercept - kind=0 - kind=1",
        "town=3 = intercept - town=0 - town=1 - town=2",
    ]


def test_long_relations_end_in_a_count() -> None:
    columns = {f"column number {j}": RNG.integers(0, 9, 200).astype(float) for j in range(44)}
    columns["sum"] = np.asarray(sum(columns.values()))
    (relation,) = diagnosed(columns).dependencies
    assert str(relation).startswith("sum = column number 0 + column number 1")
    assert str(relation).endswith("more terms")
    assert len(relation.terms) == 45


@pytest.mark.parametrize("length", [200, 30])
def test_more_columns_than_rows(length: int) -> None:
    columns = {f"x{j}": RNG.standard_normal(length) for j in range(40)}
    found = diagnosed(columns)
    assert found.rank == min(length, 40)
    assert len(found.dependencies) == 40 - found.rank


def test_percentages_sum_to_100_but_for_the_last_digit() -> None:
    parts = RNG.dirichlet([3, 2, 1, 1], 80) * 100
    columns = {INTERCEPT: np.ones(80)}
    columns |= {f"part {j}": np.round(parts[:, j], 1) for j in range(4)}
    found = diagnosed(columns)
    assert found.dependencies == []
    (near,) = found.nearly
    assert str(near).startswith("part 3 is nearly 100 intercept - part 0 - part 1 - part 2, within")
    assert 0 < near.off <= 0.2
    columns["part 2"] += RNG.integers(0, 3, 80)  # more than printing makes
    assert diagnosed(columns).nearly == []


def test_what_is_only_correlated_is_not_nearly_anything() -> None:
    a = RNG.standard_normal(300)
    columns = {"a": a, "b": a + 1e-3 * RNG.standard_normal(300), "c": RNG.standard_normal(300)}
    assert diagnosed(columns).nearly == []
    whole = {"u": RNG.integers(0, 2, 50) * 1.0, "v": RNG.integers(0, 2, 50) * 1.0}
    assert diagnosed(whole).nearly == []


@pytest.mark.parametrize("family", ["duplicated column", "zero column", "sum of the others"])
def test_families_of_known_rank(family: str) -> None:
    posed = families.FAMILIES[family](40, 6)
    columns = {f"c{j}": posed.problem.X[:, j] for j in range(6)}
    found = diagnosed(columns)
    assert found.rank == posed.rank
    assert len(found.dependencies) == 6 - found.rank


def test_the_residual_is_that_of_least_squares() -> None:
    X, y = RNG.standard_normal((50, 4)) * [1, 1e-5, 1e5, 1], RNG.standard_normal(50) * 1e3
    X[:, 3] = X[:, 0]
    found = diagnose(LeastSquares(X, y), list("abcd"))
    w = np.linalg.lstsq(X / [1, 1e-5, 1e5, 1], y)[0] / [1, 1e-5, 1e5, 1]
    assert found.residual_norm == pytest.approx(float(np.linalg.norm(y - X @ w)), rel=1e-10)

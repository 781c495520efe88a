"""Every way's value and gradient lie within the error that rounding allows."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import WAYS, Array, LeastSquares, Way
from suites.data import nist, problems
from suites.judge import GradientOracle, WrongAnswerError, exact_gradient, unit_roundoff

SHAPES = [(1, 1), (9, 1), (30, 4), (7, 7), (4, 30), (203, 5), (64, 65), (1000, 30)]


def check(way: type[Way], problem: LeastSquares, w: Array) -> None:
    GradientOracle(problem, w).check(way(problem), w)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1e4])
@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_gradient_is_within_its_error_bound(
    way: type[Way], n: int, p: int, alpha: float, dtype: Any, order: Any
) -> None:
    problem = problems.gaussian(n, p, alpha=alpha, dtype=dtype, order=order)
    check(way, problem, problems.start(problem))


@pytest.mark.parametrize("name", nist.names())
def test_gradient_is_within_its_error_bound_on_certified_data(way: type[Way], name: str) -> None:
    problem = nist.load(name).problem()
    check(way, problem, problems.start(problem))


@pytest.mark.parametrize("name", nist.names())
def test_gradient_is_within_its_error_bound_at_the_optimum(way: type[Way], name: str) -> None:
    """There every digit of a right gradient may be lost to cancellation, and no more."""
    problem = nist.load(name).problem()
    check(way, problem, WAYS["numpy"](problem).solve().w)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_gradient_is_within_its_error_bound_on_extreme_scales(way: type[Way], scale: float) -> None:
    problem = problems.gaussian(50, 4)
    check(way, LeastSquares(scale * problem.X, scale * problem.y), problems.start(problem))


def test_gradient_is_within_its_error_bound_with_columns_of_unlike_scale(way: type[Way]) -> None:
    problem = problems.gaussian(50, 4)
    scales = np.array([1e8, 1.0, 1e-8, 1.0])
    check(way, LeastSquares(problem.X * scales, problem.y), problems.start(problem) / scales)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_gradient_is_within_its_error_bound_on_any_data(data: st.DataObject) -> None:
    n, p = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 6))
    numbers = st.floats(-1e9, 1e9, allow_subnormal=False).filter(lambda x: not 0 < abs(x) < 1e-9)
    entries = data.draw(st.lists(numbers, min_size=n * p + n + p, max_size=n * p + n + p))
    X, y, w = np.split(np.array(entries), [n * p, n * p + n])
    problem = LeastSquares(X.reshape(n, p), y, data.draw(st.sampled_from([0.0, 1e-3, 7.0])))
    for way in WAYS.values():
        check(way, problem, w)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (30, 4), (4, 30), (400, 5)])
def test_reference_gradient_agrees_with_exact_rationals(
    n: int, p: int, alpha: float, dtype: Any
) -> None:
    problem = problems.gaussian(n, p, alpha=alpha, dtype=dtype)
    w = problems.start(problem)
    u = Fraction(unit_roundoff(np.dtype(np.float64)))
    exact = exact_gradient(problem, w)
    reference = GradientOracle(problem, w).gradient
    for computed, right in zip(reference, exact, strict=True):
        assert abs(Fraction(float(computed)) - right) <= 3 * u * abs(right)


def float32_accumulation(X: Array, y: Array, w: Array) -> Array:
    X, y, w = (a.astype(np.float32) for a in (X, y, w))
    return (2 / len(y) * (X.T @ (X @ w - y))).astype(np.float64)


MUTANTS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "flipped sign": lambda X, y, w: 2 / len(y) * X.T @ (y - X @ w),
    "n - 1 for n": lambda X, y, w: 2 / (len(y) - 1) * X.T @ (X @ w - y),
    "one row dropped": lambda X, y, w: 2 / len(y) * X[1:].T @ (X[1:] @ w - y[1:]),
    "float32 accumulation": float32_accumulation,
    "relative error of 1e-12": lambda X, y, w: 2 / len(y) * X.T @ (X @ w - y) * (1 + 1e-12),
    "one component NaN": lambda X, y, w: np.where(np.arange(len(w)) == 1, np.nan, 0.0),
}


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("mutant", MUTANTS)
def test_oracle_rejects_a_wrong_gradient(mutant: str, factored: bool) -> None:
    problem = problems.gaussian(200, 5)
    w = problems.start(problem)
    gradient = MUTANTS[mutant](problem.X, problem.y, w)
    assert GradientOracle(problem, w).gradient_error(gradient, factored=factored) > 1


def test_oracle_rejects_a_wrong_value() -> None:
    problem = problems.gaussian(200, 5)
    w = problems.start(problem)
    oracle = GradientOracle(problem, w)
    for factored in (False, True):
        assert oracle.value_error(oracle.value, factored=factored) < 0.1
        assert oracle.value_error(oracle.value * (1 + 1e-11), factored=factored) > 1
        assert oracle.value_error(float("nan"), factored=factored) > 1


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e-10), (np.float32, 1e-3)])
def test_at_a_million_rows_the_bound_still_tells_right_from_wrong(
    dtype: Any, size: float, positive: bool
) -> None:
    """Also where no sign is there to let rounding errors cancel, right ways are right."""
    problem = problems.gaussian(1_000_000, 5, dtype=dtype)
    if positive:
        problem = LeastSquares(np.abs(problem.X), np.abs(problem.y))
    w = np.abs(problems.start(problem))
    oracle = GradientOracle(problem, w)
    for way in WAYS.values():
        oracle.check(way(problem), w)
    off = (oracle.gradient * (1 + size)).astype(dtype)
    for factored in (False, True):
        assert oracle.gradient_error(off, factored=factored) > 1


@pytest.mark.parametrize("n", [2_000, 200_000])
def test_gradient_is_right_where_rounding_errors_have_one_sign(way: type[Way], n: int) -> None:
    """An intercept beside dummies and counts: long sums of the same numbers."""
    rng = np.random.default_rng(0)
    level, counts = rng.integers(0, 3, n), rng.integers(30, 200, (n, 3))
    X = np.column_stack([np.ones(n), counts, level[:, None] == np.arange(3)])
    problem = LeastSquares(X, 3.0 * counts[:, 0] + rng.normal(0, 10, n))
    for seed in range(4):
        check(way, problem, problems.start(problem, seed))


def test_a_failure_tells_the_share_of_the_worst_case_too() -> None:
    problem = problems.gaussian(10_000, 3)
    w = problems.start(problem)
    way = WAYS["numpy"](LeastSquares(problem.X, problem.y * (1 + 1e-13)))
    with pytest.raises(WrongAnswerError) as caught:
        GradientOracle(problem, w).check(way, w)
    found = re.search(
        r"is (\S+) times its error bound .* (\S+) times that of the worst", str(caught)
    )
    assert found is not None
    assert float(found[1]) > 1 > float(found[2])


FINITE = {np.float64: (500, -1022, 1023), np.float32: (60, -126, 127)}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))]
)
@pytest.mark.parametrize("dtype", list(FINITE))
def test_value_and_gradient_are_right_wherever_they_and_their_parts_are_representable(
    dtype: Any, seed: int
) -> None:
    """Though |w|², |r|² or alpha w by itself may leave the range."""
    reach, least, most = FINITE[dtype]
    rng, tried = np.random.default_rng(seed), 0
    while tried < 400:
        n, p = rng.integers(1, 7), rng.integers(1, 5)
        scales = rng.integers(-reach, reach + 1, 4)
        X, y, w = (
            np.ldexp(rng.standard_normal(shape), scale).astype(dtype)
            for shape, scale in zip(((n, p), (n,), (p,)), scales[:3], strict=True)
        )
        alpha = float(np.ldexp(1.0, scales[3])) if tried % 3 else 0.0
        problem = LeastSquares(X, y, alpha)
        if not are_representable(problem, w, Fraction(2) ** least, Fraction(2) ** most):
            continue
        tried += 1
        oracle = GradientOracle(problem, w)
        with np.errstate(all="ignore"):
            for way in WAYS.values():
                oracle.check(way(problem), w)


def are_representable(problem: LeastSquares, w: Array, least: Fraction, most: Fraction) -> bool:
    """Return whether f, its two parts, and all that ∇f is a sum of are zero or in the range."""
    n, alpha, v = problem.n, Fraction(problem.alpha), [Fraction(float(c)) for c in w]
    X = [[Fraction(float(x)) for x in row] for row in problem.X]
    products = [[x * c for x, c in zip(row, v, strict=True)] for row in X]
    r = [sum(row) - Fraction(float(t)) for row, t in zip(products, problem.y, strict=True)]
    square = sum((e * e for e in r), Fraction(0)) / n
    squares = [square, alpha * sum((c * c for c in v), Fraction(0)) / n]
    terms = [[x * e for x in row] for row, e in zip(X, r, strict=True)]
    gradient = [sum(row[j] for row in terms) + alpha * c for j, c in enumerate(v)]
    small = any(e and abs(e) < least * n for e in (*squares, *gradient))
    large = max(abs(e) for row in [*products, *terms, squares] for e in row) * n
    return not small and large < most


def test_a_value_that_overflows_is_infinite_in_every_way(way: type[Way]) -> None:
    problem = LeastSquares([[1e200], [1e200]], [1.0, 1.0])
    with np.errstate(all="ignore"):
        assert way(problem).value([1e100]) == np.inf


def test_check_names_the_way_and_what_is_wrong() -> None:
    problem = problems.gaussian(200, 5)
    w = problems.start(problem)
    other = WAYS["numpy"](LeastSquares(problem.X, -problem.y))
    with pytest.raises(WrongAnswerError, match=r"NumpyWay: gradient is .* times its error bound"):
        GradientOracle(problem, w).check(other, w)

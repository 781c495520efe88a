"""Every way's solution is right, or its flags say that it is not."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from kernels import WAYS, Array, LeastSquares, Solution, Way, minimum_norm
from suites.data import families, nist, problems
from suites.judge import RIGHT, SolutionJudge, exact_solution, solution_ratio

REGRESSIONS = [name for name in nist.names() if nist.load(name).is_regression]
VARIANCES = [name for name in nist.names() if not nist.load(name).is_regression]
SMALL = {family: make(24, 6) for family, make in families.FAMILIES.items()}
ORDERS: list[Any] = ["C", "F"]
Solve = Callable[[LeastSquares], Solution]
DEFICIENT = {family: posed for family, posed in SMALL.items() if posed.rank is not None}


@pytest.fixture(params=[*WAYS, "minimum_norm"])
def solve(request: pytest.FixtureRequest) -> Solve:
    """The solver of each way in turn, and the one beside them."""
    name = request.param
    return minimum_norm if name == "minimum_norm" else lambda problem: WAYS[name](problem).solve()


@pytest.mark.parametrize("name", REGRESSIONS)
def test_solution_is_right_on_certified_regressions(way: type[Way], name: str) -> None:
    problem = nist.load(name).problem()
    found = way(problem).solve()
    if found.converged:
        assert solution_ratio(problem, found.w, exact_solution(problem)) < RIGHT
    else:
        assert found.iterations > 0, "a direct method has no excuse"
    assert found.rank in (None, problem.p)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (9, 1), (30, 4), (6, 6)])
def test_solution_is_right_at_full_rank(
    way: type[Way], n: int, p: int, alpha: float, dtype: Any, order: Any
) -> None:
    problem = problems.gaussian(n, p, alpha=alpha, dtype=dtype, order=order)
    found = way(problem).solve()
    assert found.converged
    assert found.w.dtype == dtype
    assert found.alpha == alpha
    assert solution_ratio(problem, found.w, exact_solution(problem)) < RIGHT


@pytest.mark.parametrize("alpha", [1e-3, 10.0])
def test_ridge_is_the_closed_form_for_wide_problems(way: type[Way], alpha: float) -> None:
    problem = problems.gaussian(4, 9, alpha=alpha)
    found = way(problem).solve()
    assert solution_ratio(problem, found.w, exact_solution(problem)) < RIGHT


@pytest.mark.parametrize("family", DEFICIENT)
def test_all_ways_agree_with_the_exact_minimum_norm_solution(way: type[Way], family: str) -> None:
    """To rounding, which the perturbation of the ridge fallback vanishes in."""
    problem = DEFICIENT[family].problem
    exact = exact_solution(problem)
    found = way(problem).solve()
    assert found.converged
    assert found.rank == exact.rank
    w = np.array([float(entry) for entry in exact.w])
    if exact.rank == 0:
        assert not found.w.any()
        return
    # Wedin: relative to |z|, rounding acts through the condition number of Z and, by way of the
    # residual, through its square.
    Z, d = of_one_size(problem.X)
    sigma = np.linalg.svd(Z, compute_uv=False)[: exact.rank]
    condition, r = sigma[0] / sigma[-1], problem.X @ w - problem.y
    residual = np.linalg.norm(r) / (sigma[0] * np.linalg.norm(d * w))
    rounding = RIGHT * problem.rcond * condition * (1 + condition * residual)
    assert np.linalg.norm(d * (found.w - w)) <= rounding * np.linalg.norm(d * w)
    assert max(SolutionJudge(problem, exact.rank).ratios(found.w).values()) < RIGHT


def of_one_size(X: Array) -> tuple[Array, Array]:
    """Return Z = X D⁻¹ and d, d_j the power of two next to |x_j|."""
    norms = np.array([math.hypot(*column) for column in X.T])
    d = np.exp2(np.rint(np.log2(np.where(norms, norms, 1))))
    return X / d, d


@pytest.mark.parametrize("name", VARIANCES)
def test_analysis_of_variance_reaches_its_certified_figures(way: type[Way], name: str) -> None:
    """The model [1 | dummies] is rank deficient, its fit is not: the figures come out.

    The digits left for a sum of squared residuals: y loses log10(|y| / |r|) of its 15.9, and
    the square keeps what is left.
    """
    certified = nist.load(name)
    problem = certified.problem()
    found = way(problem).solve()
    assert found.converged
    assert found.rank == problem.p - 1
    residual = math.sqrt(float(certified.residual.sum_of_squares))
    lost = math.log10(float(np.linalg.norm(problem.y)) / residual)
    assert certified.digits(found.w) > min(15, 15.9 - lost) - 1.5
    # The fitted values are the means of the groups.
    groups: dict[str, list[Fraction]] = {}
    for treatment, response in certified.rows:
        groups.setdefault(treatment, []).append(Fraction(response))
    means = [float(sum(groups[t]) / len(groups[t])) for t, _ in certified.rows]
    tolerance = 1e-13 * float(np.abs(problem.y).max())
    np.testing.assert_allclose(problem.X @ found.w, means, rtol=0, atol=tolerance)


def test_ridge_tends_to_the_minimum_norm_solution_at_the_rate_alpha_over_sigma_squared(
    way: type[Way],
) -> None:
    problem = families.low_rank(20, 6, 3).problem
    exact = np.array([float(entry) for entry in exact_solution(problem).w])
    smallest = np.linalg.svd(problem.X, compute_uv=False)[2]
    distances = []
    for alpha in (1e-1, 1e-2, 1e-3):
        found = way(LeastSquares(problem.X, problem.y, alpha)).solve()
        distances.append(float(np.linalg.norm(found.w - exact)))
        assert distances[-1] <= alpha / (smallest**2 + alpha) * np.linalg.norm(exact)
    ratios = [a / b for a, b in itertools.pairwise(distances)]
    assert ratios == pytest.approx([10, 10], rel=0.01)


@pytest.mark.parametrize("scale", [1e150, 1e-150, 2.0**40])
def test_solution_does_not_change_when_the_data_are_scaled(way: type[Way], scale: float) -> None:
    problem = families.duplicated_column(30, 5).problem
    found = way(problem).solve()
    scaled = way(LeastSquares(scale * problem.X, scale * problem.y)).solve()
    assert (scaled.rank, scaled.method, scaled.converged) == (found.rank, found.method, True)
    np.testing.assert_allclose(scaled.w, found.w, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("exponents", [[27, 0, 0, 0, 0], [-30, 30, 0, 400, -400]])
def test_full_rank_solution_has_the_same_bits_whatever_the_units_of_the_columns(
    way: type[Way], exponents: list[int]
) -> None:
    problem = problems.gaussian(40, 5)
    found = way(problem).solve()
    other = way(LeastSquares(np.ldexp(problem.X, exponents), problem.y)).solve()
    assert other.converged
    assert other.rank == found.rank
    assert np.ldexp(other.w, exponents).tolist() == found.w.tolist()


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("exponents", [[27, 0, 0, 0, 0], [-30, 30, 0, 0, -30], [60, 1, 0, -60, 60]])
def test_deficient_solution_is_right_whatever_the_units_of_the_columns(
    way: type[Way], exponents: list[int], alpha: float
) -> None:
    """The least norm is that of w in its units, and the fit does not depend on them."""
    posed = families.summed_column(40, 5).problem
    problem = LeastSquares(np.ldexp(posed.X, exponents), posed.y, alpha)
    exact = exact_solution(problem)
    found = way(problem).solve()
    assert exact.rank == 4
    assert max(SolutionJudge(problem, 4).ratios(found.w).values()) < RIGHT
    fitted = problem.X @ np.array([float(entry) for entry in exact.w])
    np.testing.assert_allclose(problem.X @ found.w, fitted, atol=1e-11 * np.abs(fitted).max())


@pytest.mark.parametrize("alpha", [0.5, 1e-3, 1e-16])
@pytest.mark.parametrize(
    ("family", "shape"),
    [*((family, (200, 10)) for family in families.FAMILIES), ("Vandermonde", (2000, 50))],
)
def test_ridge_is_right_on_every_family(family: str, shape: tuple[int, int], alpha: float) -> None:
    made = families.FAMILIES[family](*shape)
    problem = LeastSquares(made.problem.X, made.problem.y, alpha)
    judge = SolutionJudge(problem, made.rank)
    solvers: list[Solve] = [
        minimum_norm,
        *(lambda p, way=way: way(p).solve() for way in WAYS.values()),
    ]
    for solve in solvers:
        found = solve(problem)
        if found.converged:
            judge.check(found)
        else:
            assert found.iterations > 0, "a direct method has no excuse"


@pytest.mark.parametrize("alpha", [1e-16, 1e-30, 1e-8, 1.0])
def test_ridge_solution_lies_in_the_row_space_whatever_alpha(way: type[Way], alpha: float) -> None:
    problem = LeastSquares([[1, 1], [2, 2], [3, 3]], [1, 2, 4], alpha)
    exact = [float(entry) for entry in exact_solution(problem).w]
    for found in (way(problem).solve(), minimum_norm(problem)):
        assert found.converged
        np.testing.assert_allclose(found.w, exact, rtol=1e-14)


def test_rank_does_not_depend_on_the_number_of_rows(solve: Solve) -> None:
    """float32: columns 1 and 10 + i mod 2, and y their sum."""
    i = np.arange(100_000)
    X = np.array([np.ones(len(i)), 10 + i % 2], np.float32).T
    for order in ORDERS:
        found = solve(LeastSquares(np.asarray(X, order=order), X.sum(axis=1)))
        assert (found.rank, found.converged) == (2, True)
        np.testing.assert_allclose(found.w, [1, 1], rtol=1e-4)


def test_a_column_of_ones_has_rank_one_whatever_its_length(solve: Solve) -> None:
    """float32: 2²³ times the unit roundoff is a half, and one column is in either order."""
    tall = LeastSquares(np.ones((1 << 23, 1), np.float32), np.full(1 << 23, 3, np.float32))
    found = solve(tall)
    assert found.rank == 1
    np.testing.assert_allclose(found.w, [3], rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 2000), (40, 300), (300, 2000)])
def test_conjugate_gradients_are_right_on_wide_data_in_float32(shape: tuple[int, int]) -> None:
    problem = problems.gaussian(*shape, dtype=np.float32)
    found = WAYS["numba"](problem).solve()
    assert found.converged
    assert max(SolutionJudge(problem, shape[0]).ratios(found.w).values()) < RIGHT
    assert np.linalg.norm(problem.X @ found.w - problem.y) < 1e-6 * np.linalg.norm(problem.y)


def test_gradient_vanishes_at_the_solution_and_grows_linearly_from_it(way: type[Way]) -> None:
    """∇f(w) = (2/n) XᵀX (w - w*), for every minimiser w* and so for rank-deficient X too."""
    problem = families.summed_column(30, 5).problem
    prepared, w = way(problem), problems.start(problem)
    minimiser = WAYS["numpy"](problem).solve().w
    expected = 2 / problem.n * problem.X.T @ (problem.X @ (w - minimiser))
    gradient = prepared.gradient(w)
    atol = 1e-12 * float(np.linalg.norm(gradient))
    np.testing.assert_allclose(gradient, expected, atol=atol)


def test_a_descent_method_that_has_not_converged_says_so() -> None:
    """Hilbert's condition number is beyond conjugate gradients, on columns of one size too."""
    found = WAYS["numba"](families.hilbert(400, 20).problem).solve()
    assert not found.converged
    assert found.gradient_norm is not None
    assert 0 < found.gradient_norm < math.inf


def test_fallback_states_the_perturbation_it_used() -> None:
    """eps sigma_r² on columns of one size: however large sigma_1 is, the bias is below rounding."""
    problem = families.duplicated_column(30, 5).problem
    found = WAYS["scipy"](problem).solve()
    sigma = np.linalg.svd(of_one_size(problem.X)[0], compute_uv=False)
    assert found.method == "ridge"
    assert found.alpha == pytest.approx(2.0**-52 * sigma[3] ** 2)

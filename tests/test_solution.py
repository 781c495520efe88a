"""Every way's solution is right, or its flags say that it is not."""

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from kernels import WAYS, LeastSquares, Way
from suites import families, nist, problems
from suites.judge import (
    exact_solution,
    minimum_norm_ratio,
    optimality_ratio,
    solution_ratio,
    unit_roundoff,
)

REGRESSIONS = [name for name in nist.names() if nist.load(name).is_regression]
VARIANCES = [name for name in nist.names() if not nist.load(name).is_regression]
RIGHT = 30.0

SMALL = {family: make(24, 6) for family, make in families.FAMILIES.items()}
DEFICIENT = {family: posed for family, posed in SMALL.items() if posed.rank is not None}


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
    """To rounding, or to the bias of the perturbation where the ridge fallback was taken."""
    problem = DEFICIENT[family].problem
    exact = exact_solution(problem)
    found = way(problem).solve()
    assert found.converged
    assert found.rank in (None, exact.rank)
    w = np.array([float(entry) for entry in exact.w])
    unit = 2.0 ** np.frexp(np.abs(problem.X).max() or 1.0)[1]
    sigma = unit * np.linalg.svd(problem.X / unit, compute_uv=False)
    if exact.rank == 0:
        assert not found.w.any()
        return
    smallest = sigma[exact.rank - 1]
    bias = found.alpha / (smallest**2 + found.alpha)
    # Wedin: relative to |w|, rounding acts through the condition number and, by way of the
    # residual, through its square.
    condition, r = sigma[0] / smallest, problem.X @ w - problem.y
    residual = np.linalg.norm(r) / (sigma[0] * np.linalg.norm(w))
    rounding = RIGHT * problem.rcond * condition * (1 + condition * residual)
    assert np.linalg.norm(found.w - w) <= (bias + rounding) * np.linalg.norm(w)
    assert optimality_ratio(problem, found.w) < RIGHT
    assert minimum_norm_ratio(problem, found.w, exact.rank) < RIGHT


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
    assert found.rank in (None, problem.p - 1)
    residual = math.sqrt(float(certified.residual.sum_of_squares))
    lost = math.log10(float(np.linalg.norm(problem.y)) / residual)
    if found.method == "ridge":
        # The perturbation moves Xw by at most alpha / sigma_r² of itself, at right angles to r.
        lost = math.log10(10**lost + found.alpha / np.linalg.svd(problem.X)[1][-2] ** 2 * 1e16)
    assert certified.digits(found.w) > min(15, 15.9 - lost) - 1.5
    # The fitted values are the means of the groups.
    groups: dict[str, list[Fraction]] = {}
    for treatment, response in certified.rows:
        groups.setdefault(treatment, []).append(Fraction(response))
    means = [float(sum(groups[t]) / len(groups[t])) for t, _ in certified.rows]
    tolerance = RIGHT * problem.rcond * float(np.abs(problem.y).max())
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
    assert scaled.alpha == pytest.approx(found.alpha * scale * scale, rel=1e-12)
    np.testing.assert_allclose(scaled.w, found.w, rtol=1e-11, atol=1e-13)


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
    """Longley's condition number, 5e9, is beyond conjugate gradients without preconditioning."""
    found = WAYS["numba"](nist.load("Longley").problem()).solve()
    assert not found.converged
    assert found.gradient_norm is not None
    assert 0 < found.gradient_norm < math.inf


def test_fallback_states_the_perturbation_it_used() -> None:
    problem = families.duplicated_column(30, 5).problem
    found = WAYS["scipy"](problem).solve()
    sigma = np.linalg.svd(problem.X, compute_uv=False)[0]
    assert found.method == "ridge"
    assert found.alpha == pytest.approx(problem.rcond * sigma**2)
    u = unit_roundoff(problem.dtype)
    assert np.linalg.eigvalsh(problem.X.T @ problem.X + found.alpha * np.eye(5))[0] > u * sigma**2

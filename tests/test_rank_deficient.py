"""Rank-deficient least squares: every family, every way, and the solvers that go beyond them."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.stats

from kernels import WAYS, LeastSquares, Solution, Way, minimum_norm, refined
from kernels.one_pass.gram import gram
from suites.data import families, nist, problems
from suites.data.families import FAMILIES
from suites.harness import benchmark
from suites.harness.group import Findings, key_of
from suites.harness.processes import Process
from suites.harness.solvers import SOLVERS, solve
from suites.harness.verdicts import verdicts
from suites.judge import (
    RIGHT,
    SolutionJudge,
    WrongAnswerError,
    check_solution,
    exact_solution,
    log_relative_error,
    normwise_digits,
    solution_ratio,
)
from suites.rank_deficient import Tall, Time

SIZES = [(24, 6), (400, 20)]
GAP = ["duplicated column", "zero column", "sum of the others", "dummy trap", "rank 2", "rank p/2"]
INTEGERS = [*GAP, "rank 3", "wide", "all zeros"]


@pytest.mark.parametrize("family", FAMILIES)
def test_families_have_the_rank_and_the_solution_that_they_state(family: str) -> None:
    instance = FAMILIES[family](24, 6)
    exact = exact_solution(instance.problem)
    assert instance.rank in (None, exact.rank)
    if instance.w is not None:
        assert [Fraction(entry) for entry in instance.w] == exact.w


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_is_right_on_every_family_or_says_that_it_is_not(
    way: type[Way], family: str, size: tuple[int, int]
) -> None:
    instance = FAMILIES[family](*size)
    check_solution(instance.problem, instance.rank, way(instance.problem).solve())


@pytest.mark.parametrize("family", INTEGERS)
def test_every_way_is_right_in_float32_too(way: type[Way], family: str) -> None:
    instance = FAMILIES[family](24, 6).as_float32()
    found = way(instance.problem).solve()
    assert found.w.dtype == np.float32
    check_solution(instance.problem, instance.rank, found)


@pytest.mark.parametrize("shape", [(300, 6), (5000, 50)])
@pytest.mark.parametrize("family", GAP)
def test_minimum_norm_is_certified_where_the_spectrum_has_a_gap(
    family: str, shape: tuple[int, int]
) -> None:
    instance = FAMILIES[family](*shape)
    for one in (instance, instance.as_float32()):
        found = minimum_norm(one.problem)
        assert found.method == "tikhonov"
        assert found.rank == instance.rank
        assert found.w.dtype == one.problem.dtype
        check_solution(one.problem, one.rank, found)
        assert instance.w is not None
        error = np.linalg.norm(found.w - instance.w) / np.linalg.norm(instance.w)
        assert error < 10 * one.problem.rcond


@pytest.mark.parametrize("family", ["Hilbert", "Vandermonde", "graded", "collinear 1e-10", "wide"])
def test_minimum_norm_falls_back_where_it_cannot_certify(family: str) -> None:
    instance = FAMILIES[family](400, 20)
    found = minimum_norm(instance.problem)
    assert found.method == "lstsq"
    check_solution(instance.problem, instance.rank, found)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_minimum_norm_is_right_on_every_family(family: str, size: tuple[int, int]) -> None:
    instance = FAMILIES[family](*size)
    check_solution(instance.problem, instance.rank, minimum_norm(instance.problem))


@pytest.mark.parametrize("gap", [1e2, 1e4, 1e6, 1e8, 1e12])
def test_certificate_never_passes_a_wrong_rank(gap: float) -> None:
    """Half the singular values are 1, half 1/gap: above the rank cutoff, so the rank is p."""
    p = 20
    rng = np.random.default_rng(int(np.log10(gap)))
    U, _ = np.linalg.qr(rng.standard_normal((2000, p)))
    V, _ = np.linalg.qr(rng.standard_normal((p, p)))
    sigma = np.where(np.arange(p) < p // 2, 1.0, 1 / gap)
    problem = LeastSquares((U * sigma) @ V.T, rng.standard_normal(2000))
    found = minimum_norm(problem)
    assert found.rank == p
    check_solution(problem, p, found)


def test_minimum_norm_solves_a_ridge_problem_too() -> None:
    problem = problems.gaussian(40, 5, alpha=2.0)
    found = minimum_norm(problem)
    assert (found.method, found.alpha) == ("ridge", 2.0)
    assert solution_ratio(problem, found.w, exact_solution(problem)) < RIGHT


def test_iterating_takes_away_the_bias_of_the_perturbation() -> None:
    instance = families.low_rank(300, 6, 3)
    assert instance.w is not None
    ridge, iterated = solve("scipy", instance.problem), minimum_norm(instance.problem)
    assert iterated.iterations > 1
    for found in (ridge, iterated):
        assert np.linalg.norm(found.w - instance.w) <= 1e-14 * np.linalg.norm(instance.w)


@pytest.mark.parametrize("name", nist.regressions())
def test_refined_solution_is_the_exact_one_rounded_once(name: str) -> None:
    problem, _ = nist.regressions()[name]
    found = refined(problem)
    assert found.converged
    assert found.rank == problem.p
    for computed, exact in zip(found.w, exact_solution(problem).w, strict=True):
        assert abs(Fraction(float(computed)) - exact) <= abs(exact) * Fraction(1, 2**53) * (
            1 + Fraction(1, 1000)
        )


@pytest.mark.parametrize(
    ("name", "digits"),
    [("Longley", 14.6), ("Wampler2", 13.2), *((f"Wampler{k}", 15.0) for k in (1, 3, 4, 5))],
)
def test_refined_solution_reaches_what_the_design_matrix_allows(name: str, digits: float) -> None:
    problem, certified = nist.regressions()[name]
    assert round(log_relative_error(refined(problem).w, certified), 1) >= digits


def test_refined_solution_may_have_zeros() -> None:
    X = problems.gaussian(20, 3).X
    for problem, exact in (
        (LeastSquares(X, 2 * X[:, 0]), [2, 0, 0]),
        (LeastSquares([[1.0], [1.0]], [1.0, -1.0]), [0]),
    ):
        found = refined(problem)
        assert found.converged
        np.testing.assert_allclose(found.w, exact, atol=1e-30)


@pytest.mark.parametrize("exponent", [520, -560, 1000, -1000])
def test_minimum_norm_does_not_depend_on_the_scale_of_y(exponent: int) -> None:
    problem = families.with_condition(1000, 5, 3e4).problem
    found = minimum_norm(LeastSquares(problem.X, np.ldexp(problem.y, exponent)))
    assert found.converged
    assert np.ldexp(found.w, -exponent).tolist() == minimum_norm(problem).w.tolist()


@pytest.mark.parametrize(("dtype", "exponent"), [(np.float64, 1023), (np.float32, 127)])
def test_conjugate_gradients_solve_at_the_end_of_the_range(dtype: Any, exponent: int) -> None:
    x, y = np.array([1.5, 1, -1.25], dtype), np.array([0.5, 0.5, -0.25], dtype)
    found = WAYS["numba"](LeastSquares(np.ldexp(x, exponent)[:, None], y)).solve()
    assert found.converged
    # A subnormal number has lost some bits.
    assert np.ldexp(found.w, exponent)[0] == pytest.approx(x @ y / (x @ x), rel=1e-6)


def test_refined_solution_says_where_there_is_nothing_to_refine() -> None:
    instance = families.duplicated_column(24, 6)
    found = refined(instance.problem)
    assert (found.rank, found.converged) == (5, False)
    assert max(SolutionJudge(instance.problem, 5).ratios(found.w).values()) < RIGHT


@pytest.mark.parametrize("alpha", [0.5, 1e-6])
def test_refined_solution_of_a_ridge_problem(alpha: float) -> None:
    for problem in (problems.gaussian(40, 5, alpha=alpha), problems.gaussian(4, 9, alpha=alpha)):
        found = refined(problem)
        assert found.converged
        assert solution_ratio(problem, found.w, exact_solution(problem)) < RIGHT


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (63, 7), (65, 16), (1000, 50)])
def test_gram_matrix_is_right_to_rounding(shape: tuple[int, int], dtype: Any, order: Any) -> None:
    """|G - XᵀX| <= γ_n |X|ᵀ|X|, entry by entry (Higham, section 3.5)."""
    X = problems.gaussian(*shape, dtype=dtype, order=order).X
    wide = X.astype(np.longdouble)
    error = np.abs(gram(X) - wide.T @ wide)
    assert np.all(error <= shape[0] * 2.0**-53 * (np.abs(wide).T @ np.abs(wide)))


def judged(family: str, instance: families.Instance) -> Findings:
    found = Findings()
    verdicts(found, family, instance, list(SOLVERS))
    return found


def test_wrong_solvers_are_named_and_not_timed() -> None:
    found = judged("f", families.low_rank(60, 8, 3))
    assert not found.wrong
    lost, seconds = found.figures["digits lost"], found.figures["time"]
    assert set(lost) == set(seconds) == {key_of(name, "f") for name in SOLVERS}
    for name in (*WAYS, "minimum_norm", "scipy gelsy", "numpy pinv"):
        assert lost[key_of(name, "f")] == [0]
        assert min(seconds[key_of(name, "f")]) > 0
    assert not lost[key_of("torch gels", "f")][0] <= 6.5
    assert np.isnan(seconds[key_of("torch gels", "f")]).all()


def test_a_wrong_answer_of_others_is_a_result_and_one_of_ours_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(problem: LeastSquares) -> Solution:
        return Solution(np.ones(problem.p), 3, "lstsq", 0.0)

    for name in ("scipy gelsd", "numpy"):
        monkeypatch.setitem(SOLVERS, name, wrong)
    found = judged("rank 3", families.low_rank(60, 8, 3))
    process = Process(0.0, 0.0, "", found.figures, found.wrong, {})
    monkeypatch.setattr(benchmark, "processes", lambda *_: [process])
    point = "rank 3", "200 x 10"
    assert Time().track_digits_lost("scipy gelsd", *point) > 6.5
    assert math.isnan(Time().track_time("scipy gelsd", *point)["samples"][0])
    assert min(Time().track_time("scipy", *point)["samples"]) > 0
    for track in (Time().track_digits_lost, Time().track_time):
        with pytest.raises(WrongAnswerError, match=r"numpy: .*backward error"):
            track("numpy", *point)


def test_a_solver_is_as_good_as_in_the_worst_process(monkeypatch: pytest.MonkeyPatch) -> None:
    name, point = "torch gelsy", ("rank 3", "200 x 10")

    def process(lost: float, seconds: float) -> Process:
        figures = {"digits lost": {key_of(name, "rank 3"): [lost]}}
        figures["time"] = {key_of(name, "rank 3"): [seconds]}
        return Process(0.0, 0.0, "", figures, {}, {})

    mixed = [process(0.0, 1e-3), process(7.0, math.nan), process(0.0, 1e-3)]
    monkeypatch.setattr(benchmark, "processes", lambda *_: mixed)
    assert Time().track_digits_lost(name, *point) == 7.0
    assert math.isnan(Time().track_time(name, *point)["samples"][0])


@pytest.mark.usefixtures("measured_here")
def test_benchmark_of_tall_problems_runs() -> None:
    found = Tall().track_speedup_over_lstsq("rank p/2", "5000 x 50")
    assert min(found["samples"]) > 0


def test_digits_fall_with_the_condition_number_and_refinement_keeps_them() -> None:
    names, conditions = ["numpy", "refined", "cholesky"], ["1e00", "1e06", "1e12"]
    found = {name: [digits(name, condition) for condition in conditions] for name in names}
    # The residual is a thousandth of y: its part in the error grows with the condition's square.
    for power, value in zip((0, 6, 12), found["numpy"], strict=True):
        assert value > 15.9 - max(power, 2 * power - 3) - 2
    assert found["cholesky"][1] < found["numpy"][1] - 2
    assert min(found["refined"][:2]) > 15


def digits(name: str, condition: str) -> float:
    problem = families.with_condition(60, 10, float(condition)).problem
    exact = np.array([float(entry) for entry in exact_solution(problem).w])
    return normwise_digits(solve(name, problem).w, exact)


@pytest.mark.parametrize(("n", "p"), [(100, 77), (60, 30)])
def test_conjugate_gradients_certify_what_is_right(n: int, p: int) -> None:
    """Probabilities of counts: a spectrum without a gap, of which CGLS itself is never certain."""
    rng = np.random.default_rng(0)
    chances = scipy.stats.poisson.pmf(np.arange(p + 1), rng.uniform(1, 5, n)[:, None])
    problem = LeastSquares(np.ascontiguousarray(chances[:, :-1]), chances[:, -1].copy())
    found = WAYS["numba"](problem).solve()
    assert found.converged
    assert SolutionJudge(problem).backward_error(found.w) < RIGHT


def test_many_rows_of_dummies_have_their_rank(way: type[Way]) -> None:
    """Rounding errors of one sign: MKL's QR of all rows at once made the rank 8."""
    posed = FAMILIES["dummy trap"](20_000, 8)
    found = way(posed.problem).solve()
    assert found.rank in (None, 7)
    check_solution(posed.problem, 7, found)

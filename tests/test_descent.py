"""Descent methods: the right limit, the rates of the theory, one iterate whatever drives them.

A loop is compiled, in some three seconds, for each step with each kernel, dtype and order of X.
Here most X have 5 to 7 columns in C order, whose kernel is one: each step is compiled for it in
float64 and in float32, and for others only where the statement is about them.
"""

import math
from typing import Any

import numpy as np
import pytest

from kernels import METHODS, WAYS, Array, LeastSquares, Progress, Stopping, Way, descend
from kernels.descent.compiled import CompiledLoops
from kernels.descent.curvature import curvature
from kernels.descent.loops import Loops, loops_of
from kernels.descent.reduction import factor
from kernels.rank.power import squared_norm
from suites.data import families, problems
from suites.judge import exact_solution

OWN = METHODS[:7]
TORCH = [method for method in METHODS if method.startswith("torch")]
DEFICIENT = {
    family: families.FAMILIES[family](40, 6).problem
    for family in ("duplicated column", "zero column", "dummy trap", "rank 3")
}
DEFICIENT["wide"] = families.wide(7, 4).problem
# 1/k, where the others are linear.
SLOW = "stochastic"
# Its line search and its memory have absolute thresholds, 1e-9 and 1e-10.
PRECISION = {"torch LBFGS": 1e-5}


def precision(method: str, problem: LeastSquares, asked: float) -> float:
    """Return what a method is asked for: |∇f| as a multiple of |∇f(0)|, in the largest entries.

    Of L-BFGS-B no less than rounding hides from it, see `kernels.descent.optimisers.l_bfgs_b`:
    where it ends below that depends on the order of sums.
    """
    if method != "L-BFGS-B":
        return PRECISION.get(method, asked)
    way = WAYS["numpy"](problem)
    largest = 2 / problem.n * (np.linalg.norm(problem.X, 2) ** 2 + problem.alpha)
    least = way.value(np.array([float(entry) for entry in exact_solution(problem).w]))
    hidden = math.sqrt(2 * largest * np.finfo(np.float64).eps / 2 * least)
    return max(asked, hidden / float(np.abs(way.gradient(np.zeros(problem.p))).max()))


def methods_of(way: type[Way]) -> list[str]:
    return [method for method in METHODS if method not in TORCH or way is WAYS["torch"]]


def distance(w: Array, problem: LeastSquares) -> float:
    exact = np.array([float(entry) for entry in exact_solution(problem).w])
    return float(np.linalg.norm(w - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("method", METHODS)
def test_descent_ends_at_the_minimiser(method: str, alpha: float) -> None:
    problem = problems.gaussian(70, 5, alpha=alpha)
    for name in WAYS:
        if method not in methods_of(WAYS[name]):
            continue
        stopping = Stopping(gradient=precision(method, problem, 1e-9), iterations=4000)
        found = descend(method, WAYS[name](problem), stopping)
        assert found.method == method
        if method == SLOW:
            assert distance(found.w, problem) < 1e-2
            continue
        assert (found.stopped, found.converged) == ("gradient", True)
        assert distance(found.w, problem) < 10 * stopping.gradient


@pytest.mark.parametrize("family", DEFICIENT)
@pytest.mark.parametrize("method", METHODS)
def test_descent_from_zero_reaches_the_minimum_norm_solution(method: str, family: str) -> None:
    """Every iterate is a combination of rows of X, and so is the limit."""
    reaches_the_minimum_norm_solution(method, DEFICIENT[family])


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_descent_from_zero_reaches_it_on_rows_of_many_columns_too(method: str) -> None:
    reaches_the_minimum_norm_solution(method, families.wide(40, 6).problem)


def reaches_the_minimum_norm_solution(method: str, problem: LeastSquares) -> None:
    way = WAYS["torch" if method in TORCH else "numba"](problem)
    tolerance = precision(method, problem, 1e-11)
    found = descend(method, way, Stopping(gradient=tolerance, iterations=20_000))
    row_space = np.linalg.svd(problem.X)[2][: exact_solution(problem).rank]
    outside = found.w - row_space.T @ (row_space @ found.w)
    assert np.linalg.norm(outside) <= 1e-12 * np.linalg.norm(found.w)
    if method == SLOW:
        assert distance(found.w, problem) < 5e-2
    else:
        assert found.converged
        assert distance(found.w, problem) < 1e3 * tolerance


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", OWN[:-1])
def test_scaled_data_have_a_scaled_solution(method: str, dtype: Any) -> None:
    """Squares leave the range: of 1e±150 in float64, of 1e±18 in float32."""
    exponent = 498 if dtype == np.float64 else 60
    for sign in (1, -1):
        posed = families.all_scaled(30, 5, sign * exponent)
        X, y = (a.astype(dtype) for a in (posed.problem.X, posed.problem.y))
        tolerance = 1e-9 if dtype == np.float64 else 1e-4
        problem = LeastSquares(X, y)
        found = descend(method, WAYS["numba"](problem), Stopping(gradient=tolerance))
        assert found.converged
        assert posed.w is not None
        assert np.linalg.norm(found.w - posed.w) <= 1e3 * tolerance * np.linalg.norm(posed.w)


@pytest.mark.parametrize("method", OWN)
def test_descent_keeps_what_the_start_has_in_the_null_space(method: str) -> None:
    problem = DEFICIENT["duplicated column"]
    null = np.zeros(problem.p)
    null[0], null[-1] = 1, -1
    start = 3 * null + problem.X[0]
    found = descend(method, WAYS["numba"](problem), Stopping(gradient=1e-10), start=start)
    assert found.w @ null == pytest.approx(6, rel=1e-9)


F_ORDER, THREADED = (70, 6, "F", np.float64), (20_000, 7, "C", np.float64)
LOOPS = [
    *((method, 130, 7, "C", dtype) for dtype in (np.float64, np.float32) for method in OWN),
    # The kernel is inside `evaluate`, which is y's or that of y = 0, and inside `evaluate_block`.
    *((method, *F_ORDER) for method in ("conjugate gradients", "stochastic")),
    ("conjugate gradients", *THREADED),
]
ALL_LOOPS = [
    (method, n, p, order, dtype)
    for n, p, order, _ in (F_ORDER, THREADED)
    for dtype in (np.float64, np.float32)
    for method in OWN
]


@pytest.mark.parametrize(
    ("method", "n", "p", "order", "dtype"),
    [
        *LOOPS,
        *(pytest.param(*it, marks=pytest.mark.slow) for it in ALL_LOOPS if it not in LOOPS),
    ],
)
def test_the_compiled_loop_and_the_one_in_python_take_the_same_steps(
    method: str, n: int, p: int, order: Any, dtype: Any
) -> None:
    """X of 20 000 rows is shared out among threads. Rounding grows with the steps, slowly."""
    way = WAYS["numba"](problems.gaussian(n, p, dtype=dtype, order=order, alpha=0.1))
    assert type(loops_of(way)) is CompiledLoops
    compiled = traced(method, way)
    way.one_pass = None
    assert type(loops_of(way)) is Loops
    in_python = traced(method, way)
    assert len(compiled) >= 5
    for a, b in zip(compiled[:8], in_python[:8], strict=True):
        assert a == pytest.approx(b, rel=200 * float(np.finfo(dtype).eps))


def traced(method: str, way: Way) -> list[float]:
    seen: list[Progress] = []
    descend(method, way, Stopping(iterations=40), observe=seen.append)
    return [float(value) for stretch in seen for value in stretch.values]


def spectrum(problem: LeastSquares) -> Array:
    """The eigenvalues of the Hessian, those of the null space of X left out."""
    sigma = np.linalg.svd(problem.X, compute_uv=False)
    kept = sigma[sigma > problem.rcond * sigma[0]]
    eigenvalues: Array = 2 / problem.n * (kept**2 + problem.alpha)
    return eigenvalues


@pytest.mark.parametrize("alpha", [0.0, 50.0])
@pytest.mark.parametrize("family", DEFICIENT)
def test_curvature_is_that_of_the_row_space(way: type[Way], family: str, alpha: float) -> None:
    problem = LeastSquares(DEFICIENT[family].X, DEFICIENT[family].y, alpha)
    exact, found = spectrum(problem), curvature(way(problem), smallest=True)
    assert exact[0] <= found.largest * (1 + 1e-12) <= exact[0] * 1.002
    assert found.smallest == pytest.approx(exact[-1], rel=1e-2)


@pytest.mark.parametrize(("dtype", "alpha"), [(np.float64, 1e17), (np.float32, 1e9)])
def test_a_penalty_beyond_all_data_leaves_one_curvature(
    way: type[Way], dtype: Any, alpha: float
) -> None:
    problem = problems.gaussian(100, 3, dtype=dtype, alpha=alpha)
    found = curvature(way(problem), smallest=True)
    assert found.smallest == pytest.approx(2 / 100 * alpha, rel=1e-5)
    assert found.largest == pytest.approx(2 / 100 * alpha, rel=2e-3)
    stopping = Stopping(gradient=1e-4)
    assert descend("gradient descent", way(problem), stopping).converged


def test_curvature_takes_few_gradients_where_few_suffice() -> None:
    problem = problems.gaussian(3000, 400)
    found = curvature(WAYS["numpy"](problem), smallest=False)
    assert found.largest == pytest.approx(spectrum(problem)[0], rel=3e-3)
    assert found.evaluations <= 66


@pytest.mark.parametrize("rows", [7, 64, 500])
def test_curvature_of_blocks_is_that_of_the_worst(rows: int) -> None:
    X = problems.gaussian(300, 6).X * np.linspace(1, 3, 300)[:, None]
    blocks = [X[start : start + rows] for start in range(0, 300, rows)]
    exact = max(np.linalg.norm(block, 2) ** 2 for block in blocks)
    assert 0.9 * exact < squared_norm(X, rows) <= exact * (1 + 1e-12)


def rate(method: str, kappa: float) -> float:
    """Return the factor of |∇f| an iteration, on a Hessian of condition number kappa, late."""
    seen: list[Progress] = []
    problem = families.with_condition(60, 7, math.sqrt(kappa)).problem
    found = descend(method, WAYS["numba"](problem), Stopping(gradient=1e-11), observe=seen.append)
    assert found.converged
    norms = np.concatenate([stretch.gradient_norms for stretch in seen])
    late = np.log(norms[len(norms) // 2 :])
    return float(np.exp((late[-1] - late[0]) / (len(late) - 1)))


@pytest.mark.parametrize("kappa", [10.0, 100.0, 1000.0])
def test_gradient_descent_converges_at_its_linear_rate(kappa: float) -> None:
    """The digits an iteration brings are those of the theory, within a few per cent."""
    best = math.log((kappa - 1) / (kappa + 1))
    assert math.log(rate("gradient descent, 2/(L+mu)", kappa)) == pytest.approx(best, rel=0.03)
    plain = math.log(1 - 1 / kappa)
    assert math.log(rate("gradient descent", kappa)) == pytest.approx(plain, rel=0.03)


@pytest.mark.parametrize("kappa", [100.0, 1000.0, 10_000.0])
def test_acceleration_converges_at_the_rate_of_the_square_root(kappa: float) -> None:
    """B. T. Polyak, Introduction to Optimization, 1987, section 3.2.1: the double root costs k."""
    root = math.sqrt(kappa)
    best = math.log((root - 1) / (root + 1))
    assert math.log(rate("heavy ball", kappa)) == pytest.approx(best, rel=0.12)
    # Nesterov's 1 - 1/sqrt(kappa), restarts included, to a factor; plain descent is far away.
    assert 0.5 < math.log(rate("nesterov", kappa)) / math.log(1 - 1 / root) < 2.5


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_conjugate_gradients_take_no_more_steps_than_the_rank(way: type[Way], rank: int) -> None:
    problem = families.low_rank(60, 7, rank).problem
    found = descend("conjugate gradients", way(problem), Stopping(gradient=1e-9))
    assert found.converged
    assert found.iterations <= rank


def test_conjugate_gradients_count_distinct_singular_values_only() -> None:
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 7)))[0] for n in (50, 7))
    X = (U * [1, 1, 1, 2, 2, 5, 5]) @ V.T
    problem = LeastSquares(X, rng.standard_normal(50))
    found = descend("conjugate gradients", WAYS["numba"](problem), Stopping(gradient=1e-10))
    assert (found.converged, found.iterations) == (True, 3)


def test_stochastic_descent_closes_in_at_one_over_k() -> None:
    """R. M. Gower et al., SGD: general analysis and improved rates, 2019, theorem 3.2."""
    problem = problems.gaussian(2000, 5)
    best = WAYS["numpy"](problem).solve().w
    gaps = []
    for sweeps in (40, 160, 640):
        way = WAYS["numba"](problem)
        found = descend(SLOW, way, Stopping(gradient=0, iterations=sweeps, patience=10**6))
        gaps.append(way.value(found.w) - way.value(best))
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2] > 0


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(method: str) -> None:
    problem = problems.gaussian(90, 5, dtype=np.float32)
    way = WAYS["torch" if method in TORCH else "numba"](problem)
    found = descend(method, way, Stopping(gradient=1e-3, iterations=3000))
    assert found.w.dtype == np.float32
    assert found.converged or method == SLOW
    assert distance(found.w, problem) < 3e-2


@pytest.mark.parametrize("method", METHODS)
def test_a_start_near_the_end_is_near_the_end(method: str) -> None:
    problem = problems.gaussian(90, 5)
    way = WAYS["torch" if method in TORCH else "numba"](problem)
    best = way.solve().w
    found = descend(method, way, start=best)
    assert (found.iterations, found.converged) == (0, True)
    np.testing.assert_array_equal(found.w, best)
    assert not np.shares_memory(found.w, best)


@pytest.mark.parametrize(("condition", "by"), [(1.0, "gram"), (1e3, "gram"), (1e7, "qr")])
@pytest.mark.parametrize("alpha", [0.0, 1e-3])
def test_the_factor_is_taken_from_the_gram_matrix_where_that_is_safe(
    condition: float, by: str, alpha: float
) -> None:
    problem = families.with_condition(400, 6, condition).problem
    problem = LeastSquares(problem.X, problem.y, alpha)
    found = factor(problem)
    assert found.by == ("gram" if alpha else by)  # alpha bounds the condition number
    gram = problem.X.T @ problem.X + alpha * np.eye(6)
    np.testing.assert_allclose(found.R.T @ found.R, gram, atol=1e-13)
    np.testing.assert_allclose(np.tril(found.R, -1), 0)


@pytest.mark.parametrize("family", ["duplicated column", "zero column", "dummy trap"])
def test_a_singular_gram_matrix_is_left_to_qr(family: str) -> None:
    assert factor(DEFICIENT[family]).by == "qr"


def test_the_reduced_method_may_run_out_of_time_in_its_factor() -> None:
    way = WAYS["numba"](families.with_condition(5000, 7, 1e4).problem)
    found = descend("reduced conjugate gradients", way, Stopping(seconds=1e-9, gradient=0))
    assert (found.stopped, found.converged) == ("seconds", False)
    assert found.iterations > 0
    assert way.value(found.w) < way.value(np.zeros(7))


def test_the_reduced_method_takes_a_singular_triangle() -> None:
    """A gradient of zero is asked for, which rounding does not allow."""
    problem = families.zero_column(100, 6).problem
    stopping = Stopping(gradient=1e-17)
    found = descend("reduced conjugate gradients", WAYS["numba"](problem), stopping)
    assert distance(found.w, problem) < 1e-9


def test_the_reduced_problem_is_seen_as_the_whole_one() -> None:
    seen: list[Progress] = []
    way = WAYS["numba"](families.with_condition(500, 7, 30.0).problem)
    found = descend("reduced conjugate gradients", way, observe=seen.append)
    assert found.converged
    assert found.evaluations < 10 < found.iterations + 10
    values = np.concatenate([stretch.values for stretch in seen])
    norms = np.concatenate([stretch.gradient_norms for stretch in seen])
    assert values[-1] == pytest.approx(way.value(found.w), rel=1e-9)
    assert norms[-1] <= 1e-8 * np.abs(way.gradient(np.zeros(7))).max()

"""The judge of solutions: it rejects wrong answers and no right ones, whatever n and units."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from kernels import WAYS, Array, LeastSquares, Solution, minimum_norm
from suites.data import families, misjudged, problems
from suites.data.families import Instance
from suites.judge import (
    RIGHT,
    SolutionJudge,
    WrongAnswerError,
    exact_solution,
    solution_ratio,
)

P = 20
# Whatever n is: few rows, and many, of fewer columns; those between them are no other case.
ROWS = [300, pytest.param(20_000, marks=pytest.mark.slow), 200_000]
DTYPES = [np.float64, np.float32]


def columns(n: int) -> int:
    return P if n < 200_000 else 7


@cache
def posed(kind: str, n: int, dtype: Any) -> tuple[Instance, SolutionJudge]:
    p = columns(n)
    made = {
        "gaussian": lambda: Instance(problems.gaussian(n, p, noise=0.1), p),
        "condition 1e6": lambda: families.with_condition(n, p, 1e6),
        "sum of the others": lambda: families.summed_column(n, p),
        "a column times 2^30": lambda: scaled(problems.gaussian(n, p)),
    }[kind]()
    made = made if dtype == np.float64 else made.as_float32()
    if dtype == np.float32 and kind == "condition 1e6":
        made = replace(made, rank=None)  # in float32 rounding decides it
    return made, SolutionJudge(made.problem, made.rank)


def scaled(problem: LeastSquares) -> Instance:
    exponents = 30 * (np.arange(problem.p) == 0)
    return Instance(LeastSquares(np.ldexp(problem.X, exponents), problem.y), problem.p)


def off(kind: str, n: int, dtype: Any) -> Array:
    """The solution, off by 1e-12 in float64 and by 1e-3 in float32."""
    w = solution(kind, n, dtype)
    size = 1e-12 if dtype == np.float64 else 1e-3
    return w * (1 + size * np.random.default_rng(0).choice([-1, 1], len(w)))


def normal_equations(kind: str, n: int, dtype: Any) -> Array:
    problem = posed(kind, n, dtype)[0].problem
    w: Array = np.linalg.solve(problem.X.T @ problem.X, problem.X.T @ problem.y)
    return w


def null_part(kind: str, n: int, dtype: Any) -> Array:
    """The last column is the sum of the others; 1e-9 of that in float64, 1e-4 in float32."""
    w = solution(kind, n, dtype)
    null = np.append(np.ones(len(w) - 1), -1) / math.sqrt(len(w))
    return w + (1e-9 if dtype == np.float64 else 1e-4) * np.linalg.norm(w) * null


def rank_one_too_low(kind: str, n: int, dtype: Any) -> Array:
    made = posed(kind, n, dtype)[0]
    problem = made.problem
    assert made.rank is not None
    U, s, Vt = np.linalg.svd(problem.X.astype(np.float64), full_matrices=False)
    kept = made.rank - 1
    w: Array = Vt[:kept].T @ ((U[:, :kept].T @ problem.y) / s[:kept])
    return w


def one_column_alone(kind: str, n: int, dtype: Any) -> Array:
    """As where a cutoff relative to the largest column takes all others for zero."""
    problem = posed(kind, n, dtype)[0].problem
    a = np.ldexp(problem.X[:, 0].astype(np.float64), -30)
    return np.append(math.ldexp(a @ problem.y / (a @ a), -30), np.zeros(columns(n) - 1))


def in_float32(kind: str, n: int, dtype: Any) -> Array:
    problem = posed(kind, n, dtype)[0].problem
    X, y = (a.astype(np.float32) for a in (problem.X, problem.y))
    return np.linalg.lstsq(X, y, rcond=None)[0]


MUTANTS: dict[str, tuple[str, Callable[[str, int, Any], Array]]] = {
    "zero": ("gaussian", lambda kind, n, dtype: np.zeros(columns(n))),
    "zero, rank deficient": ("sum of the others", lambda kind, n, dtype: np.zeros(columns(n))),
    "off by rounding a hundred times": ("gaussian", off),
    "normal equations": ("condition 1e6", normal_equations),
    "a part in the null space": ("sum of the others", null_part),
    "rank one too low": ("sum of the others", rank_one_too_low),
    "rank one too low, full rank": ("gaussian", rank_one_too_low),
    "neighbours lost": ("a column times 2^30", one_column_alone),
    "float32 inside": ("gaussian", in_float32),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_solution_is_rejected(mutant: str, n: int, dtype: Any) -> None:
    kind, make = MUTANTS[mutant]
    if mutant == "float32 inside" and dtype == np.float32:
        return
    judge = posed(kind, n, dtype)[1]
    found = Solution(make(kind, n, dtype).astype(dtype), None, "lstsq", 0.0)
    with pytest.raises(WrongAnswerError, match=r"backward error|least-norm ratio"):
        judge.check(found)
    assert judge.digits_lost(found) > 0
    assert judge.verdict(found).startswith(("wrong", "loses"))


@pytest.mark.parametrize("exponent", [20, 100, 155, 160, 200, 299, 305])
def test_a_wrong_solution_that_is_huge_is_rejected(exponent: int) -> None:
    """Its residual leaves the range, and must not take the judge's ratio to zero with it."""
    for kind in ("gaussian", "sum of the others"):
        judge = posed(kind, 300, np.float64)[1]
        for w in (np.full(P, 10.0**exponent), 10.0**exponent * (np.arange(P) == 3)):
            assert not judge.backward_error(w) < RIGHT
            assert judge.verdict(Solution(w, None, "lstsq", 0.0)) == "wrong"


@pytest.mark.parametrize("apart", [0, 60, 300, 510, 520, 900])
def test_a_part_in_the_null_space_is_seen_however_far_apart_the_units_are(apart: int) -> None:
    made = families.summed_column(40, 4).problem
    exponents = np.array([0, -apart, 0, 0])
    problem = LeastSquares(np.ldexp(made.X, exponents), made.y)
    null = np.ldexp(np.array([1.0, 1, 1, -1]), -exponents)
    w = np.array([float(entry) for entry in exact_solution(problem).w])
    judge = SolutionJudge(problem, 3)
    assert judge.least_norm_ratio(w, 3) < RIGHT
    off = w + 1e-9 * math.hypot(*w) * (null / math.hypot(*null))
    assert judge.least_norm_ratio(off, 3) > RIGHT


def solution(kind: str, n: int, dtype: Any) -> Array:
    return minimum_norm(posed(kind, n, dtype)[0].problem).w


def by_qr(X: Array, y: Array) -> Array:
    Q, R = np.linalg.qr(X)
    w: Array = scipy.linalg.solve_triangular(R, Q.T @ y)
    return w


def by_lapack(driver: str) -> Callable[[Array, Array], Array]:
    def solve(X: Array, y: Array) -> Array:
        rcond = 15 * math.sqrt(X.shape[1]) * float(np.finfo(X.dtype).eps)
        found: Array = scipy.linalg.lstsq(X, y, cond=rcond, lapack_driver=driver)[0]
        return found

    return solve


RIGHT_ONES = {"qr": by_qr, "gelsd": by_lapack("gelsd"), "gelsy": by_lapack("gelsy")}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", ["gaussian", "condition 1e6", "sum of the others"])
@pytest.mark.parametrize("solver", RIGHT_ONES)
def test_a_backward_stable_solution_is_right(solver: str, kind: str, n: int, dtype: Any) -> None:
    if solver == "qr" and kind == "sum of the others":
        return  # X must have full rank
    made, judge = posed(kind, n, dtype)
    w = RIGHT_ONES[solver](made.problem.X, made.problem.y)
    assert judge.backward_error(w) < RIGHT
    if kind != "condition 1e6":  # where rounding may decide the rank
        judge.check(Solution(w, made.rank, "lstsq", 0.0))
        assert judge.verdict(Solution(w, made.rank, "lstsq", 0.0)) == "right"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("kind", sorted({kind for kind, _ in MUTANTS.values()}))
def test_solutions_of_ours_are_right_on_the_same_data(kind: str, n: int, dtype: Any) -> None:
    made, judge = posed(kind, n, dtype)
    solvers: list[Callable[[], Solution]] = [lambda: minimum_norm(made.problem)]
    solvers += [WAYS[name](made.problem).solve for name in WAYS]
    for solve in solvers:
        found = solve()
        judge.check(found)
        assert found.converged or found.method == "cgls"


def test_a_wrong_rank_is_no_right_answer() -> None:
    made, judge = posed("sum of the others", 300, np.float64)
    right = minimum_norm(made.problem)
    assert judge.verdict(right) == "right"
    wrong = replace(right, rank=P)
    with pytest.raises(WrongAnswerError, match=f"rank {P} found"):
        judge.check(wrong)
    assert judge.verdict(wrong) == "wrong"
    assert judge.verdict(replace(wrong, converged=False)) == "says no"


def test_digits_lost_to_the_units_of_the_columns_are_told_as_such() -> None:
    judge = posed("a column times 2^30", 300, np.float64)[1]
    w = solution("a column times 2^30", 300, np.float64) * (1 + 1e-11 * (np.arange(P) == 1))
    assert judge.verdict(Solution(w, P, "lstsq", 0.0)).endswith("to the units of the columns")
    w = solution("gaussian", 300, np.float64) * (1 + 1e-11)
    lost = posed("gaussian", 300, np.float64)[1].verdict(Solution(w, P, "lstsq", 0.0))
    assert lost.startswith("loses")
    assert lost.endswith("digits")


def test_the_judge_reads_memory_mapped_data_by_blocks(tmp_path: Path) -> None:
    problem = problems.gaussian(200_000, P)
    np.save(tmp_path / "X.npy", problem.X)
    mapped = LeastSquares(np.load(tmp_path / "X.npy", mmap_mode="r"), problem.y)
    w = solution("gaussian", 300, np.float64)
    assert SolutionJudge(mapped).backward_error(w) == SolutionJudge(problem).backward_error(w)


@pytest.mark.parametrize("alpha", [1e-20, 1e-3, 1.0, 1e6, 1e40])
@pytest.mark.parametrize("exponents", [[0, 0, 0], [30, 0, -30], [0, -300, 300]])
def test_ridge_solutions_are_judged_whatever_alpha_and_units(
    alpha: float, exponents: list[int]
) -> None:
    plain = problems.gaussian(30, 3)
    problem = LeastSquares(np.ldexp(plain.X, exponents), plain.y, alpha)
    judge = SolutionJudge(problem, 3)
    exact = np.array([float(entry) for entry in exact_solution(problem).w])
    assert judge.backward_error(exact) < 3
    if alpha <= 1e6:  # beyond, to change the rows of X by rounding changes w by more
        assert judge.backward_error(exact * (1 + 1e-10 * np.array([1, -1, 1]))) > RIGHT


CASES = misjudged.names()


@pytest.mark.parametrize("name", CASES)
def test_users_tables_that_were_misjudged_are_solved_and_judged_right(name: str) -> None:
    case = misjudged.load(name)
    exact = exact_solution(case.problem)
    assert (exact.rank, exact.w) == (case.rank, case.w)
    judge = SolutionJudge(case.problem, case.rank)
    w = np.array([float(entry) for entry in case.w])
    judge.check(Solution(w, case.rank, "exact", 0.0))
    solutions = [WAYS[way](case.problem).solve() for way in WAYS]
    for found in [*solutions, minimum_norm(case.problem)]:
        assert found.converged
        assert found.rank == case.rank
        judge.check(found)
        if case.rank == case.problem.p:
            assert solution_ratio(case.problem, found.w, exact) < RIGHT
        np.testing.assert_allclose(
            case.problem.X @ found.w,
            case.problem.X @ w,
            rtol=0,
            atol=1e-10 * abs(case.problem.y).max(),
        )


@pytest.mark.parametrize("name", CASES)
def test_fourways_compare_says_the_same_of_them(name: str, fourways: Callable[..., Any]) -> None:
    case = misjudged.load(name)
    path = misjudged.path(name)
    with path.open() as file:
        target = next(csv.reader(file))[-1]
    done = fourways("compare", path, "--target", target, "--intercept", "--dummies")
    assert done.returncode == 0
    assert f"rank {case.rank} of {case.problem.p}" in done.stdout
    assert "WRONG" not in done.stdout
    assert done.stdout.count("right (") == len(WAYS)

"""Every compiled kernel, on every shape it may be given, on one thread and on several."""

from typing import Any

import numpy as np
import pytest

from kernels import Array, LeastSquares
from kernels.one_pass import passes
from suites.data import problems
from suites.judge import GradientOracle

# Fewer rows than a block, ragged ends, rows shorter than a vector, whole vectors and one more.
SHAPES = [(1, 1), (1, 50), (5, 40), (7, 3), (65, 17), (129, 400), (203, 1), (333, 4), (1003, 8)]
ROWS = [passes.NARROW, passes.ROWS, passes.LONG_ROWS, passes.CACHED_ROWS]
COLUMNS = [passes.STRIPS, passes.CACHED_STRIPS, passes.PANELS]


def kernels_of(X: Array) -> list[int]:
    """Return the kernels that are right for X, chosen for speed or not."""
    if not X.flags.c_contiguous:
        return COLUMNS
    fits = X.shape[1] * X.itemsize <= 64
    tiled = [passes.TILED[X.shape[1]]] if fits and X.shape[1] in passes.TILED else []
    return [kernel for kernel in ROWS if fits or kernel != passes.NARROW] + tiled


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_every_kernel_is_within_the_error_bound(
    n: int, p: int, dtype: Any, order: Any, parts: int
) -> None:
    problem = problems.gaussian(n, p, dtype=dtype, order=order, alpha=0.5)
    w = problems.start(problem)
    oracle = GradientOracle(problem, w)
    by = passes.gradient_by if parts == 1 else passes.threaded_gradient_by
    for kernel in kernels_of(problem.X):
        squares, g = run(by(kernel), problem, w, parts)
        assert oracle.gradient_error(g, factored=False) <= 1
        assert oracle.value_error(squares / n, factored=False) <= 1
    squares, _ = run(by(passes.value_kernel_for(problem.X)), problem, w, parts)
    assert oracle.value_error(squares / n, factored=False) <= 1


def run(gradient: Any, problem: LeastSquares, w: Array, parts: int) -> tuple[float, Array]:
    g = np.empty_like(w)
    return float(gradient(problem.X, problem.y, problem.alpha, 2 / problem.n, parts, w, g)), g


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_kernel_chosen_is_one_that_fits(dtype: Any, order: Any) -> None:
    sizes = [(n, p) for p in (1, 3, 4, 8, 16, 30, 300, 1000) for n in (40, 20_000) if n * p < 3e6]
    for n, p in sizes:
        X = np.zeros((n, p), dtype, order=order)
        assert passes.kernel_for(X) in kernels_of(X)


def test_what_lies_beyond_the_rows_of_a_part_does_not_matter() -> None:
    """A vector that reaches past a row reads its neighbour, times zero: it must be finite."""
    X = np.full((64, 5), 1e300)
    X[:32] = 1.0
    problem = LeastSquares(X, np.zeros(64))
    w = np.zeros(5)
    squares, g = run(passes.gradient_by(passes.NARROW), problem, w, 1)
    assert squares == 0
    assert not g.any()

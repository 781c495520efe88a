"""What every way promises beside right numbers: errors, dtypes, layouts, ownership, bits."""

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

from kernels import WAYS, LeastSquares, Way
from suites.data import problems

X = np.arange(6.0).reshape(3, 2)
Y = np.ones(3)


def with_entry(array: Any, index: Any, value: float) -> Any:
    changed = array.copy()
    changed[index] = value
    return changed


ERRORS: list[tuple[tuple[Any, ...], type[Exception], str]] = [
    ((Y, Y), ValueError, "X must have 2 dimensions (n, p), got shape (3,)"),
    ((X, X), ValueError, "y must have 1 dimension (n,), got shape (3, 2)"),
    ((X, np.ones(4)), ValueError, "X and y must have the same length, got 3 and 4"),
    ((X[:0], Y[:0]), ValueError, "at least one row and one column, got shape (0, 2)"),
    ((X[:, :0], Y), ValueError, "at least one row and one column, got shape (3, 0)"),
    ((X + 1j, Y), TypeError, "X must be float64, float32 or integer, got dtype complex128"),
    ((X, Y.astype(object)), TypeError, "y must be float64, float32 or integer, got dtype object"),
    ((X, ["a", "b", "c"]), TypeError, "y must be float64, float32 or integer, got dtype <U1"),
    ((X.astype(np.float16), Y), TypeError, "X must be float64, float32 or integer, got dtype"),
    (([[1.0, 2.0], [3.0]], Y), ValueError, "X must be a rectangular array of real numbers"),
    ((with_entry(X, (1, 0), np.nan), Y), ValueError, "X[1, 0] is nan: every entry must be finite"),
    ((with_entry(X, (2, 1), -np.inf), Y), ValueError, "X[2, 1] is -inf: every entry must be"),
    ((X, with_entry(Y, 2, np.inf)), ValueError, "y[2] is inf: every entry must be finite"),
    ((np.ma.masked_equal(X, 3.0), Y), ValueError, "X[1, 1] is masked: every entry must be given"),
    ((X, Y, -1.0), ValueError, "alpha must be finite in float64 and at least 0, got -1.0"),
    ((X, Y, np.nan), ValueError, "alpha must be finite in float64 and at least 0, got nan"),
    ((X, Y, np.inf), ValueError, "alpha must be finite in float64 and at least 0, got inf"),
    ((X, Y, "1"), TypeError, "alpha must be a real number, got str"),
    ((X, Y, True), TypeError, "alpha must be a real number, got bool"),
    ((X, Y, 1j), TypeError, "alpha must be a real number, got complex"),
    (
        (X.astype(np.float32), Y.astype(np.float32), 1e300),
        ValueError,
        "alpha must be finite in float32 and at least 0, got 1e+300",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), ERRORS)
def test_bad_input_is_refused_by_name(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        LeastSquares(*arguments)


W_ERRORS: list[tuple[Any, type[Exception], str]] = [
    (np.ones(3), ValueError, "w must have shape (2,), got (3,)"),
    (np.ones((2, 1)), ValueError, "w must have shape (2,), got (2, 1)"),
    (1.0, ValueError, "w must have shape (2,), got ()"),
    ([1.0, np.nan], ValueError, "w[1] is nan: every entry must be finite"),
    ([1j, 0], TypeError, "w must be float64, float32 or integer, got dtype complex128"),
    ([None, 0], TypeError, "w must be float64, float32 or integer, got dtype object"),
]


@pytest.mark.parametrize("method", ["value", "gradient", "value_and_gradient"])
@pytest.mark.parametrize(("w", "error", "message"), W_ERRORS)
def test_bad_coefficients_are_refused_by_name(
    way: type[Way], method: str, w: Any, error: type[Exception], message: str
) -> None:
    prepared = way(LeastSquares(X, Y))
    with pytest.raises(error, match=re.escape(message)):
        getattr(prepared, method)(w)


def test_coefficients_beyond_the_range_of_float32_are_refused() -> None:
    problem = LeastSquares(X.astype(np.float32), Y.astype(np.float32))
    with pytest.raises(ValueError, match=re.escape("w[0] is inf")):
        problem.coefficients([1e300, 0.0])


def test_float32_stays_float32(way: type[Way]) -> None:
    for alpha in (0.0, 0.5):
        prepared = way(problems.gaussian(20, 3, dtype=np.float32, alpha=alpha))
        for w in (np.ones(3), np.ones(3, np.float32), [1, 1, 1]):
            assert prepared.gradient(w).dtype == np.float32
            assert prepared.value_and_gradient(w)[1].dtype == np.float32
        assert prepared.solve().w.dtype == np.float32


@pytest.mark.parametrize("integers", [np.int8, np.int64, np.uint16, bool])
def test_integers_become_float64(integers: Any) -> None:
    problem = LeastSquares((X % 2).astype(integers), Y.astype(np.float32))
    assert {problem.X.dtype, problem.y.dtype, problem.dtype} == {np.dtype(np.float64)}


def test_foreign_byte_order_is_read_right(way: type[Way]) -> None:
    foreign = LeastSquares(X.astype(">f8"), Y.astype(">f8"))
    np.testing.assert_array_equal(
        way(foreign).gradient([1, 2]), way(LeastSquares(X, Y)).gradient([1, 2])
    )


@pytest.mark.parametrize("order", ["C", "F"])
def test_contiguous_arrays_are_used_as_they_are(order: Any) -> None:
    mine = np.asarray(X, order=order)
    problem = LeastSquares(mine, Y)
    assert problem.X is mine
    assert problem.y is Y
    for way in (kind(problem) for kind in WAYS.values() if not kind.factored):
        kept = [*vars(way).values(), *vars(way.one_pass or way).values()]
        matrices = [array for array in kept if len(getattr(array, "shape", ())) == 2]
        assert matrices
        assert all(np.shares_memory(np.asarray(array), mine) for array in matrices)


def strided() -> tuple[Any, Any]:
    return np.arange(48.0).reshape(8, 6)[::2, ::3], np.arange(12.0)[::-3]


def unaligned() -> tuple[Any, Any]:
    table = np.zeros(4, dtype=[("tag", "i1"), ("x", "f8", 2), ("y", "f8")])
    table["x"], table["y"] = strided()
    return table["x"], table["y"]


def broadcast() -> tuple[Any, Any]:
    return np.broadcast_to([1.0, 2.0], (4, 2)), np.broadcast_to(3.0, 4)


def reversed_column() -> tuple[Any, Any]:
    """In order to NumPy, which ignores the stride of a length of one."""
    return np.arange(4.0).reshape(4, 1)[:, ::-1], np.arange(4.0)


@pytest.mark.parametrize("layout", [strided, unaligned, broadcast, reversed_column])
def test_other_layouts_give_what_a_contiguous_copy_gives(way: type[Way], layout: Any) -> None:
    A, b = layout()
    given, copied = way(LeastSquares(A, b)), way(LeastSquares(A.copy(), b.copy()))
    w = np.arange(4.0)[::2][: A.shape[1]]
    np.testing.assert_array_equal(given.gradient(w), copied.gradient(w.copy()))
    np.testing.assert_array_equal(given.solve().w, copied.solve().w)


@pytest.mark.parametrize("order", ["C", "F"])
def test_inputs_are_untouched_and_may_be_read_only(way: type[Way], order: Any) -> None:
    source = problems.gaussian(40, 3, order=order)
    A, b, w = source.X, source.y, problems.start(source)
    before = [array.tobytes() for array in (A, b, w)]
    for array in (A, b, w):
        array.flags.writeable = False
    prepared = way(LeastSquares(A, b))
    prepared.value_and_gradient(w)
    prepared.gradient(w)
    prepared.value(w)
    prepared.solve()
    assert [array.tobytes() for array in (A, b, w)] == before


def test_results_own_their_memory(way: type[Way]) -> None:
    prepared = way(problems.gaussian(40, 3))
    w = np.ones(3)
    first = prepared.gradient(w)
    kept = first.copy()
    prepared.gradient(-w)[:] = 0
    w[:] = 7
    np.testing.assert_array_equal(first, kept)
    solved = prepared.solve().w
    solved[:] = np.nan
    assert np.isfinite(prepared.solve().w).all()


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(("n", "p"), [(30, 4), (20_000, 30)])
def test_a_copy_of_a_way_is_the_way(way: type[Way], again: Any, n: int, p: int) -> None:
    prepared = way(problems.gaussian(n, p, alpha=0.5))
    w = problems.start(prepared.problem)
    for mine in (prepared, prepared.homogeneous()):
        other = again(mine)
        assert type(other) is way
        assert other.gradient(w).tobytes() == mine.gradient(w).tobytes()
        assert other.value(w) == mine.value(w)


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_a_copy_of_a_problem_or_of_an_array_needs_no_conversion(again: Any) -> None:
    problem, w = problems.gaussian(30, 4), np.ones(4)
    assert all(a.fits(b) for a in (problem, again(problem)) for b in (w, again(w)))
    assert not again(problem).fits(w.astype(np.float32))
    assert not again(problem).fits(w.astype(">f8"))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "p"), [(30, 4), (20_000, 30)])
def test_two_calls_give_the_same_bits(way: type[Way], n: int, p: int, dtype: Any) -> None:
    problem = problems.gaussian(n, p, dtype=dtype)
    prepared, w = way(problem), problems.start(problem)
    first = prepared.gradient(w).tobytes()
    assert all(prepared.gradient(w).tobytes() == first for _ in range(20))
    assert prepared.value_and_gradient(w)[1].tobytes() == first
    assert way(problem).solve().w.tobytes() == prepared.solve().w.tobytes()


def test_value_and_gradient_drives_a_library_optimiser(way: type[Way]) -> None:
    """As far as values can guide it: f(w) - f(w*) = |X(w - w*)|²/n, lost in the rounding of f."""
    from scipy.optimize import minimize

    problem = problems.gaussian(50, 4)
    prepared = way(problem)
    options = {"gtol": 1e-9}
    found = minimize(prepared.value_and_gradient, np.zeros(4), jac=True, options=options)
    solution = prepared.solve().w
    distance = np.linalg.norm(problem.X @ (found.x - solution)) ** 2 / problem.n
    roundings = problem.n + problem.p + 3
    assert distance <= roundings * np.finfo(np.float64).eps * prepared.value(solution)


def test_ways_are_listed_without_importing_them() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from kernels import WAYS; print(list(WAYS), len(WAYS)); WAYS['numpy'];"
        "assert not {'torch', 'numba', 'scipy'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    with pytest.raises(KeyError):
        WAYS["fifth"]

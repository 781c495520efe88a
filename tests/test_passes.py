"""Every compiled kernel, on every shape it may be given, on one thread and on several."""

from typing import Any

import numpy as np
import pytest

from kernels import Array, LeastSquares
from kernels.one_pass import by_rows, choice, passes, plain
from kernels.one_pass.choice import TILES, kernel_for
from kernels.one_pass.target import LINE, WIDTH
from suites.data import problems
from suites.judge import GradientOracle

# Fewer rows than a block, ragged ends, rows shorter than a vector, whole vectors and one more.
SHAPES = [(1, 1), (1, 50), (5, 40), (7, 3), (65, 17), (129, 400), (203, 1), (333, 4), (1003, 8)]
SHAPES += [(1003, 33), (203, 100)]  # rows that begin alike, eight or two apart, with their lines
COLUMNS = ["plain", "cached strips", "streamed strips", "short strips", "near strips", "panels"]
ROWS = [name for name in passes.KERNELS if name not in [*COLUMNS[1:], *TILES.values()]]


def kernels_of(X: Array) -> list[str]:
    """Return the kernels that are right for X, chosen for speed or not."""
    if not X.flags.c_contiguous:
        return COLUMNS
    fits = X.shape[1] * X.itemsize <= WIDTH
    return ROWS + ([TILES[X.shape[1]]] if fits and X.shape[1] in TILES else [])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_every_kernel_is_within_the_error_bound(n: int, p: int, dtype: Any, order: Any) -> None:
    problem = problems.gaussian(n, p, dtype=dtype, order=order, alpha=0.5)
    w = problems.start(problem)
    oracle = GradientOracle(problem, w)
    for kernel in kernels_of(problem.X):
        in_turn = passes.threaded_gradient_by(kernel, parallel=False)
        for parts in (1, 2, 3):
            squares, g = run(in_turn, problem, w, parts)
            assert oracle.gradient_error(g, factored=False) <= 1
            assert oracle.value_error(squares / n, factored=False) <= 1


@pytest.mark.parametrize(
    ("kernel", "order"), [("cached rows", "C"), ("streamed rows apart", "C"), ("panels", "F")]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("p", [17, 400])  # with w and g on the stack, and not
def test_bits_do_not_depend_on_who_takes_the_parts(
    p: int, dtype: Any, kernel: str, order: Any
) -> None:
    problem = problems.gaussian(203, p, dtype=dtype, order=order, alpha=0.5)
    w = problems.start(problem)
    in_turn = passes.threaded_gradient_by(kernel, parallel=False)
    at_once = passes.threaded_gradient_by(kernel)
    for parts, other in ((1, passes.gradient_by(kernel)), (1, at_once), (2, at_once), (3, at_once)):
        (value, g), (other_value, other_g) = (run(by, problem, w, parts) for by in (in_turn, other))
        assert value == other_value
        assert g.tobytes() == other_g.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_ten_lines_of_the_derivation_are_the_gradient(dtype: Any) -> None:
    problem = problems.gaussian(129, 40, dtype=dtype, alpha=0.5)
    w = problems.start(problem)
    g = plain.gradient(problem.X, problem.y, problem.alpha, w)
    assert g.dtype == dtype
    assert GradientOracle(problem, w).gradient_error(g, factored=False) <= 1


def run(gradient: Any, problem: LeastSquares, w: Array, parts: int) -> tuple[float, Array]:
    g = np.empty_like(w)
    return float(gradient(problem.X, problem.y, problem.alpha, 2 / problem.n, parts, w, g)), g


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_kernel_chosen_is_one_that_fits(dtype: Any, order: Any) -> None:
    sizes = [(n, p) for p in (1, 3, 4, 8, 16, 30, 300, 1000) for n in (40, 20_000) if n * p < 3e6]
    for n, p in sizes:
        X = np.zeros((n, p), dtype, order=order)
        assert kernel_for(X) in kernels_of(X)


def test_what_lies_beyond_the_rows_of_a_part_does_not_matter() -> None:
    """A vector that reaches past a row reads its neighbour, times zero: it must be finite."""
    X = np.full((64, 5), 1e300)
    X[:32] = 1.0
    problem = LeastSquares(X, np.zeros(64))
    w = np.zeros(5)
    squares, g = run(passes.gradient_by(kernel_for(X)), problem, w, 1)
    assert squares == 0
    assert not g.any()


@pytest.mark.parametrize(
    ("shape", "takes", "drops"),
    [
        ((700_000, 4), "cached strips", "short strips"),
        ((200_000, 100), "streamed strips", "short strips"),
        ((200_704, 100), "streamed strips", "short strips"),  # crowded, and L2 holds two strips
        ((20_480, 1000), "streamed strips", "panels"),  # crowded: its sets do not
        ((20_971, 1000), "streamed strips", "near strips"),
        ((7_000, 3000), "streamed strips", "panels"),
        ((1_048, 1000), "panels", "near strips"),
        ((1_747, 600), "panels", "short strips"),
        ((1_536, 600), "streamed strips", "panels"),
        ((3_495, 300), "panels", "panels"),
    ],
)
def test_short_strips_are_for_processors_whose_l3_does_not_take_what_l2_drops(
    shape: tuple[int, int], takes: str, drops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen_by_l3(np.empty(shape, order="F"), monkeypatch) == (takes, drops)


@pytest.mark.parametrize(
    ("shape", "takes", "drops"),
    [
        ((200_000, 100), "streamed rows", "streamed rows apart"),
        ((20_000, 1000), "streamed rows", "streamed rows apart"),
        ((200_000, 60), "overlapped rows apart", "streamed rows apart"),
        ((200_000, 12), "overlapped rows", "overlapped rows apart"),
        ((1_048, 1000), "many rows", "overlapped rows apart"),
        ((1_747, 600), "cached rows apart", "overlapped rows apart"),
        ((3_495, 300), "overlapped rows apart", "overlapped rows apart"),
        ((10_485, 100), "short rows apart", "overlapped rows apart"),
        ((32, 1000), "many rows", "cached rows apart"),  # in L2
        ((109, 300), "overlapped rows apart", "cached rows apart"),
        ((327, 100), "short rows apart", "overlapped rows apart"),
    ],
)
def test_rows_lie_apart_but_for_the_shortest_and_the_longest(
    shape: tuple[int, int], takes: str, drops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen_by_l3(np.empty(shape), monkeypatch) == (takes, drops)


def test_sixteen_registers_read_rows_in_turn_while_they_stay_in_l2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    avx2 = {"WIDTH": 32, "COUNT": 16}
    for shape, takes, drops in (
        ((20_000, 1000), "streamed rows", "streamed rows apart"),
        ((200_000, 100), "streamed rows", "streamed rows apart"),
        ((3_495, 300), "overlapped rows apart", "overlapped rows apart"),
        ((32, 1000), "cached rows", "cached rows apart"),
        ((327, 100), "short rows apart", "cached rows apart"),
        ((1_092, 30), "cached rows", "cached rows apart"),
    ):
        assert chosen_by_l3(np.empty(shape), monkeypatch, **avx2) == (takes, drops)


@pytest.mark.parametrize("rows", range(7, 27))
@pytest.mark.parametrize("kernel", [name for name in ROWS if name.endswith("apart")])
def test_rows_apart_are_each_taken_once(kernel: str, rows: int) -> None:
    """Row i is 2^i e_1: the sum of squares says which rows were taken, and how often."""
    X = np.zeros((rows + 20, 3))
    X[:, 0] = 2.0 ** np.arange(rows + 20)
    w, g = np.zeros(8), np.zeros(8)
    w[0] = 1
    squares = passes.KERNELS[kernel](X, np.zeros(rows + 20), w, g, 3, 3 + rows)
    assert squares == g[0] == sum(4.0**i for i in range(3, 3 + rows))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("n", "p"), [(1003, 33), (603, 100), (203, 256)])
def test_bits_do_not_depend_on_where_x_begins(n: int, p: int, dtype: Any) -> None:
    """Rows are read from the beginning of a cache line on, which is elsewhere in each."""
    problem = problems.gaussian(n, p, dtype=dtype, alpha=0.5)
    w = problems.start(problem)
    size = problem.X.itemsize
    room = np.full(problem.X.size + 3 * LINE // size, np.nan, dtype)
    first = -room.ctypes.data % LINE // size + LINE // size
    for kernel in ROWS:
        in_turn, seen = passes.threaded_gradient_by(kernel, parallel=False), set()
        for begin in range(LINE // size):
            X = room[first + begin :][: problem.X.size].reshape(n, p)
            X[:] = problem.X
            value, g = run(in_turn, LeastSquares(X, problem.y, problem.alpha), w, 2)
            seen.add((value, g.tobytes()))
            room[:] = np.nan
        assert len(seen) == 1, kernel


@pytest.mark.parametrize(("p", "alike"), [(32, 1), (33, 8), (100, 2), (300, 2), (1000, 1)])
def test_rows_that_lie_apart_begin_alike_in_their_lines(p: int, alike: int) -> None:
    X = np.zeros((2000, p))
    begin = X.ctypes.data // 8 % (LINE // 8)
    for count in (4, 8):
        blocks, found = by_rows._blocks(X, p, 0, 2000, count, True)
        assert (found, blocks % alike) == (begin, 0)
        assert 2000 - count * (alike + 1) < count * blocks < 2000
    assert by_rows._blocks(X, p, 0, 8 * alike, 4, True)[1] == -1  # so few are taken as they lie


def chosen_by_l3(X: Array, monkeypatch: pytest.MonkeyPatch, **more: int) -> tuple[str, str]:
    """Return the kernels where L3 takes what L2 drops and where it does not, else with AVX-512."""
    sizes = {"L1": 48 << 10, "L2": 2 << 20, "OF_L2": 1 << 20, "WIDTH": 64, "COUNT": 32}
    for name, value in (sizes | {"STREAMED": 16 << 20, "_STRIP": 512} | more).items():
        monkeypatch.setattr(choice, name, value)
    chosen = []
    for takes_unread in (True, False):
        monkeypatch.setattr(choice, "TAKES_UNREAD", takes_unread)
        chosen.append(kernel_for(X))
    return chosen[0], chosen[1]


def test_columns_are_crowded_where_all_share_the_sets_of_the_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And not where some of many do, as of a thousand columns always some do."""
    monkeypatch.setattr(choice, "TAKES_UNREAD", True)

    def chosen(n: int, p: int) -> str:
        return kernel_for(np.empty((n, p), order="F"))

    assert chosen(2048, 16) != "cached strips"
    assert chosen(2048, 6) == chosen(2000, 16) == "cached strips"
    assert chosen(1048, 1000) == chosen(3495, 300) == "panels"

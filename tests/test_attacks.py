"""Ways that cheat: every suite that times a way rejects each of them, and so does the command."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fourways import by_blocks
from fourways.measure import Measured, measure
from kernels import WAYS, Array
from kernels.blocks.engine import in_turn
from kernels.blocks.problem import BlockedLeastSquares
from kernels.ways.numba import NumbaWay
from kernels.ways.numpy import NumpyWay
from suites import autograd, compilation, descent, gradient, roofline, user_data
from suites.data import problems, user
from suites.data.families import with_condition
from suites.harness import convergence, first_call, group, read_limit, timing, torch_calls
from suites.harness.group import Findings
from suites.harness.read_limit import ImpossibleTimeError, require_possible
from suites.harness.verified import Truth, Verified
from suites.judge import WrongAnswerError
from tests.mutants import MUTANTS, WritingX, WritingY

_EXACT, _EXACT_BOTH = NumpyWay._gradient, NumpyWay._value_and_gradient


@pytest.fixture(params=list(MUTANTS))
def mutant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """NumPy's way, replaced by a mutant: its gradient, alone and beside the value."""
    found = MUTANTS[request.param]

    def both(self: NumpyWay, w: Array) -> tuple[float, Array]:
        value = _EXACT_BOTH(self, w)[0]
        return value, found.gradient(self, w)

    monkeypatch.setattr(NumpyWay, "_gradient", lambda self, w: found.gradient(self, w))
    monkeypatch.setattr(NumpyWay, "_value_and_gradient", both)
    return found


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch, untimed: Any, measured_here: Any) -> None:
    """Calls of the suites are judged, and timed no longer than that takes."""
    for module in (group, timing):
        monkeypatch.setattr(module, "unchecked", untimed)
    monkeypatch.setattr(torch_calls, "compiled", lambda *_: None)
    monkeypatch.setattr(
        first_call, "in_fresh_processes", lambda *_: first_call.Seconds(1.0, 1.0, 1.0)
    )


Handed = dict[str, Any]

SUITES: dict[str, Callable[[], Handed]] = {
    "gradient, time": lambda: gradient.Gradient().track_time("numpy", 100, 4),
    "gradient, speed-up": lambda: gradient.Gradient().track_speedup_over_numpy("numpy", 100, 4),
    "gradient, over value": lambda: gradient.Gradient().track_value_and_gradient_over_value(
        "numpy", 100, 4
    ),
    "gradient, preparation": lambda: gradient.Preparation().track_time("numpy", 100, 4),
    "roofline, advantage": lambda: roofline.Advantage().track_speedup("numpy", "C", "256 KiB", 4),
    "roofline, one thread": lambda: roofline.OneThread().track_speedup_over_numpy(
        "C", "256 KiB", 4
    ),
    "compilation, break-even": lambda: compilation.BreakEven().track_gradients_until_paid(
        "loads", 100, 30
    ),
    "descent, loop": lambda: descent.Loop().track_speedup("gradient descent", "numpy", "100 x 4"),
    "autograd": lambda: autograd.Autograd().track_time("way numpy", "100 x 4"),
}


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("suite", list(SUITES))
def test_every_suite_rejects_every_mutant(suite: str, mutant: Any) -> None:
    with pytest.raises(WrongAnswerError):
        SUITES[suite]()


@pytest.mark.usefixtures("fast")
def test_nothing_is_compared_with_a_mutant(mutant: Any) -> None:
    """What is compared with it has no figure, or is wrong too where the data are spoilt."""
    try:
        found = gradient.Gradient().track_speedup_over_numpy("numba", 100, 4)
    except WrongAnswerError:
        assert isinstance(mutant, WritingX | WritingY)
    else:
        assert np.isnan(found["samples"]).all()


def test_descent_rejects_every_mutant(mutant: Any) -> None:
    solver, instance = "gradient descent by numpy", with_condition(100, 10, 10)
    found = Findings()
    convergence.measure(found, instance, [solver], {}, 0.3, budget=0.1)
    assert solver in found.wrong
    assert not any(solver in figure for figure in found.figures.values())


@pytest.mark.usefixtures("fast")
def test_user_data_reject_every_mutant(
    mutant: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = problems.gaussian(50, 3)
    np.savez(tmp_path / "mine.npz", X=problem.X, y=problem.y)
    monkeypatch.setenv(user.VARIABLE, str(tmp_path / "mine.npz"))
    with pytest.raises(WrongAnswerError):
        user_data.UserData().track_time("numpy")


def test_compare_gives_no_mutant_a_time(mutant: Any, untimed: Any) -> None:
    problem, known = problems.gaussian(100, 4), Measured()
    measure(problem, 4, known, lambda what: None)
    numpy = known.ways["numpy"]
    assert not numpy.is_right
    assert numpy.wrong
    assert numpy.speedup is None
    assert numpy.times.keys() <= {"solve"}  # which is judged on its own, and is not the mutant's
    if not isinstance(mutant, WritingX | WritingY):  # which spoil the data for all
        right = [name for name, way in known.ways.items() if way.is_right]
        assert right == [name for name in WAYS if name != "numpy"]


def test_compare_by_blocks_gives_no_mutant_a_time(mutant: Any) -> None:
    whole, known = problems.gaussian(1000, 4), Measured()
    by_blocks.measure(BlockedLeastSquares(in_turn(whole.X, whole.y)), 4, known, 0.0)
    assert not known.ways["numpy"].is_right
    assert not known.ways["numpy"].times
    assert known.ways["numba"].is_right
    assert known.ways["numba"].times


MUTATED_VALUES: dict[str, Callable[[float], Any]] = {
    "a NumPy scalar": np.float64,
    "from float32": lambda value: float(np.float32(value)),
    "an array": np.asarray,
}


@pytest.mark.parametrize("what", list(MUTATED_VALUES))
def test_a_value_that_is_no_right_float_is_rejected(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, problem = NumpyWay._value, problems.gaussian(100, 4)
    monkeypatch.setattr(NumpyWay, "_value", lambda self, w: MUTATED_VALUES[what](exact(self, w)))
    with pytest.raises(WrongAnswerError, match="NumpyWay: value is"):
        Verified(NumpyWay(problem), Truth(problem))


@pytest.mark.usefixtures("measured_here")
def test_a_way_that_turns_wrong_while_it_is_timed_is_not_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right until it has been judged."""
    timed = timing.unchecked

    def turned(calls: Any, *rounds: Any) -> Any:
        monkeypatch.setattr(NumpyWay, "_gradient", lambda self, w: _EXACT(self, w) * (1 + 1e-12))
        return timed(calls, *rounds)

    monkeypatch.setattr(group, "unchecked", turned)
    with pytest.raises(WrongAnswerError, match="times its error bound off"):
        gradient.Gradient().track_time("numpy", 100, 4)


def test_compare_forgets_the_time_of_a_way_that_turns_wrong(
    monkeypatch: pytest.MonkeyPatch, untimed: Any
) -> None:
    def step(what: str) -> None:
        if what == "gradients":
            monkeypatch.setattr(NumbaWay, "_gradient", lambda self, w: np.zeros_like(w))

    known = Measured()
    measure(problems.gaussian(100, 4), 4, known, step)
    assert "error bound off" in known.ways["numba"].wrong
    assert "gradient" not in known.ways["numba"].times
    assert known.ways["numba"].speedup is None
    assert known.ways["numpy"].speedup is not None


def test_every_timed_w_is_judged_and_takes_its_turn() -> None:
    problem = problems.gaussian(100, 4)
    truth, seen = Truth(problem), list[bytes]()
    way = Verified(NumpyWay(problem), truth)

    def gradient(w: Array) -> Array:
        seen.append(w.tobytes())
        return way.way.gradient(w)

    turns = way.turns("gradient", gradient)
    for number in (1, 3, 4, 5, 8):
        turns.batch(number)
    turns.check()
    counts = [seen.count(w.tobytes()) for w in truth.points]
    assert sum(counts) == len(seen)
    assert min(counts) >= 4


def test_the_impossible_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.ones((1000, 10))
    reads = np.array([[1.0, 1.1], [0.9, 1.2]])
    require_possible("way", X, np.full(2, 0.1), reads)  # in cache there is no limit
    monkeypatch.setattr(read_limit, "last_level_cache", lambda: 1000)
    require_possible("way", X, np.full(2, 0.9 / 1.24), reads)
    with pytest.raises(ImpossibleTimeError, match="way: impossible"):
        require_possible("way", X, np.full(2, 0.5), reads)


@pytest.mark.usefixtures("measured_here")
@pytest.mark.parametrize("suite", ["roofline", "gradient"])
def test_suites_call_an_impossible_time_impossible(
    suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "_COLUMNS", [30])
    monkeypatch.setattr(read_limit, "last_level_cache", lambda: 500)
    slow = [lambda: time.sleep(0.002)]
    monkeypatch.setattr(read_limit, "sums_over", lambda X: slow)
    timed = {
        "roofline": lambda: roofline.Roofline().track_share_of_read_limit("1", "C", "256 KiB", 30),
        "gradient": lambda: gradient.Gradient().track_time("numba", 100, 4),
    }
    with pytest.raises(WrongAnswerError, match="impossible"):
        timed[suite]()


def test_the_size_of_the_caches_is_read(tmp_path: Path) -> None:
    assert read_limit.last_level_cache(tmp_path) == 64 << 20
    for index, size in enumerate(["32K", "1024K", "32768K"]):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(size + "\n")
    read_limit.last_level_cache.cache_clear()
    assert read_limit.last_level_cache(tmp_path) == 32 << 20
    read_limit.last_level_cache.cache_clear()


def test_a_thread_with_the_number_of_one_that_has_ended_is_seen() -> None:
    ended = threading.Event()
    before = threading.Thread(target=ended.wait)
    before.start()
    truth = Truth(problems.gaussian(10, 2), count=1)
    ended.set()
    before.join()
    going_on = threading.Event()
    late = [threading.Thread(target=going_on.wait, daemon=True) for _ in range(100)]
    for thread in late:
        thread.start()
        if thread.ident == before.ident:
            break
    with pytest.raises(WrongAnswerError, match="outlives the calls"):
        truth.require_unchanged("a way")
    going_on.set()

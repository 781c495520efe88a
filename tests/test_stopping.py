"""Why a descent ends: the policy by itself, and then as a run meets it."""

import _thread
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import METHODS, WAYS, Progress, Stopping, descend
from kernels.descent import methods as descent
from kernels.descent.curvature import Curvature
from kernels.descent.stopping import Verdict, judge, watch
from kernels.one_pass.clock import _left_out
from kernels.one_pass.compile import compiled
from suites.data import families, problems

FLOAT64 = np.dtype(np.float64)


def verdicts(
    stopping: Stopping, values: list[float], norms: list[float] | None = None
) -> list[int]:
    """Judge a sequence that starts at its first value, with |∇f(0)| = 1."""
    limits, kept = stopping.limits(1.0, values[0], FLOAT64), watch(values[0], 1.0, FLOAT64)
    norms = norms or [1.0] * len(values)
    return [judge(v, g, limits, kept) for v, g in zip(values[1:], norms[1:], strict=True)]


def test_a_small_gradient_ends_it() -> None:
    stopping = Stopping(gradient=1e-3)
    found = verdicts(stopping, [8, 4, 2, 1], [1, 0.1, 1.1e-3, 1e-3])
    assert found == [Verdict.RUNNING, Verdict.RUNNING, Verdict.GRADIENT]


def test_no_progress_for_a_while_ends_it() -> None:
    found = verdicts(Stopping(patience=3), [8, 4, 5, 4, 3.9, 4, 4, 4])
    assert found == [Verdict.RUNNING] * 6 + [Verdict.STALLED]


def test_progress_too_slow_ends_it() -> None:
    falling = [0.999**k for k in range(9)]
    assert verdicts(Stopping(patience=3, decrease=1e-2), falling).count(Verdict.STALLED) > 0
    assert Verdict.STALLED not in verdicts(Stopping(patience=3, decrease=1e-4), falling)


@pytest.mark.parametrize("value", [1e11, np.inf, np.nan])
def test_growth_without_bound_ends_it(value: float) -> None:
    assert verdicts(Stopping(), [1, 5, value]) == [Verdict.RUNNING, Verdict.DIVERGED]
    assert verdicts(Stopping(), [1, 5, value], [1, 1, 0]) == [Verdict.RUNNING, Verdict.DIVERGED]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gradient": -1.0}, "gradient must be at least 0, got -1.0"),
        ({"iterations": -1}, "iterations must be at least 0, got -1"),
        ({"seconds": np.nan}, "seconds must be at least 0, got nan"),
        ({"patience": 0}, "patience must be at least 1, got 0"),
        ({"divergence": 1.0}, "divergence must be above 1, got 1.0"),
    ],
)
def test_a_policy_without_sense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stopping(**arguments)


@pytest.fixture(params=["numba", "numpy"])
def driven(request: pytest.FixtureRequest) -> Any:
    """A loop compiled whole and one in Python, on data that gradient descent is slow on."""
    return WAYS[request.param](families.with_condition(200, 7, 1e4).problem)


def test_iterations_run_out(driven: Any) -> None:
    found = descend("gradient descent", driven, Stopping(iterations=37))
    assert (found.stopped, found.iterations, found.converged) == ("iterations", 37, False)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(driven.gradient(found.w)))
    none = descend("gradient descent", driven, Stopping(iterations=0))
    assert none.iterations == 0
    assert not none.w.any()


def test_seconds_run_out(driven: Any) -> None:
    found = descend("gradient descent", driven, Stopping(seconds=0.2, iterations=10**9))
    assert found.stopped == "seconds"
    assert found.iterations > 0


@pytest.mark.parametrize("method", METHODS)
def test_there_is_one_iteration_before_time_is_up(method: str) -> None:
    way = WAYS["torch"](families.with_condition(200, 7, 10).problem)
    found = descend(method, way, Stopping(seconds=0, gradient=1e-12))
    assert found.iterations > 0
    assert way.value(found.w) < way.value(np.zeros(7))


def test_time_does_not_pass_while_numba_compiles() -> None:
    @compiled(cache=False)
    def square(x):  # type: ignore[no-untyped-def]
        return x * x

    left_out = []
    for _ in range(3):
        left_out.append(_left_out.seconds)
        assert square(3.0) == 9
    assert left_out[0] < left_out[1] == left_out[2]


def test_a_limit_of_seconds_is_not_spent_on_compiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of iterations take milliseconds; with nothing compiled yet the call takes long.

    The curvature is given, whose process would be compiled as well.
    """
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    script = """
import numpy as np
from kernels import WAYS, Stopping, descend
from kernels.descent import methods
from kernels.descent.curvature import Curvature
from suites.data import families

problem = families.with_condition(200, 7, 30).problem
largest = 2 / 200 * np.linalg.norm(problem.X, 2) ** 2
methods.curvature = lambda *_, **__: Curvature(largest, largest / 900, 0)
way = WAYS["numba"](problem)
found = descend("gradient descent", way, Stopping(seconds=1))
assert found.iterations > 1000
assert found.converged, found
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_rounding_has_the_last_word(driven: Any) -> None:
    way = type(driven)(families.with_condition(200, 7, 3).problem)
    found = descend("gradient descent", way, Stopping(gradient=0, patience=100))
    assert (found.stopped, found.converged) == ("stalled", False)


@pytest.mark.parametrize("method", ["gradient descent", "nesterov", "heavy ball"])
def test_a_step_too_long_ends_with_a_flag_and_the_best_iterate(
    driven: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "curvature", lambda *_, **__: Curvature(1e-4, 1e-5, 0))
    found = descend(method, driven)
    assert (found.stopped, found.converged) == ("diverged", False)
    assert np.isfinite(found.w).all()
    assert driven.value(found.w) <= driven.value(np.zeros(7))


def test_progress_is_shown_and_adds_up(driven: Any) -> None:
    seen: list[Progress] = []
    found = descend("gradient descent", driven, Stopping(iterations=3000), observe=seen.append)
    seconds, evaluations, values, norms = (
        np.concatenate([getattr(stretch, name) for stretch in seen])
        for name in ("seconds", "evaluations", "values", "gradient_norms")
    )
    assert len(seen) > 1
    assert len(values) == len(norms) == found.iterations
    assert (np.diff(seconds) >= 0).all()
    assert (np.diff(evaluations) == 1).all()
    assert evaluations[-1] == found.evaluations - 1  # the last one is that of the answer
    assert values[-1] == pytest.approx(driven.value(found.w), rel=1e-12)
    assert norms[-1] == pytest.approx(np.abs(driven.gradient(found.w)).max(), rel=1e-6)


@pytest.mark.parametrize("name", ["numba", "torch"])
@pytest.mark.parametrize("method", METHODS)
def test_the_iterate_is_shown_with_its_value(method: str, name: str) -> None:
    if method.startswith("torch") and name != "torch":
        pytest.skip("drives the torch way only")
    seen: list[Progress] = []
    way = WAYS[name](families.with_condition(200, 7, 10).problem)
    found = descend(method, way, Stopping(gradient=1e-5, iterations=300), observe=seen.append)
    for progress in seen:
        assert progress.values[-1] == pytest.approx(way.value(progress.w), rel=1e-6)
        assert not np.shares_memory(progress.w, found.w)
    assert seen[-1].w == pytest.approx(found.w, rel=1e-3)


def test_the_iterate_is_shown_in_the_units_of_the_caller() -> None:
    seen: list[Progress] = []
    way = WAYS["numba"](families.all_scaled(30, 5, 498).problem)
    found = descend("conjugate gradients", way, observe=seen.append)
    np.testing.assert_array_equal(seen[-1].w, found.w)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, where a shell has begun the tests in the background too: it ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_keeps_the_best_iterate(driven: Any) -> None:
    """Ctrl-C arrives at any time, in Python or in compiled code."""
    descend("gradient descent", driven, Stopping(iterations=2))  # what is compiled is loaded
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    long = Stopping(gradient=0, iterations=10**9, patience=10**9, seconds=60)
    found = descend("gradient descent", driven, long)
    timer.cancel()
    assert (found.stopped, found.converged) == ("interrupted", False)
    assert found.iterations > 0
    assert driven.value(found.w) < driven.value(np.zeros(7))


def test_an_interrupted_optimiser_keeps_the_best_iterate() -> None:
    def interrupt(progress: Progress) -> None:
        if progress.evaluations[-1] > 5:
            raise KeyboardInterrupt

    way = WAYS["numpy"](families.with_condition(200, 7, 1e4).problem)
    found = descend("L-BFGS-B", way, observe=interrupt)
    assert (found.stopped, found.converged) == ("interrupted", False)
    assert way.value(found.w) < way.value(np.zeros(7))


@pytest.mark.parametrize("name", ["numba", "torch"])
@pytest.mark.parametrize("method", METHODS)
def test_the_observer_ends_a_run_with_the_best_iterate(method: str, name: str) -> None:
    if method.startswith("torch") and name != "torch":
        pytest.skip("drives the torch way only")
    seen: list[Progress] = []

    def observe(progress: Progress) -> None:
        seen.append(progress)
        raise StopIteration

    way = WAYS[name](families.with_condition(200, 7, 10).problem)
    found = descend(method, way, Stopping(gradient=1e-17), observe=observe)
    assert len(seen) == 1
    assert (found.stopped, found.converged) == ("observer", False)
    assert way.value(found.w) < way.value(np.zeros(7))
    assert way.value(found.w) <= seen[0].values.min() * (1 + 1e-6)  # carried along, by some


def test_nothing_to_do_is_done_at_once(driven: Any) -> None:
    problem = problems.gaussian(20, 3)
    problem.y[:] = 0
    found = descend("conjugate gradients", type(driven)(problem))
    assert (found.stopped, found.iterations, found.converged) == ("gradient", 0, True)


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ("conjugate-gradients", "conjugate gradients"),
        ("Barzilai_Borwein", "barzilai-borwein"),
        ("gradient_descent, 2/(l+mu)", "gradient descent, 2/(L+mu)"),
        ("l_bfgs_b", "L-BFGS-B"),
        ("LSQR", "lsqr"),
    ],
)
def test_a_method_is_known_by_its_words(driven: Any, given: str, method: str) -> None:
    assert descend(given, driven, Stopping(iterations=5)).method == method


@pytest.mark.parametrize("method", ["newton", "conjugategradients", "", None])
def test_a_method_that_is_not_known_is_refused(driven: Any, method: Any) -> None:
    message = f"method must be one of gradient descent; .*; lsmr; got {method!r}"
    with pytest.raises(ValueError, match=message):
        descend(method, driven)


def test_a_method_of_another_way_is_refused(driven: Any) -> None:
    with pytest.raises(ValueError, match="drives the torch way only, got N"):
        descend("torch SGD", driven)

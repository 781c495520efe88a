"""The benchmarks themselves: truth before time, guards that say why, fair timing."""

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asv_runner.benchmarks.time import TimeBenchmark
from threadpoolctl import threadpool_info

from kernels import WAYS, Array
from kernels.ways.numpy import NumpyWay
from suites import autograd, compilation, descent, gradient, own, roofline
from suites.data import problems
from suites.harness import machine, timing
from suites.harness.read_limit import sums_over
from suites.judge import WrongAnswerError

SMALL = (100, 4)


@pytest.mark.parametrize("name", list(WAYS))
def test_benchmarks_of_the_gradient_run_and_return_what_asv_takes(name: str) -> None:
    for suite in (gradient.Gradient(), gradient.Preparation(), gradient.Memory()):
        suite.setup(name, *SMALL)
        benchmarks = [
            getattr(suite, attribute)
            for attribute in dir(suite)
            if attribute.startswith(("time_", "track_", "peakmem_"))
            and callable(getattr(suite, attribute))
        ]
        assert benchmarks
        for benchmark in benchmarks:
            found = benchmark(name, *SMALL)
            if isinstance(found, dict):
                assert min(found["samples"]) > 0
            elif found is not None:
                assert 0 <= found <= 1


def test_a_wrong_way_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = NumpyWay._gradient

    def wrong(self: NumpyWay, w: Array) -> Array:
        return exact(self, w) * (1 + 1e-12)

    monkeypatch.setattr(NumpyWay, "_gradient", wrong)
    gradient._verified.cache_clear()
    with pytest.raises(WrongAnswerError, match="times its error bound"):
        gradient.Gradient().setup("numpy", *SMALL)


def test_memory_guard_says_why_it_skips() -> None:
    n = 10**9
    with pytest.raises(
        NotImplementedError, match=r"1000000000 x 300 needs 9600\.0 GB for 4 copies"
    ):
        gradient.Gradient().setup("numpy", n, 300)


def test_asv_times_batches_of_calls() -> None:
    """The private name that suites.harness.timing sets is the one that asv_runner reads."""
    assert TimeBenchmark._setup_isolates_timed_calls is False
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    class Suite:
        repeat = (2, 2, 0.1)
        sample_time = 1e-4
        warmup_time = 0.0

        def setup(self) -> None: ...

    found = TimeBenchmark("suite.time_count", count, [Suite()]).run()
    assert found["number"] > 1
    assert calls >= 2 * found["number"]


def test_interleaved_calls_are_timed_alike() -> None:
    def work() -> None:
        time.sleep(0.001)

    seconds = timing.interleaved([work, work, work])
    assert seconds.shape[1] == 3
    assert len(seconds) >= 5
    assert (seconds >= 0.001).all()


def test_thread_count_reaches_every_library() -> None:
    import numba
    import torch

    for name in WAYS:
        WAYS[name](problems.gaussian(*SMALL)).gradient(np.ones(SMALL[1]))
    try:
        timing.use_threads(1)
        assert torch.get_num_threads() == 1
        assert numba.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    finally:
        timing.use_threads(machine.cores())


def test_problems_are_the_same_each_time_and_never_constant() -> None:
    first, second = problems.gaussian(30, 4), problems.gaussian(30, 4)
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(problems.start(first), problems.start(second))
    assert len(np.unique(first.X)) == first.X.size


def test_machine_is_named_by_what_it_is() -> None:
    described = machine.describe()
    assert described["num_cpu"] in described["machine"]
    assert described["ram"].replace(" ", "-") in described["machine"]
    assert not any(character.isspace() or character == "/" for character in described["machine"])
    assert not any(character.isdigit() for character in described["os"])
    assert float(described["ram"].split()[0]) >= math.floor(machine.memory() / 2**30)


def test_read_limit_sums_are_sums() -> None:
    X = problems.gaussian(1000, 7, order="F").X
    timing.use_threads(machine.cores())
    for read in sums_over(X):
        assert read() == pytest.approx(X.sum())
    assert min(gradient.ReadLimit().track_one_read(1000, 7)["samples"]) > 0


@pytest.mark.parametrize("order", ["C", "F"])
def test_benchmarks_of_the_roofline_run(order: str) -> None:
    shares = roofline.Roofline().track_share_of_read_limit("1", order, "256 KiB", 30)
    assert 0 < min(shares["samples"]) < 10
    for other in ("numpy", "torch", "scipy"):
        found = roofline.Advantage().track_speedup(other, order, "256 KiB", 30)
        assert min(found["samples"]) > 0
    found = roofline.OneThread().track_speedup_over_numpy(order, "256 KiB", 30)
    assert min(found["samples"]) > 0
    small = roofline.SmallCalls().track_time_over_empty_call(order, "100 x 4")
    assert np.median(small["samples"]) > 0  # a difference: single samples may be noise
    with pytest.raises(NotImplementedError, match="factoring 160 MiB takes far longer"):
        roofline.Advantage().setup("scipy", order, "160 MiB", 30)
    with pytest.raises(NotImplementedError, match="1000 threads on"):
        roofline.Threads().setup(1000, "8 MiB", 30)


def test_compiling_costs_more_than_loading() -> None:
    seconds = compilation._in_fresh_processes(100, 4, "float64", "C")
    assert seconds.compiled > seconds.loaded > 0
    assert seconds.imported > 0


def test_descents_are_timed_where_they_get_to_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = ["conjugate gradients by numba", "lsqr by numpy", "torch LBFGS by torch"]
    slow = "stochastic by torch"
    monkeypatch.setattr(descent, "_DESCENTS", [*fast, slow])
    monkeypatch.setattr(descent, "_BUDGET", 0.1)
    key = ("100 x 10", "1000")
    measured = descent._all_measured(*key)
    for solver in (*fast[:2], *descent._DIRECT):
        assert measured[solver].wrong == ""
        assert min(measured[solver].times) > 0
    for solver in fast[:2]:
        curve = measured[solver].curve
        assert curve.iterations
        assert len(curve.seconds) == len(curve.evaluations) == 10
        assert min(curve.seconds) > 0
        assert curve.evaluations == sorted(curve.evaluations)
    assert measured[slow].curve.iterations is None
    assert measured[slow].times == []


def test_a_descent_that_falls_short_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "_DESCENTS", [])
    monkeypatch.setattr(descent, "_DIRECT", ["short"])
    monkeypatch.setattr(descent, "_solved", lambda _, problem: np.zeros(problem.p))
    key = ("10", "100 x 10")
    measured = descent._all_measured(*reversed(key))
    assert "relative suboptimality 1" in measured["short"].wrong
    with pytest.raises(WrongAnswerError, match="short: relative suboptimality 1"):
        descent.Descent().track_time({("short", *key): measured["short"]}, "short", *key)


def test_benchmarks_of_the_loops_run() -> None:
    found = descent.Loop().track_speedup("conjugate gradients", "numpy", "30 x 30")
    assert min(found["samples"]) > 0
    found = descent.Reduced().track_speedup_over_lstsq("10", "5000 x 50")
    assert min(found["samples"]) > 0


def test_calls_of_autograd_are_checked_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograd, "_compiled", lambda *_: (None, "torch.compile: no compiler"))
    timed = autograd.all_timed(problems.gaussian(*SMALL))
    assert set(autograd.Autograd.params[0]) == set(timed)
    for call, found in timed.items():
        assert found.wrong == ""
        assert bool(found.seconds) == (call != autograd._COMPILED)
    key = (autograd._COMPILED, "100 x 4")
    with pytest.raises(NotImplementedError, match="no compiler"):
        autograd.Autograd().setup({key: timed[autograd._COMPILED]}, *key)


def test_a_wrong_gradient_of_autograd_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autograd, "_compiled", lambda *_: (None, ""))
    exact = autograd._calls

    def calls(*arguments: Any) -> dict[str, Any]:
        right = exact(*arguments)
        wrong = right["torch expression by hand"]
        return right | {"torch expression by hand": lambda at: wrong(at) * (1 + 1e-12)}

    monkeypatch.setattr(autograd, "_calls", calls)
    timed = autograd.all_timed(problems.gaussian(*SMALL))
    assert "times its error bound off" in timed["torch expression by hand"].wrong
    assert timed["torch expression by hand"].seconds == []


def test_the_graph_keeps_a_residual_beyond_the_data() -> None:
    suite = autograd.Graph()
    suite.setup("100 x 4")
    assert suite.track_bytes_kept("100 x 4") == 8 * (400 + 100 + 100)
    assert suite.track_bytes_beyond_the_data("100 x 4") == 8 * 100


@pytest.mark.parametrize("name", list(WAYS))
@pytest.mark.parametrize("is_relative", [False, True])
def test_own_data_are_benchmarked_by_the_environment_variable(
    name: str, is_relative: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # asv has its own folder too
    monkeypatch.delenv(own.VARIABLE, raising=False)
    with pytest.raises(NotImplementedError, match="FOURWAYS_DATA names no file"):
        own.Own().setup(name)
    problem = problems.gaussian(50, 3)
    np.savez(tmp_path / "mine.npz", X=problem.X, y=problem.y)
    path = tmp_path / "mine.npz"
    given = os.path.relpath(path, Path(own.__file__).parents[1]) if is_relative else str(path)
    monkeypatch.setenv(own.VARIABLE, given)
    suite = own.Own()
    suite.setup(name)
    assert suite.verified.truth.problem.n == 50
    suite.time_gradient(name)
    assert suite.timer() > 0
    suite.teardown(name)
    assert min(suite.track_speedup_over_numpy(name)["samples"]) > 0
    assert 0 <= suite.track_error_over_bound(name) <= 1

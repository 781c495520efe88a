"""The benchmarks themselves: truth before time, guards that say why, fair timing."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from kernels import WAYS, Array, Solution
from kernels.ways.numpy import NumpyWay
from suites import autograd, descent, gradient, roofline, user_data
from suites.data import problems, user
from suites.data.families import with_condition
from suites.harness import convergence, first_call, machine, timing, torch_calls
from suites.harness.group import Findings
from suites.harness.read_limit import sums_over
from suites.harness.solvers import SOLVERS
from suites.harness.threads import use_threads
from suites.harness.verified import Truth, Verified
from suites.judge import WrongAnswerError

SMALL = (100, 4)


def tracked(suite: Any, *parameters: Any) -> dict[str, Any]:
    """Return what each benchmark of a class hands to asv."""
    getattr(suite, "setup", lambda *_: None)(*parameters)  # asv takes it for optional as well
    names = [name for name in dir(suite) if name.startswith("track_")]
    assert names
    return {name: getattr(suite, name)(*parameters) for name in names}


@pytest.mark.usefixtures("measured_here")
@pytest.mark.parametrize("name", list(WAYS))
def test_benchmarks_of_the_gradient_run_and_return_what_asv_takes(name: str) -> None:
    for suite in (gradient.Gradient(), gradient.Preparation(), gradient.Memory()):
        for benchmark, found in tracked(suite, name, *SMALL).items():
            assert found["number"] == 1
            assert len(found["samples"]) == 1
            assert min(found["samples"]) >= 0 if "error" in benchmark else min(found["samples"]) > 0


@pytest.mark.usefixtures("measured_here")
def test_a_wrong_way_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = NumpyWay._gradient

    def wrong(self: NumpyWay, w: Array) -> Array:
        return exact(self, w) * (1 + 1e-12)

    monkeypatch.setattr(NumpyWay, "_gradient", wrong)
    with pytest.raises(WrongAnswerError, match="times its error bound"):
        gradient.Gradient().track_time("numpy", *SMALL)
    assert min(gradient.Gradient().track_time("numba", *SMALL)["samples"]) > 0


def test_answers_judged_by_another_process_are_not_judged_again() -> None:
    """Of the same bits, on the same data; anything else is."""
    problem = problems.gaussian(*SMALL)
    first = Truth(problem)
    Verified(WAYS["numpy"](problem), first)
    known = json.loads(json.dumps(first.judgement()))
    second = Truth(problem, judged=known)
    Verified(WAYS["numpy"](problem), second)
    assert not second.has_oracles
    Verified(WAYS["torch"](problem), second)
    assert second.has_oracles
    other = Truth(problems.gaussian(*SMALL, seed=1), judged=known)
    assert other.has_oracles


def test_what_is_judged_while_it_is_timed_is_handed_on() -> None:
    """On one thread a way's bits may be others than on all: they come after the judging."""
    problem, found = problems.gaussian(*SMALL), Findings()
    with found.part("100") as part:
        late = Verified(WAYS["numpy"](problem), part.truth(problem), ["gradient"]).value
        late.batch(4)
    known = json.loads(json.dumps(found.handed_on()))["100"]
    again = Findings(known).truth(problem)
    Verified(WAYS["numpy"](problem), again, ["gradient", "value"])
    assert not again.has_oracles


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_data_lie_where_numpy_lets_large_arrays_begin(order: Any, dtype: str) -> None:
    small = problems.gaussian(*SMALL, order=order, dtype=dtype)
    for array in (small.X, small.y):
        assert array.ctypes.data % 4096 == np.empty(10**7).ctypes.data % 4096 == 16
    assert small.X.flags.c_contiguous == (order == "C")
    np.testing.assert_array_equal(small.X, problems.gaussian(*SMALL).X.astype(dtype))


def test_memory_guard_says_why_it_skips() -> None:
    n = 10**9
    with pytest.raises(
        NotImplementedError, match=r"1000000000 x 300 needs 9600\.0 GB for 4 copies"
    ):
        gradient.Gradient().setup("numpy", n, 300)


def test_interleaved_calls_are_timed_alike() -> None:
    def work() -> None:
        time.sleep(0.001)

    seconds = timing.interleaved([work, work, work])
    assert seconds.shape[1] == 3
    assert len(seconds) >= 5
    assert (seconds >= 0.001).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_let_sleep_where_there_may_be_several(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(timing, "sleep", slept.append)
    work = partial(time.sleep, 0.001)
    try:
        use_threads(threads)
        timing.interleaved([work, work])
    finally:
        use_threads(machine.cores())
    assert bool(slept) == (threads > 1)


@pytest.mark.parametrize(
    ("threads", "once", "called"),
    [(2, 1e-3, True), (2, 1e-5, False), (2, 0.1, False), (1, 1e-3, False)],
)
def test_threads_are_woken_for_calls_that_have_them(
    threads: int, once: float, called: bool
) -> None:
    calls: list[float] = []
    try:
        use_threads(threads)
        timing.wake(lambda: calls.append(time.perf_counter()), once)
    finally:
        use_threads(machine.cores())
    assert bool(calls) == called


def test_single_calls_in_turn_are_timed_with_their_threads_awake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    woken: list[float] = []
    monkeypatch.setattr(timing, "wake", lambda call, once: woken.append(once))

    def work(seconds: float) -> Array:
        time.sleep(seconds)
        return np.ones(1)

    calls: dict[str, Callable[[], Array]]
    calls = {"short": partial(work, 0.001), "long": partial(work, 0.06)}
    times, _ = timing.round_robin(calls, 0.3)
    assert len(times["short"]) == len(times["long"]) > 1
    assert len(woken) == len(times["short"])


def test_thread_count_reaches_every_library() -> None:
    import numba
    import torch

    for name in WAYS:
        WAYS[name](problems.gaussian(*SMALL)).gradient(np.ones(SMALL[1]))
    try:
        use_threads(1)
        assert torch.get_num_threads() == 1
        assert numba.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    finally:
        use_threads(machine.cores())


def test_problems_are_the_same_each_time_and_never_constant() -> None:
    first, second = problems.gaussian(30, 4), problems.gaussian(30, 4)
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(problems.start(first), problems.start(second))
    assert len(np.unique(first.X)) == first.X.size


def test_what_asv_imports_has_no_torch() -> None:
    """It forks for each of 4 000 combinations of parameters: 4 ms more each with PyTorch."""
    script = "import sys, pkgutil, importlib, suites\n"
    script += "for found in pkgutil.walk_packages(suites.__path__, 'suites.'):\n"
    script += "    found.name.endswith('__main__') or importlib.import_module(found.name)\n"
    script += "assert 'numba' in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_machine_is_named_by_what_it_is() -> None:
    described = machine.describe()
    assert described["num_cpu"] in described["machine"]
    assert described["ram"].replace(" ", "-") in described["machine"]
    assert not any(character.isspace() or character == "/" for character in described["machine"])
    assert not any(character.isdigit() for character in described["os"])
    assert float(described["ram"].split()[0]) >= math.floor(machine.memory() / 2**30)


def test_a_machine_compiled_for_as_another_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no figure of the one stands beside figures of the other, as one history."""
    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    plain = machine.describe()
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    described = machine.describe()
    assert described["cpu"] == f"{plain['cpu']} as haswell"
    assert "-as-haswell-" in described["machine"]


@pytest.mark.parametrize("n", [1000, 300_001])
@pytest.mark.parametrize("threads", [1, machine.cores()])
def test_read_limit_sums_are_sums(n: int, threads: int) -> None:
    X = problems.gaussian(n, 7, order="F").X
    use_threads(threads)
    for read in sums_over(X):
        assert read() == pytest.approx(X.sum())


@pytest.mark.usefixtures("measured_here")
def test_the_read_limit_is_handed_out() -> None:
    assert min(gradient.ReadLimit().track_one_read(*SMALL)["samples"]) > 0


@pytest.mark.usefixtures("measured_here")
@pytest.mark.parametrize("order", ["C", "F"])
def test_benchmarks_of_the_roofline_run(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "_COLUMNS", [30])
    monkeypatch.setattr(roofline, "_FROM_MEMORY", "256 KiB")
    assert min(roofline.SinglePrecision().track_float32_speedup(order, 30)["samples"]) > 0
    shares = roofline.Roofline().track_share_of_read_limit("1", order, "256 KiB", 30)
    assert 0 < min(shares["samples"]) < 10
    for other in ("numpy", "torch", "scipy"):
        found = roofline.Advantage().track_speedup(other, order, "256 KiB", 30)
        assert min(found["samples"]) > 0
    found = roofline.OneThread().track_speedup_over_numpy(order, "256 KiB", 30)
    assert min(found["samples"]) > 0
    small = roofline.SmallCalls().track_time_over_empty_call(order, "10 x 2")
    assert np.isfinite(small["samples"]).all()
    with pytest.raises(NotImplementedError, match="factoring 160 MiB takes far longer"):
        roofline.Advantage().setup("scipy", order, "160 MiB", 30)
    with pytest.raises(NotImplementedError, match="1000 threads on"):
        roofline.Threads().setup(1000, "8 MiB", 30)


def test_compiling_costs_more_than_loading() -> None:
    seconds = first_call.in_fresh_processes(100, 4, "float64", "C")
    assert seconds.compiled > seconds.loaded > 0
    assert seconds.imported > 0


def test_descents_are_timed_where_they_get_to_the_target() -> None:
    fast = ["conjugate gradients by numba", "lsqr by numpy", "torch LBFGS by torch"]
    slow = "stochastic by torch"
    direct = {name: SOLVERS[name] for name in ("torch", "numpy", "scipy", "minimum_norm")}
    instance, found = with_condition(100, 10, 1000), Findings()
    convergence.measure(found, instance, [*fast, slow], direct, 0.3, budget=0.1)
    assert not found.wrong
    for solver in (*fast[:2], *direct):
        assert min(found.figures["time"][solver]) > 0
    for solver in fast[:2]:
        assert found.judged["iterations"][solver]
        seconds, evaluations = (
            found.figures[f"{what} curve"][solver] for what in ("seconds", "evaluations")
        )
        assert len(seconds) == len(evaluations) == 10
        assert min(seconds) > 0
        assert evaluations == sorted(evaluations)
    assert found.judged["iterations"][slow] is None
    assert slow not in found.figures["time"]
    again = Findings(found.judged)
    convergence.measure(again, instance, [*fast, slow], direct, 0.3, budget=0.1)
    assert again.figures.keys() == {"time"}
    assert again.figures["time"].keys() == found.figures["time"].keys()


def test_a_descent_that_falls_short_is_wrong() -> None:
    short = {"short": lambda problem: Solution(np.zeros(problem.p), None, "lstsq", 0.0)}
    found = Findings()
    convergence.measure(found, with_condition(100, 10, 10), [], short, 0.3)
    assert "short: relative suboptimality 1" in found.wrong["short"]
    assert not found.figures.get("time")


@pytest.mark.usefixtures("measured_here")
def test_benchmarks_of_the_loops_run() -> None:
    found = descent.Loop().track_speedup("conjugate gradients", "numpy", "100 x 4")
    assert min(found["samples"]) > 0
    found = descent.Reduced().track_speedup_over_lstsq("10", "5000 x 50")
    assert min(found["samples"]) > 0


@pytest.mark.usefixtures("measured_here")
def test_calls_of_autograd_are_checked_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_calls, "compiled", lambda *_: None)
    found = Findings()
    torch_calls.measure(found, problems.gaussian(*SMALL))
    assert not found.wrong
    assert set(autograd.CALLS) == {*found.figures["time"], torch_calls.COMPILED}
    none = autograd.Autograd().track_time(torch_calls.COMPILED, "100 x 4")
    assert np.isnan(none["samples"]).all()


def test_a_wrong_gradient_of_autograd_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_calls, "compiled", lambda *_: None)
    exact = torch_calls.calls

    def calls(*arguments: Any) -> dict[str, Any]:
        right = exact(*arguments)
        wrong = right["torch expression by hand"]
        return right | {"torch expression by hand": lambda at: wrong(at) * (1 + 1e-12)}

    monkeypatch.setattr(torch_calls, "calls", calls)
    found = Findings()
    torch_calls.measure(found, problems.gaussian(*SMALL))
    assert "times its error bound off" in found.wrong["torch expression by hand"]
    assert "torch expression by hand" not in found.figures["time"]


@pytest.mark.usefixtures("measured_here")
def test_the_graph_keeps_a_residual_beyond_the_data() -> None:
    suite = autograd.Graph()
    assert suite.track_bytes_kept("100 x 4") == 8 * (400 + 100 + 100)
    assert suite.track_bytes_beyond_the_data("100 x 4") == 8 * 100


@pytest.mark.usefixtures("measured_here")
@pytest.mark.parametrize("name", list(WAYS))
@pytest.mark.parametrize("is_relative", [False, True])
def test_user_data_are_benchmarked_by_the_environment_variable(
    name: str, is_relative: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # asv has its own folder too
    monkeypatch.delenv(user.VARIABLE, raising=False)
    with pytest.raises(NotImplementedError, match="FOURWAYS_DATA names no file"):
        user_data.UserData().setup(name)
    problem = problems.gaussian(50, 3)
    np.savez(tmp_path / "mine.npz", X=problem.X, y=problem.y)
    path = tmp_path / "mine.npz"
    given = os.path.relpath(path, Path(user_data.__file__).parents[1]) if is_relative else str(path)
    monkeypatch.setenv(user.VARIABLE, given)
    assert user_data.OnFile.points() == [(str(Path(user.path() or "")), path.stat().st_mtime)]
    found = tracked(user_data.UserData(), name)
    assert min(found["track_time"]["samples"]) > 0
    assert min(found["track_speedup_over_numpy"]["samples"]) > 0
    assert 0 <= found["track_error_over_bound"]["samples"][0] <= 1

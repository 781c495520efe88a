"""Processes of their own: what they find, how they fail, what is kept of them."""

import gzip
import json
import math
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from suites import configurations, record, run
from suites.harness import benchmark, campaign, process, processes
from suites.harness.benchmark import Benchmark, CrashError
from suites.harness.group import Findings, Group
from suites.harness.processes import Process
from suites.judge import WrongAnswerError

ROOT = Path(__file__).parents[1]


def test_a_function_is_called_in_a_process_of_its_own() -> None:
    found = process.call("suites.data.problems:shape", ["10 x 4"], timeout=60)
    assert found.value == [10, 4]
    assert found.failure == ""
    assert not found.timed_out
    assert process.call("os:getpid", [], timeout=60).value != os.getpid()


@pytest.mark.parametrize(
    ("function", "arguments", "failure"),
    [
        ("suites.data.problems:shape", ["a x b"], "ended with 1: ValueError: invalid literal"),
        ("os:_exit", [3], "ended with 3: nothing said"),
        ("os:abort", [], "ended with -6"),
        ("suites.nothing:here", [], "ended with 1: ModuleNotFoundError"),
    ],
)
def test_a_process_that_crashes_says_how(function: str, arguments: list[Any], failure: str) -> None:
    found = process.call(function, arguments, timeout=60)
    assert found.value is None
    assert found.failure.startswith(failure)
    assert not found.timed_out


def test_a_process_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    path = tmp_path / "child"
    script = f"sleep 30 & echo $! > {shlex.quote(str(path))}; wait"
    found = process.call("subprocess:check_call", [["sh", "-c", script]], timeout=1)
    assert found.timed_out
    assert found.failure == "timed out after 1 s"
    assert _is_gone(int(path.read_text()))


def test_a_process_whose_caller_is_killed_ends_with_its_children(tmp_path: Path) -> None:
    path = tmp_path / "child"
    script = f"echo $$ > {shlex.quote(str(path))}; exec sleep 60"
    call = f"process.call('subprocess:check_call', [['sh', '-c', {script!r}]], timeout=60)"
    code = f"from suites.harness import process; {call}"
    caller = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        while not path.exists() or not path.read_text():
            time.sleep(0.05)
            assert caller.poll() is None
    finally:
        caller.kill()
        caller.wait()
    assert _is_gone(int(path.read_text()))


def _is_gone(child: int) -> bool:
    """Return whether a process has ended, or ends within some seconds."""
    stat = Path(f"/proc/{child}/stat")
    for _ in range(100):
        try:
            if ") Z " in stat.read_text():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_kernels_of_a_folder_are_taken_instead_of_those_installed(tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "__init__.py").write_text("def which(): return 'this one'\n")
    found = process.call("kernels:which", [], timeout=60, kernels=tmp_path)
    assert found.value == "this one"


class Counted(Group):
    """A group of two points that counts its processes."""

    params = [["a", "b"]]
    processes = 2

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        raise NotImplementedError

    @staticmethod
    def cost(*point: Any) -> float:
        return 60.0


class Handing(Benchmark):
    group = Counted

    def track_time(self, *of: Any) -> dict[str, Any]:
        return self.figure("time", *of)


class Calls:
    """Stands for `process.call`: what each process is to find, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []
        self.failures: dict[int, str] = {}
        self.wrong: dict[int, dict[str, str]] = {}

    def __call__(self, function: str, arguments: list[Any], **_: Any) -> process.Outcome:
        number = len(self.asked)
        self.asked.append(arguments)
        if failure := self.failures.get(number):
            return process.Outcome(None, failure, 1.0)
        figures = {"time": {"numba": [number + 1.0, number + 3.0, number + 2.0]}}
        wrong = self.wrong.get(number, {})
        return process.Outcome(
            {"figures": figures, "wrong": wrong, "judged": {f"{number}": {}}}, "", 1.0
        )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    made = Calls()
    monkeypatch.setattr(process, "call", made)
    monkeypatch.setenv(process.FOLDER, str(tmp_path))
    monkeypatch.delenv(process.FEWER, raising=False)
    return made


def test_what_is_measured_is_not_measured_again(calls: Calls) -> None:
    handed = Handing().track_time("numba", "a")
    assert handed == {"samples": [2.0, 3.0], "number": 1}
    assert Handing().track_time("numba", "a") == handed
    assert [asked[1:] for asked in calls.asked] == [[["a"], {}], [["a"], {"0": {}}]]
    assert math.isnan(Handing().track_time("torch", "a")["samples"][0])
    assert Handing().track_time("numba", "b")["samples"] == [4.0, 5.0]


def test_an_edit_or_another_day_begins_anew(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    Handing().track_time("numba", "a")
    monkeypatch.setattr(processes, "fingerprint", lambda: "another")
    Handing().track_time("numba", "a")
    assert len(calls.asked) == 4
    monkeypatch.setattr(processes, "_AGE", -1.0)
    Handing().track_time("numba", "a")
    assert len(calls.asked) > 4


def test_a_time_out_is_no_wrong_answer_and_a_crash_is_a_failure(calls: Calls) -> None:
    calls.failures = {0: "timed out after 300 s", 3: "ended with -11: nothing said"}
    assert Handing().track_time("numba", "a") == {"samples": [3.0], "number": 1}
    with pytest.raises(CrashError, match="ended with -11"):
        Handing().track_time("numba", "b")


def test_wrong_in_one_process_is_wrong(calls: Calls) -> None:
    calls.wrong = {1: {"numba": "off by 2"}}
    with pytest.raises(WrongAnswerError, match="off by 2"):
        Handing().track_time("numba", "a")


@pytest.fixture
def campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_benchmark", lambda name: Handing)


@pytest.mark.usefixtures("campaigns")
def test_processes_of_a_point_are_spread_and_a_second_call_goes_on(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    processes.measure(Counted, ("b",), 0)
    calls.asked.clear()
    calls.failures = {0: "timed out after 300 s"}
    found = campaign.run(["some.Handing"])
    assert [asked[1] for asked in calls.asked] == [["a"], ["a"], ["b"]]
    shown = capsys.readouterr().out
    assert "1 of 4 processes are measured already" in shown
    assert "[1/3]" in shown
    assert "3 min left" in shown
    name = f"{Counted.id()}(a)"
    failures = {of: [p["failure"] for p in row] for of, row in found.items()}
    assert failures.pop(name) == ["timed out after 300 s", ""]
    assert not any(failure for row in failures.values() for failure in row)
    assert all("judged" not in p for row in found.values() for p in row)
    calls.asked.clear()
    campaign.run(["some.Handing"])  # what had run out of time has another try, nothing else has
    assert [asked[1] for asked in calls.asked] == [["a"]]


@pytest.mark.usefixtures("campaigns")
def test_an_interrupted_run_says_that_it_goes_on(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "call", interrupted)
    with pytest.raises(SystemExit) as ended:
        campaign.run(["some.Handing"])
    assert ended.value.code == 130
    assert "goes on from here" in capsys.readouterr().out
    monkeypatch.setattr(process, "call", calls)
    campaign.run(["some.Handing"])
    assert len(calls.asked) == 4


def test_every_group_is_found_by_its_name() -> None:
    for name in run.MAIN:
        found = campaign._benchmark(name.removesuffix("."))
        assert issubclass(found, benchmark.Benchmark)
        assert found.group.points()
        assert all(found.group.cost(*point) > 0 for point in found.group.points())


def test_records_of_one_commit_are_numbered_and_keep_their_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MEASURED", tmp_path / "measured")
    (tmp_path / "measured").mkdir()
    for count in range(3):
        path = tmp_path / "0123abcd-env.json"
        record.make_way(path)
        path.write_text(str(count))
        one = Process(0.0, 1.0, "", {"time": {"a": [float(count)]}}, {}, {})
        record.keep(path, {"some.Group(a)": [one.as_recorded()]})
    assert not (tmp_path / "measured").exists()
    names = ["0123abcd-env-1", "0123abcd-env-2", "0123abcd-env"]
    for count, name in enumerate(names):
        assert (tmp_path / f"{name}.json").read_text() == str(count)
        raw = json.loads(gzip.decompress((tmp_path / f"{name}{record.RAW}").read_bytes()))
        (kept,) = raw["groups"]["some.Group(a)"]
        assert kept["figures"] == {"time": {"a": [count]}}


@pytest.mark.parametrize(("ended", "status"), [(0, 0), (2, 1), (3, 3)])
def test_a_failed_benchmark_is_a_failed_run(
    ended: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed, and that a time-out is no failure, stands in tests/test_report.py."""
    kept: list[Any] = []
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    monkeypatch.setattr(run, "discovered", lambda *_: [{"name": "gradient.Gradient.track_time"}])
    monkeypatch.setattr(run, "_asv", lambda *_, **__: ended)
    monkeypatch.setattr(record, "environment", lambda _: record.Environment("e", "python", {}))
    monkeypatch.setattr(record, "campaign", lambda _, chosen: {"of": chosen})
    monkeypatch.setattr(record, "make_way", lambda _: None)
    monkeypatch.setattr(record, "keep", lambda _, found: kept.append(found))
    assert run.bench("here") == status
    assert kept == ([{"of": ["gradient.Gradient"]}] if ended in (0, 2) else [])


def test_recording_needs_no_numpy() -> None:
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['numpy', 'kernels', 'numba', 'torch']));"
        "import suites.record"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0

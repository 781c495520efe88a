"""python -m suites.run: which benchmarks, on which configuration, with asv's exit status."""

import ast
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from asv.config import Config
from asv.environment import get_environments
from asv_runner.discovery import disc_benchmarks

from suites import configurations, record, run
from suites.harness import machine

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def benchmarks() -> list[run.Benchmark]:
    """All that asv finds, as it describes them in benchmarks.json."""
    return [
        {
            "name": found.name,
            "param_names": found.param_names,
            "params": [list(axis) for axis in found.params],
        }
        for found in disc_benchmarks(str(ROOT / "suites"))
    ]


def matched(benchmark: run.Benchmark, selection: list[str]) -> list[tuple[str, ...]]:
    """Return the combinations that asv runs: those whose name an expression is found in."""
    return [
        combination
        for combination in product(*benchmark["params"])
        if any(
            re.search(pattern, f"{benchmark['name']}({', '.join(combination)})")
            for pattern in selection
        )
    ]


def test_benchmarks_stand_in_the_suites_alone(benchmarks: list[run.Benchmark]) -> None:
    """What they stand on is imported by asv too, and is not measured."""
    files = {path.stem for path in (ROOT / "suites").glob("*.py")}
    names = [benchmark["name"] for benchmark in benchmarks]
    assert {name.partition(".")[0] for name in names} <= files
    assert len(names) == len(set(names))


def test_smoke_runs_every_benchmark_or_says_why_not(benchmarks: list[run.Benchmark]) -> None:
    selection = run.smoke_selection(benchmarks)
    for benchmark in benchmarks:
        is_left_out = benchmark["name"].rpartition(".")[0] in run.LEFT_OUT
        assert is_left_out != bool(matched(benchmark, selection)), benchmark["name"]
    runs = sum(len(matched(benchmark, selection)) for benchmark in benchmarks)
    assert len(selection) == len(set(selection)) == runs


def test_what_is_named_is_there(benchmarks: list[run.Benchmark]) -> None:
    classes = {benchmark["name"].rpartition(".")[0] for benchmark in benchmarks}
    assert run.LEFT_OUT.keys() <= classes
    assert {name.removesuffix(".") for name in run.MAIN} <= classes
    assert record.classes(benchmarks, [""]) == list(
        dict.fromkeys(benchmark["name"].rpartition(".")[0] for benchmark in benchmarks)
    )
    assert record.classes(benchmarks, ["gradient.Gradient."]) == ["gradient.Gradient"]


def test_smoke_runs_every_way_order_and_solver_at_the_smallest_size(
    benchmarks: list[run.Benchmark],
) -> None:
    for benchmark in benchmarks:
        chosen = zip(*run.combinations(benchmark), strict=True)
        for axis, values in zip(benchmark["params"], chosen, strict=True):
            assert set(values) in ({axis[0]}, set(axis))
    (gradient,) = [b for b in benchmarks if b["name"] == "gradient.Gradient.track_time"]
    assert set(run.combinations(gradient)) == {
        (f"'{way}'", "100", "4") for way in ("numba", "torch", "numpy", "scipy")
    }


def size(value: int | str) -> int:
    """Return n or p, the bytes of "256 KiB" and "4 GB", or np of "100 x 4"."""
    first, *last = str(value).replace(" x ", " ").split()
    units = {"KiB": 1 << 10, "MiB": 1 << 20, "MB": 10**6, "GB": 10**9}
    return int(first) * (units.get(last[0]) or int(last[0]) if last else 1)


def test_sizes_are_in_order(benchmarks: list[run.Benchmark]) -> None:
    """The first of an axis of sizes is its smallest."""
    for benchmark in benchmarks:
        for name, axis in zip(benchmark["param_names"], benchmark["params"], strict=True):
            if name in ("n", "p", "X"):
                sizes = [size(ast.literal_eval(value)) for value in axis]
                assert sizes[0] == min(sizes), benchmark["name"]


def test_quick_shows_four_sizes_of_what_it_names(benchmarks: list[run.Benchmark]) -> None:
    selection = run.quick_selection(benchmarks)
    shown = {b["name"]: matched(b, selection) for b in benchmarks if matched(b, selection)}
    assert len(shown) == 3
    for combinations in shown.values():
        assert len({combination[1:] for combination in combinations}) == 4
        assert len({way for way, *_ in combinations}) == 4


def test_a_derived_configuration_is_the_same_from_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments are told apart by their names, and histories by them."""
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    path = configurations.derived("smoke", results=".asv/smoke")
    given, derived = Config.load(str(ROOT / "asv.conf.json")), Config.load(str(path))
    assert derived.matrix == given.matrix
    (ours,), (theirs,) = (list(get_environments(c, None)) for c in (derived, given))
    assert ours.name == theirs.name
    folder = ROOT / ".asv"
    assert (folder / derived.repo).resolve() == ROOT
    assert (folder / derived.benchmark_dir).resolve() == ROOT / "suites"
    assert (folder / derived.results_dir).resolve() == ROOT / ".asv" / "smoke"
    assert (folder / derived.env_dir).resolve() == ROOT / given.env_dir
    assert "{conf_dir}/../constraints.txt" in derived.install_command[0]


def test_versions_are_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    path = configurations.derived("compare-head", pins={"numpy": "2.2.6"})
    given, derived = Config.load(str(ROOT / "asv.conf.json")), Config.load(str(path))
    assert derived.matrix["req"] == given.matrix["req"] | {"numpy": ["2.2.6"]}
    assert (ROOT / ".asv" / derived.results_dir).resolve() == ROOT / "results"


def test_peers_have_an_environment_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    given = Config.load(str(ROOT / "asv.conf.json"))
    derived = Config.load(str(configurations.derived("peers", peers=True, pins={"jax": "0.9.2"})))
    more = dict(derived.matrix["req"])
    assert {name: more.pop(name) for name in given.matrix["req"]} == given.matrix["req"]
    assert more.pop("jax") == ["0.9.2"]
    assert {name: [configurations.constraints()[name]] for name in more} == more


@pytest.mark.parametrize("versions", ["nimpy=1", "numpy"])
def test_versions_that_cannot_be_are_one_line(
    versions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    assert run.bench("here", versions=versions) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


TABLE = """\
[25.00%] ··· gradient.ReadLimit.track_one_read                               ok
[25.00%] ··· ======= ========= ============= =====
             --                          p
             ----------------- -------------------
               way       n         4         30
             ======= ========= ============= =====
              numba     100     1.50±0.01μs   n/a
              numba     1000        n/a       n/a
             ======= ========= ============= =====

[50.00%] ··· ========= =====
                 X
             --------- -----
              100 x 4   n/a
               21 x 6   0.8
             ========= =====
"""


@pytest.fixture
def asv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asv that prints what it was asked, and tables, and fails with 2."""
    script = f"import sys; print(*sys.argv[1:]); print({TABLE!r}); sys.exit(2)"
    monkeypatch.setattr(run, "_ASV", [sys.executable, "-c", script])
    monkeypatch.setattr(configurations, "FOLDER", tmp_path)
    monkeypatch.setattr(machine, "register", lambda: "here")


@pytest.mark.usefixtures("asv")
def test_the_exit_status_is_that_of_asv(capfd: pytest.CaptureFixture[str]) -> None:
    assert run.main(["check"]) == 2


@pytest.mark.usefixtures("asv")
@pytest.mark.parametrize("command", ["quick", "smoke"])
def test_what_was_not_chosen_is_not_shown(
    command: str,
    benchmarks: list[run.Benchmark],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run, "discovered", lambda *_: benchmarks)
    assert run.main([command]) == 2
    shown = capfd.readouterr().out
    rows = [line.split() for line in TABLE.splitlines()]
    assert [row for row in rows if " ".join(row) not in " ".join(shown.split())] == [
        ["numba", "1000", "n/a", "n/a"],
        ["100", "x", "4", "n/a"],
    ]
    assert ("--dry-run" in shown) == (command == "smoke")


def test_a_library_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no nmpy in asv\.conf\.json; there are numba"):
        configurations.derived("compare-head", pins={"nmpy": "2.2.6"})


@pytest.mark.parametrize(
    ("arguments", "of", "versions"),
    [
        (["bench"], run.MAIN, ""),
        (["bench", "roofline", "accuracy"], ["roofline", "accuracy"], ""),
        (["bench", "--versions", "numpy=2.2.6"], run.MAIN, "numpy=2.2.6"),
    ],
)
def test_some_suites_alone_are_benchmarked(
    arguments: list[str], of: list[str], versions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def record(*given: Any, **more: Any) -> int:
        asked.append((*given, more))
        return 0

    monkeypatch.setattr("suites.harness.machine.register", lambda: "here")
    monkeypatch.setattr(run, "bench", record)
    assert run.main(arguments) == 0
    assert asked == [("here", of, {"versions": versions})]


def test_nothing_of_it_needs_numpy() -> None:
    """It runs where asv is, and the libraries that are measured are not."""
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['numpy', 'kernels', 'numba', 'torch']));"
        "import suites.run"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_where_results_cannot_be_written_to_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert run.bench("here") == 2
    assert capsys.readouterr().err == ("results cannot be written to: there would be no record\n")

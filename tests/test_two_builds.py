"""make compare: two builds in turn, what is said of them, and the exit status."""

import json
import math
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from suites.compare import __main__ as command
from suites.compare import arms, builds, processes, session, table, trial_report, trials
from suites.compare.builds import Build, BuildError, Python
from suites.compare.cells import LANES, SHARES, Cell
from suites.compare.sequential import Evidence
from suites.compare.session import Session
from suites.harness.process import Outcome

ROOT = Path(__file__).parents[1]
HERE = Python(sys.executable, {})
SMALL = [Cell("gradient", "numpy", 100, 4), Cell("solve", "numpy", 100, 4)]

# A gradient by numpy that computes what it returns twice over, and one that is wrong.
ONCE = "\n_once = NumpyWay._gradient\nNumpyWay._gradient = lambda s, w: "
TWICE = ONCE + "(_once(s, w), _once(s, w))[1]\n"
WRONG = ONCE + "1.001 * _once(s, w)\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that has these kernels in one commit, and two cells."""
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels", ignore=_without_caches)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "kernels")
    monkeypatch.setattr(builds, "ROOT", tmp_path)
    monkeypatch.setattr(builds, "interpreter", lambda *_: HERE)
    monkeypatch.setattr(session, "LANES", {"kernels": SMALL})
    return tmp_path


_without_caches = shutil.ignore_patterns("__pycache__")


def git(folder: Path, *arguments: str) -> None:
    author = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, *paths: str) -> None:
    git(folder, "add", *paths)
    git(folder, "commit", "--quiet", "-m", "kernels")


def append(repository: Path, code: str) -> None:
    with (repository / "kernels" / "ways" / "numpy.py").open("a") as file:
        file.write(code)


Seconds = Callable[[random.Random, Build, Cell], float]


def simulate(monkeypatch: pytest.MonkeyPatch, seconds: Seconds, took: float = 1.5) -> None:
    """Let processes take no time, by the clock of the session too, and be as slow as is said."""
    rng, clock = random.Random(0), [0.0]
    random.seed(0)  # the session's coins

    def measured(build: Build, cells: Sequence[Cell], _: Any) -> Outcome:
        clock[0] += took
        return Outcome({c.name: {"seconds": seconds(rng, build, c)} for c in cells}, "", took)

    def verified(build: Build, cells: Sequence[Cell]) -> Any:
        return {cell.name: {"right": [], "number": 2} for cell in cells}

    for module in (session, trials):
        monkeypatch.setattr(module, "measured", measured)
        monkeypatch.setattr(module, "verified", verified)
    monkeypatch.setattr(session, "monotonic", lambda: clock[0])


def noisy(rng: random.Random, build: Build, cell: Cell) -> float:
    """5 % from process to process; ten percent slower where the build says so."""
    return 2e-5 * math.exp(rng.gauss(0, 0.05)) * (1.1 if build.label == "slow" else 1)


def two(head: str = "head", base: str = "base") -> Session:
    return Session(Build(base, Path("a"), HERE), Build(head, Path("b"), HERE))


def test_a_change_that_is_not_committed_is_what_is_measured(repository: Path) -> None:
    label, folder = builds.source("head", None)
    assert label == "working tree"
    append(repository, TWICE)
    _, changed = builds.source("head", None)
    assert changed != folder
    assert "_once" in (changed / "kernels/ways/numpy.py").read_text()
    label, base = builds.source("base", "HEAD")
    assert re.fullmatch(r"HEAD \([0-9a-f]{8}\)", label)
    assert "_once" not in (base / "kernels/ways/numpy.py").read_text()


def test_one_tree_is_built_twice(repository: Path) -> None:
    folders = {builds.source(side, "HEAD")[1] for side in ("base", "head")}
    assert len(folders) == 2
    assert {builds.source(side, "HEAD")[1] for side in ("base", "head")} == folders


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no commit nothing"),
        (["--", "--all"], "no commit --all"),
        ([], "say against which commit"),
        (["HEAD", "HEAD", "HEAD"], "say against which commit"),
        (["--versions", "numpy"], "say which versions"),
        (["--versions", "numpy=2.2.6", "HEAD", "HEAD"], "kernels of one commit"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    arguments: list[str], message: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_commit_without_kernels_is_one_line(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "mv", "kernels", "others")
    commit(repository, "others")
    assert command.main(["HEAD"]) == 2
    assert capsys.readouterr().err == "no kernels in HEAD\n"


def test_versions_are_compared_on_the_same_kernels(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def interpreter(*given: Any) -> Python:
        asked.append(given)
        return HERE

    monkeypatch.setattr(builds, "interpreter", interpreter)
    monkeypatch.setattr(Session, "verify", lambda *_: None)
    assert command.main(["--versions", "numpy=2.2.6 scipy=1.15.3", "HEAD"]) == 0
    assert asked == [("base", {}), ("head", {"numpy": "2.2.6", "scipy": "1.15.3"})]


def test_a_library_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(BuildError, match="no nmpy in"):
        builds.interpreter("head", {"nmpy": "1"})


def test_what_head_has_wrong_is_never_timed(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(repository, WRONG)
    assert command.main(["HEAD", "--minutes", "0"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"gradient numpy 100 x 4 C +wrong", said)
    assert re.search(r"wrong in working tree: gradient numpy 100 x 4 C: NumpyWay:", said)
    assert max(map(len, said.splitlines())) <= 80
    assert re.search(r"solve numpy 100 x 4 C +2\.0% undecided +0", said)


def test_what_base_does_not_have_is_no_fault_of_head(repository: Path) -> None:
    append(repository, "\nNumpyWay._gradient = property(lambda self: 1 / 0)\n")
    assert command.main(["HEAD", "--minutes", "0"]) == 1
    commit(repository, "kernels")
    git(repository, "checkout", "HEAD~1", "kernels")
    assert command.main(["HEAD", "--minutes", "0"]) == 0


def test_a_process_knows_right_bits_and_asks_the_oracle_about_others(repository: Path) -> None:
    _, folder = builds.source("base", "HEAD")
    build = Build("base", folder, HERE)
    known = processes.verified(build, SMALL)
    digests = [known[cell.name]["right"]["right"] for cell in SMALL]
    assert [len(of) for of in digests] == [4, 1]  # points
    for right in known[SMALL[0].name]["right"], None:
        known[SMALL[0].name]["right"] = right
        assert processes.measured(build, SMALL, known).value.keys() == known.keys()
    append(repository, WRONG)
    _, folder = builds.source("head", None)
    found = processes.measured(Build("head", folder, HERE), SMALL, known).value
    assert set(found[SMALL[0].name]) == {"wrong"}
    assert set(found[SMALL[1].name]) == {"seconds"}


@pytest.mark.slow
def test_a_gradient_that_is_computed_twice_is_slower(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(repository, TWICE)
    file = repository / "table.md"
    assert command.main(["HEAD", "--minutes", "2", "--markdown", str(file)]) == 1
    assert re.search(r"gradient numpy 100 x 4 C .* slower", capsys.readouterr().out)
    assert "**slower**" in file.read_text()


@pytest.mark.slow
def test_a_commit_is_not_slower_than_itself(repository: Path) -> None:
    assert command.main(["HEAD", "HEAD", "--minutes", "0.3"]) == 0


def test_ten_percent_are_found_in_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, noisy)
    compared = two("slow")
    compared.verify(lambda _: None)
    compared.run(5, lambda _: None)
    verdicts = [compared.comparison.cells[cell.name].verdict for cell in LANES["kernels"]]
    assert verdicts.count("slower") >= len(verdicts) - 1
    assert table.is_worse(compared)
    assert table.rows(compared)[0].verdict == "slower"


def test_the_time_is_kept_and_what_is_decided_is_no_longer_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulate(monkeypatch, lambda rng, *_: 1e-5 * math.exp(rng.gauss(0, 0.005)))
    compared, told = two(), list[str]()
    compared.verify(lambda _: None)
    compared.run(5, told.append)
    assert {cell.verdict for cell in compared.comparison.cells.values()} == {"equal"}
    assert compared.seconds < 300
    assert "21 of 21 cells decided" in told[-1]
    simulate(monkeypatch, lambda rng, *_: 1e-5 * math.exp(rng.gauss(0, 0.5)))
    compared = two()
    compared.verify(lambda _: None)
    compared.run(1, lambda _: None)
    assert 57 <= compared.seconds <= 60
    assert not table.is_worse(compared)


def test_lanes_have_their_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, lambda rng, *_: 1e-5 * math.exp(rng.gauss(0, 0.5)))
    compared = two()
    compared.verify(lambda _: None)
    compared.run(5, lambda _: None)
    pairs = {
        lane: len(compared.comparison.cells[cells[0].name].base) for lane, cells in LANES.items()
    }
    assert sum(SHARES.values()) == pytest.approx(1)
    assert pairs == {lane: pytest.approx(100 * share, abs=2) for lane, share in SHARES.items()}


def test_a_build_whose_processes_fail_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, noisy)

    def fails(build: Build, cells: Sequence[Cell], _: Any) -> Outcome:
        if build.label == "head":
            return Outcome(None, "timed out after 60 s", 60.0)
        return Outcome({cell.name: {"seconds": 1.0} for cell in cells}, "", 1.0)

    monkeypatch.setattr(session, "measured", fails)
    compared = two()
    compared.verify(lambda _: None)
    compared.run(5, lambda _: None)
    assert {row.verdict for row in table.rows(compared)} == {"fails"}
    assert "fails in head" in table.text(compared)
    assert table.is_worse(compared)


def test_interrupted_it_says_what_it_has(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "measured", interrupt)
    assert command.main(["HEAD"]) == 130
    assert "2 undecided of 2 cells" in capsys.readouterr().out


def test_tables_are_of_80_columns_and_of_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(monkeypatch, noisy)
    compared = two("slow")
    compared.verify(lambda _: None)
    compared.run(5, lambda _: None)
    lines = table.text(compared).splitlines()
    assert max(map(len, lines)) <= 80
    assert re.fullmatch(r"gradient.* 1\.\d{3} 1\.\d{3}-1\.\d{3} +\d\.\d% +slower +\d+", lines[2])
    rows = [line for line in table.markdown(compared).splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {7}
    assert len(rows) == 2 + 21


def test_what_drives_it_needs_no_numpy() -> None:
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['numpy', 'kernels', 'numba', 'torch']));"
        "import suites.compare.__main__, suites.compare.trials"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_names_of_cells_are_distinct_and_fit_the_table() -> None:
    names = [cell.name for cells in LANES.values() for cell in cells]
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 38


# The trials


def test_the_wait_is_a_share_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 0.25
        return clock[0]

    class NumbaWay:
        def _gradient(self, w: float) -> float:
            clock[0] += 100.0
            return 2 * w

    names: dict[str, Any] = {"NumbaWay": NumbaWay}
    monkeypatch.setattr("time.perf_counter", tick)
    exec(arms._WAIT.format(share=0.1), names)
    assert NumbaWay()._gradient(3.0) == 6.0
    assert clock[0] == pytest.approx(110.25, abs=1)


def test_the_arms_are_copies_of_which_three_wait(repository: Path) -> None:
    found = arms.built(HERE)
    text = {arm: (b.kernels / "kernels/ways/numba.py").read_text() for arm, b in found.items()}
    assert len({build.kernels for build in found.values()}) == 5
    assert text["A"] == text["A again"]
    for arm, share in (("5 %", 0.05), ("10 %", 0.1), ("20 %", 0.2)):
        assert text[arm].startswith(text["A"])
        assert f"_gradient, {share})" in text[arm]
        compile(text[arm], arm, "exec")


def simulated(rng: random.Random, build: Build, cell: Cell) -> float:
    percent = arms.SLOWER.get(build.label, 0) if arms.is_slowed(cell.name) else 0
    return 2e-5 * math.exp(rng.gauss(0, 0.01)) * (1 + percent / 100)


PAGE = "x\n<!-- trials -->\nold\n<!-- end of trials -->\ny\n"


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three simulated trials, and where they are written to."""
    simulate(monkeypatch, simulated)
    monkeypatch.setattr(trials, "interpreter", lambda *_: HERE)
    monkeypatch.setattr(
        trials, "built", lambda _: {a: Build(a, Path(a), HERE) for a in ["A", *arms.SLOWER]}
    )
    monkeypatch.setattr(trials, "_FOLDER", tmp_path)
    monkeypatch.setattr(trial_report, "_KEPT", tmp_path / "kept.jsonl")
    trials.run("quiet", 3, 5)
    return tmp_path / "quiet.jsonl"


def test_trials_find_what_is_there_and_nothing_else(recorded: Path) -> None:
    for trial in trials.replayed(recorded, 5).values():
        assert trial.open_arms() == []
        for arm, comparison in trial.comparisons.items():
            for name, cell in comparison.cells.items():
                if arm in ("10 %", "20 %") and arms.is_slowed(name):
                    assert cell.verdict == "slower" or name not in trial.decided[arm]
                else:
                    assert cell.verdict in ("equal", "undecided", "slower")
        slower = [c.verdict for n, c in trial.comparisons["10 %"].cells.items()].count("slower")
        assert slower == sum(arms.is_slowed(cell.name) for cell in LANES["kernels"])
        assert "slower" not in {c.verdict for c in trial.comparisons["A again"].cells.values()}


def test_trials_that_were_interrupted_go_on(recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    whole = trials.replayed(recorded, 5)
    recorded.write_text("".join(lines[: len(lines) // 2]))
    trials.run("quiet", 3, 5)
    again = trials.replayed(recorded, 5)
    assert again.keys() == whole.keys()
    assert verdicts(again[0]) == verdicts(whole[0])
    before = recorded.read_text()
    trials.run("quiet", 3, 5)
    assert recorded.read_text() == before


def test_trials_that_are_reported_are_not_run_again(recorded: Path) -> None:
    """Elsewhere, where their processes are not: only what is missing of twenty is measured."""
    trial_report.keep("quiet", 5, trials.replayed(recorded, 5))
    assert trial_report.numbers("quiet", 5) == {0, 1, 2}
    recorded.unlink()
    trials.run("quiet", 4, 5)
    more = trials.replayed(recorded, 5)
    assert more.keys() == {3}
    trial_report.keep("quiet", 5, more)
    assert trial_report.numbers("quiet", 5) == {0, 1, 2, 3}


def test_with_more_minutes_a_trial_that_found_all_is_not_run_on(recorded: Path) -> None:
    short = trials.replayed(recorded, 5)
    trial_report.keep("quiet", 2, short)
    assert trial_report.numbers("quiet", 4) == {0, 1, 2}
    missed = trial_report.kept()
    cell = next(arm for arm in missed if arm["trial"] == 1 and arm["arm"] == "10 %")["cells"]
    cell["gradient numba 10000 x 30 C"][0] = "undecided"
    trial_report._KEPT.write_text("".join(json.dumps(arm) + "\n" for arm in missed))
    assert trial_report.numbers("quiet", 2) == {0, 1, 2}
    assert trial_report.numbers("quiet", 4) == {0, 2}
    trial_report.keep("quiet", 4, {1: short[1]})
    assert trial_report.numbers("quiet", 4) == {0, 1, 2}
    assert "3 trials" in (page := trial_report.page(PAGE, trial_report.kept()))
    assert "2 of 2 and 1 of 4 minutes" in page


def verdicts(trial: arms.Trial) -> dict[str, list[str]]:
    return {
        arm: [cell.verdict for cell in comparison.cells.values()]
        for arm, comparison in trial.comparisons.items()
    }


def test_an_arm_is_judged_by_the_test_of_a_comparison() -> None:
    """At the level that a cell has among all those of make compare."""
    trial = arms.Trial(0, 5)
    (level,) = {
        c.level for comparison in trial.comparisons.values() for c in comparison.cells.values()
    }
    assert level == Evidence(0.05 / sum(map(len, LANES.values()))).level


def test_the_report_is_of_what_was_recorded(recorded: Path) -> None:
    trial_report.keep("quiet", 5, trials.replayed(recorded, 5))
    kept = trial_report.kept()
    assert len(kept) == 3 + 1 + 3 + 1  # two arms are in one trial of four
    page = trial_report.page(PAGE, kept)
    assert "old" not in page
    assert "Not recorded yet." in page  # under load
    assert re.search(
        r"\| gradient numba 10000 x 30 C \| [\d.]+ \| \d.* \| 3 slower \| 1 slower \|", page
    )
    cells = sum(arms.is_slowed(cell.name) for cell in LANES["kernels"])
    assert f"10 % slower: found in {3 * cells} of {3 * cells} cells" in page
    assert "in all of a trial's in 3 of 3." in page
    # Each condition stands for itself.
    trial_report.keep("load", 5, trials.replayed(recorded, 5))
    trial_report.keep("quiet", 5, {})
    assert len(trial_report.kept()) == 2 * len(kept)


def test_the_page_shows_the_trials_that_are_kept() -> None:
    text = (ROOT / "docs" / "compare.md").read_text()
    assert trial_report.page(text, trial_report.kept()) == text
    for line in (ROOT / "docs").glob("compare_trials.jsonl"):
        for arm in line.read_text().splitlines():
            assert json.loads(arm)["arm"] in arms.SLOWER

"""Which routine can be trusted: how answers are told apart, and whether witnesses still witness."""

import re
import runpy
import sys
import textwrap
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kernels import WAYS, LeastSquares, Solution
from report.benchmarks import CONFORMANCE
from report.results import Cell
from report.views.conformance import by_versions, in_words
from suites import conformance, gradient, peers
from suites.conform import survey as surveying
from suites.conform.cases import GROUPS, Case, cases
from suites.conform.files import WITNESSES as FOLDER
from suites.conform.gradients import PEERS, lacking
from suites.conform.registry import routines, version_of
from suites.conform.routine import Claim, RefusedError, Routine
from suites.conform.survey import survey
from suites.conform.trial import CHANGES, CRASHES, NO, OUTSIDE, Trial, tried, verdict_on
from suites.data import problems
from suites.data.families import FAMILIES
from suites.harness.group import Findings
from suites.harness.verified import Truth, Verified
from suites.judge import SolutionJudge, exact_solution

WITNESSES = sorted(FOLDER.glob("*.py"))


def case(family: str = "duplicated column") -> Case:
    posed = FAMILIES[family](40, 6)
    return Case(family, posed.problem, posed.rank)


def verdict(solve: Any, claim: Claim | None = None, of: Case | None = None) -> str:
    return tried(Routine("it", solve, claim or Claim(), ""), of or case(), "default").verdict


def least_norm(X: Any, y: Any, rcond: Any) -> Any:
    return np.linalg.lstsq(X, y)[0], None


def test_right_and_wrong_are_told_apart() -> None:
    assert verdict(least_norm) == "right"
    assert verdict(lambda X, y, rcond: (least_norm(X, y, None)[0] + 1, None)) == "wrong"
    slightly = verdict(lambda X, y, rcond: (least_norm(X, y, None)[0] * (1 + 1e-11), None))
    assert re.fullmatch(r"loses \d\.\d digits", slightly)
    assert verdict(lambda X, y, rcond: (least_norm(X, y, None)[0], 6)) == "wrong"  # the rank is 5


def test_a_routine_may_say_no_in_any_way() -> None:
    def raising(X: Any, y: Any, rcond: Any) -> Any:
        raise np.linalg.LinAlgError("singular")

    def flagged(X: Any, y: Any, rcond: Any) -> Any:
        raise RefusedError

    def warned(X: Any, y: Any, rcond: Any) -> Any:
        from scipy.linalg import LinAlgWarning

        warnings.warn("ill-conditioned", LinAlgWarning, stacklevel=1)
        return np.zeros(X.shape[1]), None

    def undefined(X: Any, y: Any, rcond: Any) -> Any:
        return np.full(X.shape[1], np.nan), None

    assert {verdict(it) for it in (raising, flagged, warned, undefined)} == {NO}


def test_a_warning_beside_a_right_answer_does_no_harm() -> None:
    def cautious(off: float) -> Any:
        def solve(X: Any, y: Any, rcond: Any) -> Any:
            warnings.warn("X is rank deficient", UserWarning, stacklevel=1)
            return least_norm(X, y, None)[0] + off, None

        return solve

    assert verdict(cautious(0.0)) == "right"
    assert verdict(cautious(1.0)) == NO


def test_what_changes_from_call_to_call_is_not_deterministic() -> None:
    answers = iter([0.0, 1.0, 0.0])

    def changing(X: Any, y: Any, rcond: Any) -> Any:
        return least_norm(X, y, None)[0] + next(answers), None

    assert verdict(changing) == CHANGES


def test_each_is_held_to_its_own_claim() -> None:
    assert verdict(least_norm, Claim(deficient=False)) == OUTSIDE
    assert verdict(least_norm, Claim(wide=False), case("wide")) == OUTSIDE
    to_six = Claim(tolerance=1e-6)
    assert verdict(lambda X, y, rcond: (least_norm(X, y, None)[0] * (1 + 1e-7), None), to_six) == (
        "right"
    )
    assert verdict(lambda X, y, rcond: (least_norm(X, y, None)[0] * 1.01, None), to_six) == "wrong"


def test_cases_are_the_same_at_each_call_and_of_every_kind() -> None:
    once, again = (list(cases()) for _ in range(2))
    assert [c.name for c in once] == [c.name for c in again]
    assert len({c.name for c in once if c.family != "tables with units"}) == len(
        [c for c in once if c.family != "tables with units"]
    )
    assert {c.family for c in once} > set(FAMILIES)
    assert {str(c.problem.dtype) for c in once} == {"float32", "float64"}
    assert any(c.is_wide for c in once)
    assert max(c.problem.n for c in once) >= 20_000


def test_our_own_are_never_wrong() -> None:
    for routine in routines("fourways").values():
        for number, of in enumerate(cases()):
            if number % 4 == 0:
                found = tried(routine, of, "default")
                assert found.verdict in ("right", NO, OUTSIDE), found


def runner(folder: Path, body: str) -> Any:
    """Return what gives the command of a library that does as its lines say."""
    script = folder / "library.py"
    script.write_text(
        "import json, os, sys, time\n"
        "first = int(sys.argv[2])\n"
        "for k in range(first, 4):\n"
        "    trial = dict(routine='it', rule='default', family='f', case=str(k), verdict='')\n"
        "    print(json.dumps(trial | {'number': k}), flush=True)\n"
        + textwrap.indent(body, "    ")
        + "\n    print(json.dumps(trial | {'verdict': 'right'}), flush=True)\n"
    )
    return lambda library, first, path: [sys.executable, str(script), library, str(first)]


@pytest.mark.parametrize("body", ["if k == 1: os._exit(3)", "if k == 1: time.sleep(60)"])
def test_what_crashes_or_hangs_is_one_trial(
    tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "_PATIENCE", 2.0)
    found = list(survey("it", runner(tmp_path, body)))
    assert [trial.verdict for trial in found] == ["right", CRASHES, "right", "right"]


def test_a_library_that_does_not_start_is_said(tmp_path: Path) -> None:
    script = tmp_path / "none.py"
    script.write_text("raise ImportError('no such library')")
    with pytest.raises(RuntimeError, match="no such library"):
        list(survey("it", lambda *given: [sys.executable, str(script)]))


def trials(*verdicts: str) -> list[Trial]:
    return [Trial("it", "default", "wide", str(k), v) for k, v in enumerate(verdicts)]


def test_a_cell_is_the_worst_of_its_cases() -> None:
    assert in_words({"right": 2}) == "right"
    assert in_words({"right": 1, "wrong": 1}) == "wrong, 1 of 2"
    assert in_words({"loses": 1, NO: 1}) == "loses, 1 of 2"
    assert in_words({}) == "-"


def test_releases_are_compared_in_the_order_of_their_versions() -> None:
    """A record with more libraries stands for an earlier one that agrees with it."""

    def record(commit: str, **environment: str) -> Any:
        versions = {"numpy": "2.4.6", "scipy": "1.17.1", "torch": "2.13.0"} | environment
        cells = {("numpy.linalg.lstsq", "wide", "right"): Cell(1.0)}
        return SimpleNamespace(
            commit=commit,
            environment=versions,
            benchmarks=lambda: {CONFORMANCE},
            version=lambda _: "1",
            cells=lambda _: cells,
        )

    first, newer = record("first"), record("newer", torch="2.14.1")
    older, again = record("older", numpy="2.2.10"), record("again", dask="2026.8.0")
    assert by_versions([first, newer, older, again]) == [older, again, newer]
    assert by_versions([again, first]) == [first, again]


def test_the_command_prints_counts_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways import conform
    from fourways.cli import main

    monkeypatch.setattr(conform, "survey", lambda library: trials("right", "wrong"))
    found = tmp_path / "found.json"
    assert main(["conform", "numpy", "--json", str(found)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"numpy {version_of('numpy')}")
    assert '"verdict": "wrong"' in found.read_text()
    assert main(["conform", "nimpy"]) == 2
    assert "no library 'nimpy'; there are numpy, scipy" in capsys.readouterr().err


def test_the_suite_counts_verdicts_and_a_wrong_one_of_ours_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [*trials("right", "wrong", "wrong", OUTSIDE), Trial("it", "ours", "wide", "4", "right")]
    monkeypatch.setattr(conformance, "survey", lambda library: given)
    found = Findings()
    conformance.Libraries.measure(found, "numpy")
    counted = {kind: found.figures[kind]["it: wide"] for kind in ("wrong", "right", "loses")}
    assert counted == {"wrong": [2], "right": [1], "loses": [0]}
    assert found.figures["right"]["it, by our rule: wide"] == [1]
    assert not found.wrong
    conformance.Libraries.measure(found, "fourways")
    assert "it: wide" in found.wrong


def test_a_library_that_is_not_installed_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "version_of", lambda library: None)
    found = Findings()
    conformance.Libraries.measure(found, "numpy")
    assert not found.figures
    with pytest.raises(NotImplementedError, match="numpy is not installed"):
        conformance.Conformance().setup("numpy.linalg.lstsq", "wide", "right")


def test_every_case_is_of_one_group() -> None:
    families = [family for group in GROUPS.values() for family in group]
    assert len(families) == len(set(families))
    assert {of.family for of in cases()} <= set(families)


@pytest.mark.filterwarnings("ignore")  # torch.compile's own
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "torch.compile")) for name in PEERS],
)
@pytest.mark.parametrize("shape", [(40, 6), (20_000, 30)])
def test_the_gradient_by_other_libraries_is_right(name: str, shape: tuple[int, int]) -> None:
    if why := lacking(name):
        pytest.skip(why)
    problem = problems.gaussian(*shape)
    truth = Truth(problem)
    peer: Any = PEERS[name](problem)
    truth.let_threads_be()  # those of torch.compile
    Verified(peer, truth, ["gradient"])


def test_gradients_are_timed_beside_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient, "ROWS", [100])
    monkeypatch.setattr(peers, "PEERS", {"torch.func": PEERS["torch.func"]})
    found = Findings()
    peers.Sizes.measure(found, 4)
    assert not found.wrong
    names = [f"{name}: 100" for name in (*WAYS, "torch.func")]
    assert sorted(found.figures["time"]) == sorted(names)
    assert all(min(found.figures["speed-up"][name]) > 0 for name in names)


def test_solvers_are_timed_beside_minimum_norm_where_they_are_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = {
        name: ("numpy", Routine(name, solve, Claim(), ""))
        for name, solve in {
            "right": least_norm,
            "wrong": lambda X, y, rcond: (least_norm(X, y, None)[0] + 1, None),
        }.items()
    }
    monkeypatch.setattr(peers, "_ROUTINES", chosen)
    found = Findings()
    peers.TallProblems.measure(found, "duplicated column", "400 x 10")
    assert list(found.figures["over ours"]) == ["right"]
    assert min(found.figures["over ours"]["right"]) > 0


def test_there_are_witnesses() -> None:
    assert len(WITNESSES) >= 10


@pytest.mark.parametrize("file", WITNESSES, ids=lambda file: file.stem)
def test_witnesses_still_witness(file: Path) -> None:
    """One that no longer does is news: its library was repaired."""
    said = re.match(r'"""(.+), (\S+) (\S+?)(?:, alpha = .*)?\."""', file.read_text())
    assert said
    name, library, version = said.groups()
    if version_of(library) is None:
        pytest.skip(f"{library} is not installed")
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        names = runpy.run_path(str(file))
    routine = routines(library)[name]
    problem = LeastSquares(names["X"], names["y"], routine.claim.alpha)
    exact = exact_solution(LeastSquares(names["X"], names["y"]))
    judge = SolutionJudge(problem, exact.rank)
    answers = names.get("answers", {tuple(np.asarray(names.get("w", ())))})
    came = [Solution(np.array(w), None, name, routine.claim.alpha) for w in answers]
    news = f"news: {library} {version_of(library)} has repaired {name}, wrong in {version}"
    assert any(verdict_on(routine.claim, judge, answer) == "wrong" for answer in came), news

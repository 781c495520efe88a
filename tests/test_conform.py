"""Which routine can be trusted: how answers are told apart, and whether witnesses still witness."""

import re
import runpy
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fourways.conform import table, worst
from kernels import LeastSquares
from suites.conform import survey as surveying
from suites.conform.cases import Case, cases
from suites.conform.registry import routines, version_of
from suites.conform.routine import Claim, RefusedError, Routine
from suites.conform.survey import survey
from suites.conform.trial import CHANGES, CRASHES, NO, OUTSIDE, Trial, tried
from suites.data.families import FAMILIES
from suites.judge import SolutionJudge, exact_solution

WITNESSES = sorted((Path(__file__).parents[1] / "docs" / "witnesses").glob("*.py"))


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
    assert max(c.problem.n for c in once) == 20_000


def test_our_own_are_never_wrong() -> None:
    for routine in routines("fourways").values():
        for number, of in enumerate(cases()):
            if number % 4 == 0:
                found = tried(routine, of, "default")
                assert found.verdict in ("right", NO, OUTSIDE), found


def runner(folder: Path, body: str) -> list[str]:
    """Return the command of a library that does as its lines say."""
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
    return [sys.executable, str(script)]


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
        list(survey("it", [sys.executable, str(script)]))


def trials(*verdicts: str) -> list[Trial]:
    return [Trial("it", "default", "wide", str(k), v) for k, v in enumerate(verdicts)]


def test_a_cell_is_the_worst_of_its_cases() -> None:
    assert worst(trials("right", "right")) == "right"
    assert worst(trials("right", "wrong", OUTSIDE)) == "wrong, 1 of 2"
    assert worst(trials("loses 3.1 digits", NO)) == "loses, 1 of 2"
    assert worst(trials(OUTSIDE)) == "-"
    assert "| wrong, 1 of 2" in table({"numpy": trials("right", "wrong")}, Path("none"))


def test_the_command_writes_json_and_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways import conform
    from fourways.cli import main

    monkeypatch.setattr(conform, "survey", lambda library: trials("right", "wrong"))
    page, found = tmp_path / "page.md", tmp_path / "found.json"
    page.write_text("above\n<!-- conform -->\nold\n<!-- end -->\nbelow\n")
    assert main(["conform", "numpy", "--json", str(found), "--document", str(page)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"numpy {version_of('numpy')}")
    assert '"verdict": "wrong"' in found.read_text()
    assert "old" not in page.read_text()
    assert page.read_text().startswith("above\n<!-- conform -->\n\n| routine")
    assert main(["conform", "nimpy"]) == 2
    assert "no library 'nimpy'; there are numpy, scipy" in capsys.readouterr().err


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
    worst_of = max(max(judge.ratios(np.array(answer)).values()) for answer in answers)
    news = f"news: {library} {version_of(library)} has repaired {name}, wrong in {version}"
    assert worst_of > 1e6, news

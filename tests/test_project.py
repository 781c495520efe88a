"""One set of versions is tested: asv's pins and pyproject's ranges are held to it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from asv.config import Config
from packaging.requirements import Requirement

from report.machines import by_machine

ROOT = Path(__file__).parent.parent
CONSTRAINTS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_asv_pins_what_the_constraints_file_pins() -> None:
    matrix = Config.load(str(ROOT / "asv.conf.json")).matrix["req"]
    pins = {name.removeprefix("pip+"): versions for name, versions in matrix.items()}
    assert pins == {name: [CONSTRAINTS[name]] for name in pins}


def test_asv_installs_every_dependency_of_the_benchmarks() -> None:
    configuration = Config.load(str(ROOT / "asv.conf.json"))
    matrix = configuration.matrix["req"]
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["suites"]
    names = {Requirement(line).name for line in needed}
    installed = " ".join(configuration.install_command)  # what stays out of the name
    assert all(name in matrix or f"pip+{name}" in matrix or name in installed for name in names)


@pytest.mark.parametrize(
    "line",
    [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ],
)
def test_ranges_admit_the_pins(line: str) -> None:
    requirement = Requirement(line)
    if requirement.name != "fourways":
        assert requirement.specifier.contains(CONSTRAINTS[requirement.name])


RECORDED = sorted((ROOT / "results").glob("*/*-*.json"))


def test_every_recorded_commit_is_on_main() -> None:
    """asv drops the results of a commit that left the branch, without a word."""
    shallow = git("rev-parse", "--is-shallow-repository") == "true"
    if shallow:
        pytest.skip("a shallow clone does not know what is on main")
    for path in RECORDED:
        commit = path.name.partition("-")[0]
        assert git("merge-base", "--is-ancestor", commit, "HEAD") == "", f"{commit} is not on main"


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def test_machines_are_distinct() -> None:
    described = [json.loads(path.read_text()) for path in ROOT.glob("results/*/machine.json")]
    assert len({json.dumps(m | {"machine": ""}, sort_keys=True) for m in described}) == len(
        described
    )


# Wrong answers are what these are for: solvers that others wrote, judged.
MAY_FAIL = {"rank_deficient.Time.track_time"}


def test_no_benchmark_is_silently_missing_or_failed() -> None:
    """Every benchmark that there is has been recorded somewhere, and none but solvers failed."""
    runs = [run for machine in by_machine().values() for run in machine]
    known = json.loads((ROOT / "results" / "benchmarks.json").read_text())
    users = {name for name in known if name.startswith("user_data.")}  # not the project's
    for name in known.keys() - {"version"} - users:
        assert any(run.cells(name) for run in runs), f"{name} was never recorded"
    for run in runs:
        assert set(run.failures()) <= MAY_FAIL, run.commit


def test_asv_knows_every_key_of_its_configuration() -> None:
    """asv accepts a misspelt key without a word."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / "asv.conf.json").read_text(), flags=re.MULTILINE)
    assert set(json.loads(text)) - {"version"} <= set(vars(Config()))


def test_recorded_results_name_the_machine_they_lie_under() -> None:
    for path in (ROOT / "results").glob("*/machine.json"):
        assert json.loads(path.read_text())["machine"] == path.parent.name
        for recorded in path.parent.glob("*-*.json"):
            assert re.match(r"[0-9a-f]{8}-", recorded.name)
            json.loads(recorded.read_text(), parse_constant=lambda _: None)


def test_the_hooks_are_the_commands_of_make_lint() -> None:
    """A commit that passes them passes `make lint`; white space is git's to look at."""
    text = (ROOT / "Makefile").read_text()
    recipe = re.search(r"(?m)^lint:.*\n((?:\t.*\n)+)", text)
    assert recipe
    lint = [line.strip().replace("$(TEST)", ".venv/test") for line in recipe[1].splitlines()]
    hooks = re.findall(r"entry: (.+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks == ["git diff --cached --check", *lint]


def test_the_workflow_runs_what_is_run_in_a_clone() -> None:
    """On each version of Python that the classifiers name, and nothing else but what it needs."""
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    (versions,) = re.findall(r"python: (\[.+\])", workflow)
    name = "Programming Language :: Python :: "
    classified = [line.removeprefix(name) for line in PROJECT["classifiers"] if name in line]
    assert json.loads(versions) == classified
    assert "- run: .ci/run\n" in workflow
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


@pytest.mark.parametrize("package", ["kernels", "suites", "report", "fourways"])
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_citation_has_the_version_of_the_project() -> None:
    assert f"\nversion: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("name", ["kernels", "suites", "report"])
def test_another_package_before_ours_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    places = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "fourways.cli", "ways"],
        cwd=ROOT.parent,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
    )
    said = f"fourways: another package named {name} stands before ours: {tmp_path / name}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_looking_for_packages_imports_none() -> None:
    """The command line is there before NumPy is."""
    check = (
        "import sys, fourways.cli as c; c._require_own_packages(); print('numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

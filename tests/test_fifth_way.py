"""A fifth way is one file and one line: tried in a scratch copy of the project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels import WAYS
from report.machines import by_machine
from report.page import page

ROOT = Path(__file__).parent.parent
COPIED = ("kernels", "suites", "report", "fourways", "tests", "pyproject.toml")

# As CONTRIBUTING.md has it.
_TEXT = (ROOT / "CONTRIBUTING.md").read_text()
MINE = _TEXT.partition("```python\n")[2].partition("```")[0]
LINE = '        "mine": "kernels.ways.mine:MineWay",\n'


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one file and one line more."""
    folder = tmp_path_factory.mktemp("scratch")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    (folder / "kernels/ways/mine.py").write_text(MINE)
    registry = folder / "kernels/registry.py"
    text = registry.read_text()
    last = next(line for line in text.splitlines(keepends=True) if '"scipy": "kernels.' in line)
    registry.write_text(text.replace(last, last + LINE))
    return folder


def run(folder: Path, *arguments: str) -> str:
    """Return what a Python command of the copy prints."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_pick_it_up(scratch: Path) -> None:
    files = ("tests/test_contract.py", "tests/test_gradient.py")
    options = ("-k", "mine", "-p", "no:xdist", "-p", "no:cacheprovider")
    said = run(scratch, "-m", "pytest", *files, *options).splitlines()[-1]
    assert int(said.split(" passed")[0].split()[-1]) > 40


def test_the_command_lists_it(scratch: Path) -> None:
    assert "What it computes, the formula, its cost." in run(scratch, "-m", "fourways.cli", "ways")


@pytest.mark.slow
def test_the_command_judges_and_times_it(scratch: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(scratch / "data.npz", X=rng.standard_normal((200, 3)), y=rng.standard_normal(200))
    said = run(scratch, "-m", "fourways.cli", "compare", "data.npz")
    row = next(line.split() for line in said.splitlines() if line.startswith("mine"))
    assert row[2] == "right"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newest record of the gradients with a fifth way in it, twice as fast as the first."""
    path = max(
        (p for p in ROOT.glob("results/*/*.json") if "Gradient.time_gradient" in p.read_text()),
        key=lambda p: int(json.loads(p.read_text())["date"]),
    )
    folder = tmp_path_factory.mktemp("results") / path.parent.name
    folder.mkdir()
    record = json.loads(path.read_text())
    for cells in record["results"].values():
        _add_a_way(cells)
    (folder / path.name).write_text(json.dumps(record))
    shutil.copy(path.parent / "machine.json", folder)
    return folder.parent


def _add_a_way(cells: list[Any]) -> None:
    """Put "mine" before the ways of one benchmark, with the figures of the first halved."""
    params = cells[1]
    if cells[0] is None or not params or params[0] != [repr(name) for name in WAYS]:
        return
    count = len(cells[0]) // len(params[0])
    for column in (0, 5, 6, 7, 8):  # result, interval, quartiles
        if len(cells) > column and isinstance(cells[column], list):
            first = [v / 2 if isinstance(v, float) else v for v in cells[column][:count]]
            cells[column][:0] = first
    for column in (9, 10, 11):
        if len(cells) > column and isinstance(cells[column], list):
            cells[column][:0] = cells[column][:count]
    params[0].insert(0, "'mine'")


def test_the_tables_have_a_column_for_it(scratch: Path, recorded: Path) -> None:
    (path,) = recorded.glob("*/*-*.json")
    commit = json.loads(path.read_text())["commit_hash"]
    said = run(scratch, "-m", "report.table", path.parent.name, commit, str(recorded))
    header = next(line for line in said.splitlines() if "numba" in line and "fastest" in line)
    assert header.split()[:3] == ["n", "p", "mine"]


def test_the_page_draws_it_in_a_colour_of_its_own(recorded: Path) -> None:
    browsers = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, browsers)), None)
    if browser is None:
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    file = recorded / "four-ways.html"
    file.write_text(page(by_machine(recorded), in_site=False))
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox"]
        ).new_page()
        window.goto(file.as_uri())
        window.wait_for_selector("#times svg")
        drawn = "#times svg .mark-symbol.role-legend-symbol path"
        colours = window.eval_on_selector_all(
            drawn, "all => all.map(one => one.getAttribute('stroke') || one.getAttribute('fill'))"
        )
        legend = window.locator("#times svg .role-legend-label text").all_text_contents()
    assert "mine" in legend
    assert len(set(colours)) == len(legend) == len(WAYS) + 2  # and the read limit

"""What the documents say can be done: their blocks run, their links and commands exist."""

import ast
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kernels.autograd.graph import recorded, regression_loss
from kernels.rank.equilibration import one_size
from suites.data import nist
from tests.stranger import write_prices
from tests.test_nist import written

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")]
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

_CODE = re.compile(r"```.*?```|^    .*?$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SESSION = re.compile(r"(?m)^    \$ (.+)\n((?:^(?:    .*)?\n)*)")


def test_every_block_of_the_lesson_gives_what_it_says() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(DOCS / "lesson.md"), module_relative=False, optionflags=flags)
    assert found.attempted > 20
    assert found.failed == 0


@pytest.mark.parametrize(("page", "alpha"), [("lesson.md", 1.0), ("autograd.md", 0.0)])
def test_the_picture_of_the_graph_is_the_one_that_is_drawn(page: str, alpha: float) -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert drawn.strip() == recorded(regression_loss(100, 4, alpha)).mermaid()


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pages
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", page.read_text())):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> list[str]:
    """Return the headings of a page as Markdown viewers link to them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pages
def test_commands_that_are_named_are_targets_of_the_makefile(page: Path) -> None:
    rules = re.findall(r"(?m)^([a-z- ]+):(?!=)", (ROOT / "Makefile").read_text())
    targets = [name for names in rules for name in names.split()]
    named = re.findall(r"(?m)(?:`|^ *|&& )(?:[A-Z_]+=\S+ )*make ([a-z-]+)", page.read_text())
    assert set(named) <= set(targets)


def test_the_readme_names_the_commands_that_a_user_needs() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in (
        "test",
        "bench",
        "bench-all",
        "compare",
        "bench-quick",
        "tables",
        "html",
        "report",
        "preview",
    ):
        assert f"make {name}" in readme


@pages
def test_modules_that_are_run_exist(page: Path) -> None:
    for name in re.findall(r"python -m ((?:kernels|suites|report)[\w.]+)", page.read_text()):
        assert (ROOT / name.replace(".", "/")).with_suffix(".py").is_file(), name


@pages
def test_blocks_of_python_are_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        if ">>>" not in block:
            ast.parse(block)


def test_the_session_on_a_file_of_nist_is_what_the_command_prints(tmp_path: Path) -> None:
    """But for half a digit: the last ones differ between processors."""
    told = session("python -m suites.data.nist Longley.dat", DOCS / "rank_deficiency.md")
    (tmp_path / "Longley.dat").write_text(written(nist.load("Longley"), "\n"))
    command = [sys.executable, "-m", "suites.data.nist", str(tmp_path / "Longley.dat")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    printed = done.stdout.splitlines()
    assert len(told) == len(printed)
    for expected, line in zip(told, printed, strict=True):
        *words, last = line.split()
        *expected_words, expected_last = expected.split()
        assert words == expected_words
        try:
            assert float(last) == pytest.approx(float(expected_last), abs=0.5), line
        except ValueError:
            assert last == expected_last


def test_the_condition_number_of_longley_is_the_one_that_is_told() -> None:
    page = " ".join((DOCS / "rank_deficiency.md").read_text().split())
    problem = nist.load("Longley").problem()
    X, Z = problem.X, one_size(problem.X, problem.y).Z
    assert f"the condition number of X is {_power(np.linalg.cond(X))}, and" in page
    assert f"and {_power(np.linalg.cond(Z))} once its columns" in page


def _power(number: float) -> str:
    return f"{number:.0e}".replace("e+0", "e")


def test_the_table_of_the_example_session_is_what_the_snippet_writes(tmp_path: Path) -> None:
    """And the diagnosis, which is no measurement, is what `fourways compare` prints."""
    page = DOCS / "your_own_data.md"
    told = session("fourways compare prices.csv --target price --intercept --dummies", page)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    write_prices(tmp_path)
    command = [sys.executable, "-m", "fourways.cli", "compare", "prices.csv"]
    command += ["--target", "price", "--intercept", "--dummies", "--threads", "1"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    printed = done.stdout.splitlines()
    told = [line.replace("2 threads", "1 thread") for line in told]
    until = told.index("the solution meant is that of least norm")
    assert printed[:until] == told[:until]
    tables = [
        [line.split()[:1] for line in lines[until : lines.index("Take, for")] if "[" in line]
        for lines in (printed, told)
    ]
    assert tables[0] == tables[1]


def session(command: str, page: Path) -> list[str]:
    """Return the lines that a page shows as the output of a command."""
    sessions = dict(_SESSION.findall(page.read_text()))
    return [line[4:] for line in sessions[command].rstrip("\n").split("\n")]


# What is measured has a unit of time or is a factor.
_MEASURED = re.compile(
    r"\d\s?(?:ns|µs|ms|s)\b|(?<!\+ )\b\d[\d.]*x\b|\b[\d.]+ (?:to [\d.]+ )?times\b"
)
_WRITTEN = re.compile(
    r"<!-- figures:.*?<!-- end -->|<!--=.*?<!--/-->|```.*?```|^    .*?$", re.DOTALL | re.MULTILINE
)


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS.glob("*.md")], ids=lambda p: p.name)
def test_no_time_and_no_factor_stands_in_prose_but_written_from_a_record(page: Path) -> None:
    """Trials aside, which say of themselves that they are in no record."""
    text = re.sub(r"(?ms)^## Trials$.*?(?=^## )", "", page.read_text())
    assert _MEASURED.findall(_WRITTEN.sub("", text)) == []

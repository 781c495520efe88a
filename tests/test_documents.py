"""The figures of the Markdown files are those that are recorded."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from report import picture
from report.documents import BLOCKS, documents, main, written
from report.figures import FigureError, figure
from report.machines import by_machine, foremost
from report.table import tables

MACHINES = by_machine()
TALL = "rank_deficient.Tall.track_speedup_over_lstsq"
FACTOR = f"{TALL} family=rank p/2; X=100000 x 50"


def asked(request: str) -> str:
    return figure(request, MACHINES)


def test_the_markdown_files_hold_what_is_recorded() -> None:
    for path in documents():
        _, stale, errors = written(path.read_text(), MACHINES)
        assert (stale, errors) == ([], []), f"{path}: run python -m report.documents"


def test_the_picture_shows_what_is_recorded() -> None:
    assert picture.comment_of(picture.PICTURE.read_bytes()) == picture.shown(MACHINES), (
        "run python -m report.picture"
    )


# Those of other libraries, and of clusters, are on the machine that has recorded them.
_PEERS = ("conformance", "releases", "peers", "weak scaling")
PEERS = [name for name in BLOCKS if name.startswith(_PEERS)]


@pytest.mark.parametrize(
    "name",
    [f"{name} on Xeon" if name in PEERS else name for name in BLOCKS if name != "last screen"],
)
def test_a_block_is_a_table_with_its_machine_and_commits(name: str) -> None:
    text = f"Before.\n\n<!-- figures: {name} -->\n<!-- end -->\n\nAfter.\n"
    new, stale, errors = written(text, MACHINES)
    assert (stale, errors) == ([name], [])
    lines = new.splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) > 4
    assert len({line.count(" | ") for line in rows}) == 1
    assert "2 cores, 24 GiB; commit" in lines[-5]
    assert lines[-3:] == ["<!-- end -->", "", "After."]
    assert written(new, MACHINES) == (new, [], [])


def test_the_last_screen_is_what_is_printed() -> None:
    text = "<!-- figures: last screen -->\n<!-- end -->\n"
    new, stale, errors = written(text, MACHINES)
    assert (stale, errors) == (["last screen"], [])
    fenced = new.partition("```\n")[2].partition("\n```")[0]
    records = MACHINES[foremost(MACHINES)]
    assert any(fenced.removeprefix(r.heading).strip() in tables(r) for r in records)
    assert fenced.startswith("commit ")
    assert max(map(len, fenced.splitlines())) <= 80
    assert written(new, MACHINES) == (new, [], [])


def test_figures_in_prose_are_written_and_stale_ones_are_named(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"It is <!--= {FACTOR} -->1.0<!--/--> times as fast.\n")
    assert main(["--check", str(path)]) == 1
    assert f"{path}: {FACTOR}: not as recorded" in capsys.readouterr().err
    assert "-->1.0<!--" in path.read_text()
    assert main([str(path)]) == 0
    assert path.read_text() == f"It is <!--= {FACTOR} -->{asked(FACTOR)}<!--/--> times as fast.\n"
    assert main(["--check", str(path)]) == 0


def test_another_line_break_is_not_another_figure() -> None:
    span = asked(TALL).replace(" to ", " to\n")
    text = f"<!--= {TALL.replace(' ', chr(10))}\n-->{span}<!--/-->"
    assert written(text, MACHINES) == (text, [], [])


def test_figures_are_those_of_the_newest_record_that_has_them() -> None:
    cells = _points(TALL)
    low, high = min(cells.values()), max(cells.values())
    assert asked(f"{TALL} as .2f") == f"{low:.2f} to {high:.2f}"
    assert asked(f"inverse {TALL} as .2f") == f"{1 / high:.2f} to {1 / low:.2f}"
    here = cells["rank p/2", "100000 x 50"]
    assert asked(f"{FACTOR} as .3f") == f"{here:.3f}"
    other = cells["duplicated column", "100000 x 50"]
    assert asked(f"{FACTOR} over family=duplicated column as .3f") == f"{here / other:.3f}"
    assert asked("compilation.FirstCall.track_cold_compile dtype=float64; order=C").endswith(" s")


def _points(benchmark: str) -> dict[tuple[str, ...], float]:
    records = MACHINES[foremost(MACHINES)]
    last = [record for record in records if record.cells(benchmark)][-1]
    return {key: cell.measured or 0.0 for key, cell in last.cells(benchmark).items()}


def test_another_machine_and_an_older_commit_can_be_asked_for() -> None:
    assert asked("machine") == MACHINES[foremost(MACHINES)][-1].machine
    assert "family 26" in asked("machine on family-26")
    share = "roofline.Roofline.track_share_of_read_limit"
    assert asked(f"commit {share} at d77b3b23 on model-17-2") == "d77b3b23"


def test_the_first_machine_is_the_last_on_which_every_suite_was_recorded() -> None:
    """Not the one with the most records, nor one that recorded some suites later."""

    def kept(date: int, suite: str) -> Any:
        return SimpleNamespace(date=date, run_at=0, benchmarks=lambda: {f"{suite}.track_time"})

    machines = {
        "all, long ago": [kept(1, "descent.Descent")] + 9 * [kept(1, "gradient.Gradient")],
        "all": [kept(2, "gradient.Gradient"), kept(3, "descent.Descent")],
        "some": [kept(2, "descent.Descent"), kept(4, "gradient.Gradient")],
    }
    assert foremost(machines) == "all"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("nothing.Here.track_it", "no benchmark nothing.Here.track_it"),
        (f"{TALL} x=1", "no parameter 'x': they are family, X"),
        (f"{TALL} X=1 x 1", "no X '1 x 1': they are 5000 x 50"),
        (f"{FACTOR} as pie", "'pie' is no format of a number"),
        (f"{FACTOR} over X=5000 x 50|50000 x 500", "over: one value for each name"),
        (f"{FACTOR} at 00000000", "no record of commit 00000000"),
        (f"{FACTOR} on Mars", "no machine with 'Mars' in its name"),
        (f"{TALL} at c192de3d on model-17-2", "nothing was measured there"),
    ],
)
def test_what_there_is_not_is_an_error(request_: str, message: str) -> None:
    with pytest.raises(FigureError) as raised:
        asked(request_)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("<!--= nothing.Here.track_it -->1<!--/-->", "no benchmark nothing.Here.track_it"),
        (
            "<!-- figures: nothing -->\n<!-- end -->",
            "nothing: no block nothing: they are last screen, gradient",
        ),
        (f"<!--= {FACTOR} -->1", "a marker that is not closed"),
    ],
)
def test_the_command_names_file_and_marker_of_an_error(
    marker: str, message: str, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "page.md"
    path.write_text(marker)
    assert main(["--check", str(path)]) == main([str(path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"{path}: ")
    assert message in said[0]
    assert path.read_text() == marker

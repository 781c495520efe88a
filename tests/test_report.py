"""The tables say what was measured, and never call a failed way fast."""

import gzip
import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernels import WAYS
from report.benchmarks import BENCHMARKS, CLUSTER_TIME, DESCENT, MESSAGES, SCHEDULER, SPEEDUP
from report.comparison import is_tie, noise, noise_in_words, too_noisy
from report.failures import failures, in_words
from report.machines import by_machine, records
from report.results import FOLDER, Cell, Newest, Record, between
from report.summary import summary
from report.table import main, of_autograd, of_descent, of_solvers, tables
from report.text import LEGEND, shown, spread
from report.views import VIEWS, Colours
from report.views.fastest import Fastest
from report.views.fastest import in_words as fastest_in_words
from report.views.scaling import weak_scaling
from report.views.times import gradients, pays_after
from report.ways import factored, recorded

MACHINE = "AMD-EPYC-family-25-model-17-2-cores-24-GiB"
FAILED = Cell(None)
SKIPPED = Cell(math.nan)


def around(value: float, width: float = 0.01) -> Cell:
    return Cell(value, value - width, value + width)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(7.49e-7), "749 ns"),
        (Cell(2.0e-6), "2.00 µs"),
        (Cell(0.0123), "12.3 ms"),
        (Cell(0.9999), "1.00e+03 ms"),
        (Cell(41.0), "41.0 s"),
        (FAILED, "FAILED"),
        (SKIPPED, "-"),
    ],
)
def test_times_are_shown_in_the_unit_that_fits(cell: Cell, text: str) -> None:
    assert shown(cell) == text


def test_fastest_way_is_named_with_its_margin_over_the_next() -> None:
    row = {"numba": around(3.0), "torch": around(0.2), "numpy": around(1.0), "scipy": around(1.5)}
    assert fastest_in_words(row) == "numba 2.0x"


def test_a_failed_way_is_never_the_fastest() -> None:
    row = {"numba": FAILED, "torch": around(0.2), "numpy": around(1.0), "scipy": SKIPPED}
    assert fastest_in_words(row) == "numpy 5.0x"
    assert fastest_in_words({"numba": FAILED}) == ""


def test_ways_within_each_others_intervals_tie() -> None:
    row = {"numba": around(1.02), "torch": around(0.2), "numpy": around(1.0)}
    assert fastest_in_words(row) == "numba = numpy"


def test_ways_within_the_noise_of_numpy_against_itself_tie() -> None:
    row = {"numba": around(2.0, 0), "scipy": around(1.92, 0), "numpy": Cell(1.0, 0.95, 1.02)}
    assert fastest_in_words(row) == "numba = scipy"


def test_factorisation_pays_once_its_gain_has_made_up_for_it() -> None:
    times = {"numba": Cell(3e-3), "numpy": Cell(4e-3), "scipy": Cell(1e-3)}
    assert pays_after("scipy", {"scipy": Cell(1.0)}, times) == "500"
    assert pays_after("scipy", {"scipy": Cell(1.0)}, times | {"scipy": Cell(5e-3)}) == "never"
    assert pays_after("scipy", {"scipy": FAILED}, times) == ""


def test_noise_is_stated_even_where_there_is_none() -> None:
    unknown = noise_in_words({(1, 1): {"numba": around(1.0)}, (2, 1): {"numpy": Cell(1.0)}})
    assert unknown == "Noise (numpy against itself): unknown."
    stated = noise_in_words(
        {(1, 1): {"numpy": Cell(1.0, 0.98, 1.0, 3)}, (2, 1): {"numpy": Cell(1.0, 0.96, 1.0, 5)}}
    )
    assert stated == (
        "Noise (numpy against itself): median 4.0%, worst 4.0%, of 3 to 5 processes a size."
    )


def test_where_the_noise_hides_a_factor_of_1_25_the_first_line_says_so() -> None:
    (record,) = records(MACHINE, "8a62f27b", FOLDER)
    noisy = Shaken(record.results)
    assert too_noisy({(1, 1): {"numpy": Cell(1.0, 0.8, 1.2)}}) == ""
    first = "NOISY: the same call differs by 79% from process to process"
    for text in (tables(noisy), summary([noisy])):
        assert text.startswith(first)


class Shaken(Record):
    """A record in which numpy differs by 79 % from itself, from process to process."""

    def cells(self, benchmark: str) -> dict[tuple[str, ...], Cell]:
        found = super().cells(benchmark)
        itself = {key: Cell(1.0, 0.9, 1.79, 5) for key, cell in found.items() if "numpy" in key}
        return found | itself if benchmark == SPEEDUP else found


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(2.0, processes=1), "2.00 s?"),
        (Cell(2.0, processes=2), "2.00 s?"),
        (Cell(2.0, 1.9, 2.1, 3), "2.00 s"),
        (Cell(2.0), "2.00 s"),  # not of processes
        (Cell(math.nan, processes=1), "-"),
    ],
)
def test_a_figure_of_too_few_processes_is_marked(cell: Cell, text: str) -> None:
    assert shown(cell) == text


def test_the_spread_of_processes_is_in_words() -> None:
    assert spread(Cell(2.0, processes=1)) == "1 process: spread unknown"
    assert spread(Cell(2.0, 2 / 1.1, 2 * 1.1, 5)) == "5 processes, ±10%"
    assert spread(Cell(2.0)) == ""


def test_an_interval_is_student_s_between_processes() -> None:
    """t of two degrees of freedom is 9.925 at 99.5 %; the logarithms' deviation is log 2."""
    low, high = between([1.0, 2.0, 4.0]) or (0.0, 0.0)
    assert math.log(high / 2) == pytest.approx(9.925 * math.log(2) / math.sqrt(3))
    assert low * high == pytest.approx(4.0)
    assert between([1.0, 2.0]) is None
    assert between([1.0, 2.0, 0.0]) is None


def test_fastest_descents_are_those_recorded() -> None:
    (record,) = records(MACHINE, "c192de3d", FOLDER)
    lines = of_descent(record).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("200000 x 50") for line in lines) == 2
    cell = record.cells(DESCENT)["conjugate gradients by numba", "10", "100 x 10"]
    assert shown(Cell(cell.value)) in lines[3]
    assert lines[-1] == "Of fewer than 3 processes: their spread is unknown."


def test_suites_that_were_not_run_are_not_shown() -> None:
    (record,) = records(MACHINE, "d77b3b23", FOLDER)
    assert of_descent(record) == of_autograd(record) == ""


def test_benchmarks_and_their_parameters_are_those_recorded() -> None:
    known = json.loads((FOLDER / "benchmarks.json").read_text())
    for benchmark in BENCHMARKS:
        assert tuple(known[benchmark]["param_names"]) == benchmark.parameters, benchmark


def test_a_benchmark_is_named_in_one_file() -> None:
    known = json.loads((FOLDER / "benchmarks.json").read_text()).keys() - {"version"}
    for folder in ("report", "fourways"):
        for path in sorted((FOLDER.parent / folder).rglob("*.py")):
            named = [name for name in known if f'"{name}"' in path.read_text()]
            assert not named or path.name == "benchmarks.py", (path, named)


def test_the_factored_ways_are_those_whose_class_says_so() -> None:
    assert factored() == {name for name in WAYS if WAYS[name].factored}


def test_noise_that_is_not_known_leaves_a_tie_to_the_intervals() -> None:
    assert noise(Cell(1.0)) is None
    assert is_tie(around(1.0), around(1.01), None)
    assert not is_tie(around(1.0), around(1.05), None)
    assert is_tie(Cell(1.0), Cell(1.05), 0.06)  # and what has no interval to the noise


class FiveWays(Record):
    """A record in which a fifth way is the fastest."""

    def cells(self, benchmark: str) -> dict[tuple[str, ...], Cell]:
        found = super().cells(benchmark)
        best = {("fifth", *key[1:]): cell for key, cell in found.items() if key[0] == "numba"}
        faster = {key: Cell(cell.value and cell.value * 2) for key, cell in best.items()}
        return found | (faster if benchmark == SPEEDUP else best)


def test_a_fifth_way_is_drawn_in_a_colour_of_its_own_and_tabulated() -> None:
    (record,) = records(MACHINE, "8a62f27b", FOLDER)
    five = FiveWays(record.results)
    colours = Colours(recorded([five]))
    assert colours.ways == [*recorded([record]), "fifth"]
    assert len({colours.known[way] for way in colours.ways}) == 5
    assert colours.known["fifth"] not in colours.others
    for view in VIEWS:
        view.chart(colours)
    table = gradients(five)
    assert "fifth" in table.headers
    assert any("fifth" in row[-1] for row in table.rows)


PROCESS = {"at": 0.0, "seconds": 1.0, "failure": "", "figures": {}, "wrong": {}}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with two records of one commit that keep their processes apart, the newer first."""
    (folder := tmp_path / MACHINE).mkdir()
    shutil.copy(FOLDER / MACHINE / "machine.json", folder)
    (source,) = (FOLDER / MACHINE).glob("8a62f27b-*.json")
    for k, stem in enumerate((source.stem, source.stem + "-1")):
        written = json.loads(source.read_text())
        columns = written["result_columns"]
        value, started, samples = (columns.index(c) for c in ("result", "started_at", "samples"))
        keep = {str(SPEEDUP): written["results"][SPEEDUP]}
        row = keep[SPEEDUP]
        row[started] -= k * 3_600_000
        row[samples] = [x and [x, 1.02 * x, 0.99 * x] for x in row[value]]
        row[samples][1] = row[samples][1][:2]
        row[value][0] = row[value][3] = None  # numba at 100 x 4, 1000 x 4
        row[value][2] = math.nan
        written["results"] = keep
        (folder / f"{stem}.json").write_text(json.dumps(written))
        groups = {
            "gradient.Sizes(100, 4)": [PROCESS | {"wrong": {"numba": "off by 3"}}] * 3,
            "gradient.Sizes(1000, 4)": [PROCESS, PROCESS | {"failure": "ended with -9: killed"}],
            "gradient.Sizes(100, 300)": [PROCESS | {"failure": "timed out after 300 s"}],
        }
        with gzip.open(folder / f"{stem}.processes.json.gz", "wt") as file:
            json.dump({"groups": groups}, file)
    return tmp_path


def test_records_of_one_commit_are_in_the_order_in_which_they_were_run(kept: Path) -> None:
    older, newer = by_machine(kept)[MACHINE]
    assert older.commit == newer.commit
    assert older.run_at + 3_600_000 == newer.run_at
    assert older.path is not None
    assert older.path.stem.endswith("-1")


def test_a_cell_says_how_many_processes_it_rests_on(kept: Path) -> None:
    cells = by_machine(kept)[MACHINE][-1].cells(SPEEDUP)
    three, two = cells["numpy", "100", "4"], cells["numba", "100", "30"]
    assert (three.processes, two.processes) == (3, 2)
    assert three.interval is not None
    assert two.interval is None
    assert [cell.is_unsure for cell in (three, two)] == [False, True]
    (old,) = records(MACHINE, "8a62f27b", FOLDER)
    assert {cell.processes for cell in old.cells(SPEEDUP).values() if cell.measured} == {1}
    assert not any(cell.interval for cell in old.cells(SPEEDUP).values())


def test_wrong_crashed_and_timed_out_are_three_things(kept: Path, capsys: Any) -> None:
    every = by_machine(kept)[MACHINE]
    found = failures(every)
    assert found == {
        "wrong": [f"{SPEEDUP}: at 1 of {len(Newest(every).points(SPEEDUP))} (8a62f27b)"],
        "crashed": ["gradient.Sizes(1000, 4): 1 of 2 processes, ended with -9: killed (8a62f27b)"],
        "timed out": [
            "gradient.Sizes(100, 300): 1 of 1 processes, timed out after 300 s (8a62f27b)"
        ],
    }
    assert [line.partition(":")[0] for line in in_words(found)] == list(found)
    assert main([MACHINE, "8a62f27b", str(kept)]) == 0
    said = capsys.readouterr().out
    assert said.index("TIMED OUT") < said.index("CRASHED") < said.index("WRONG")
    assert said.count("commit 8a62f27b") == 1  # the newest run of it


@pytest.mark.parametrize("commit", ["8a62f27b", "eaa7672f"])
def test_the_tables_of_make_bench_fit_into_80_columns(commit: str) -> None:
    (record,) = records(MACHINE, commit, FOLDER)
    text = tables(record).replace(of_descent(record), "")  # wider where a method has a name
    assert max(map(len, text.splitlines())) <= 80
    assert "certified coefficients" in of_solvers(record)
    if commit == "8a62f27b":
        assert "Share of the read limit" in text
        assert LEGEND in text
    else:
        assert "how often a solver is right" in text


def test_a_way_that_was_wrong_is_named_and_never_the_fastest() -> None:
    (record,) = records(MACHINE, "8a62f27b", FOLDER)
    wrong = WrongWay(record.results)
    row = next(row for row in Fastest().rows([wrong]) if (row["n"], row["p"]) == (100, 4))
    assert row["wrong"] == "numba"
    assert "numba" not in row["way"]
    assert failures([wrong])["wrong"][0].startswith(f"{SPEEDUP}: at 14 of")


class WrongWay(Record):
    """A record in which numba was wrong."""

    def cells(self, benchmark: str) -> dict[tuple[str, ...], Cell]:
        found = super().cells(benchmark)
        wrong = {key: FAILED for key, cell in found.items() if key[0] == "numba" and cell.measured}
        return found | wrong if benchmark == SPEEDUP else found


def test_weak_scaling_is_what_a_byte_took_and_what_each_worker_adds_in_messages() -> None:
    """100 MB/s a worker; 7 ms on two, and 0.2 to 1 ms for each more."""
    recorded = {
        CLUSTER_TIME: {("gradient", "8 GB"): Cell(40.007), ("solution", "8 GB"): Cell(99.0)},
        MESSAGES: {("100", str(w)): Cell(0.005 + 0.001 * w) for w in (2, 8, 32)}
        | {("1000", "2"): Cell(1.0)},
        SCHEDULER: {("100", str(w)): Cell(0.0002 * w) for w in (2, 8, 32)},
    }
    source: Any = SimpleNamespace(cells=recorded.get)
    first, *_, last = weak_scaling(source).rows
    assert first == ["2", "20 GB", "100 s", "7.00 ms", "100%"]
    assert last == ["1,000", "10 TB", "100 s", "207 ms to 1.00 s", "99% to 100%"]

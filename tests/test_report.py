"""The tables say what was measured, and never call a failed way fast."""

import json
import math

import pytest

from kernels import WAYS
from report.benchmarks import BENCHMARKS, DESCENT, SPEEDUP
from report.comparison import is_tie, noise, noise_in_words
from report.results import FOLDER, Cell, Record, records
from report.table import of_autograd, of_descent
from report.text import shown
from report.views import VIEWS, Colours
from report.views.fastest import in_words
from report.views.times import gradients, pays_after
from report.ways import factored, recorded

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
    assert in_words(row) == "numba 2.0x"


def test_a_failed_way_is_never_the_fastest() -> None:
    row = {"numba": FAILED, "torch": around(0.2), "numpy": around(1.0), "scipy": SKIPPED}
    assert in_words(row) == "numpy 5.0x"
    assert in_words({"numba": FAILED}) == ""


def test_ways_within_each_others_intervals_tie() -> None:
    row = {"numba": around(1.02), "torch": around(0.2), "numpy": around(1.0)}
    assert in_words(row) == "numba = numpy"


def test_ways_within_the_noise_of_numpy_against_itself_tie() -> None:
    row = {"numba": around(2.0, 0), "scipy": around(1.92, 0), "numpy": Cell(1.0, 0.95, 1.02)}
    assert in_words(row) == "numba = scipy"


def test_factorisation_pays_once_its_gain_has_made_up_for_it() -> None:
    times = {"numba": Cell(3e-3), "numpy": Cell(4e-3), "scipy": Cell(1e-3)}
    assert pays_after("scipy", {"scipy": Cell(1.0)}, times) == "500"
    assert pays_after("scipy", {"scipy": Cell(1.0)}, times | {"scipy": Cell(5e-3)}) == "never"
    assert pays_after("scipy", {"scipy": FAILED}, times) == ""


def test_noise_is_stated_even_where_there_is_none() -> None:
    unknown = noise_in_words({(1, 1): {"numba": around(1.0)}, (2, 1): {"numpy": Cell(1.0)}})
    assert unknown == "Noise (A/A, numpy against itself): unknown."
    stated = noise_in_words(
        {(1, 1): {"numpy": around(1.0, 0.02)}, (2, 1): {"numpy": around(1.0, 0.04)}}
    )
    assert stated == "Noise (A/A, numpy against itself): median 4.0%, worst 4.0%."


def test_fastest_descents_are_those_recorded() -> None:
    (record,) = records("AMD-EPYC-family-25-model-17-2-cores-24-GiB", "c192de3d", FOLDER)
    lines = of_descent(record).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("200000 x 50") for line in lines) == 2
    cell = record.cells(DESCENT)["conjugate gradients by numba", "10", "100 x 10"]
    assert shown(cell) in lines[3]


def test_suites_that_were_not_run_are_not_shown() -> None:
    (record,) = records("AMD-EPYC-family-25-model-17-2-cores-24-GiB", "d77b3b23", FOLDER)
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
    (record,) = records("AMD-EPYC-family-25-model-17-2-cores-24-GiB", "8a62f27b", FOLDER)
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

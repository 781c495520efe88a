"""The tables say what was measured, and never call a failed way fast."""

import math

import pytest

from report.autograd import breakdown
from report.descent import winners
from report.results import FOLDER, Cell, runs, shown
from report.table import fastest, noise, pays_after

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
    assert fastest(row) == "numba 2.0x"


def test_a_failed_way_is_never_the_fastest() -> None:
    row = {"numba": FAILED, "torch": around(0.2), "numpy": around(1.0), "scipy": SKIPPED}
    assert fastest(row) == "numpy 5.0x"
    assert fastest({"numba": FAILED}) == ""


def test_ways_within_each_others_intervals_tie() -> None:
    row = {"numba": around(1.02), "torch": around(0.2), "numpy": around(1.0)}
    assert fastest(row) == "numba = numpy"


def test_ways_within_the_noise_of_numpy_against_itself_tie() -> None:
    row = {"numba": around(2.0, 0), "scipy": around(1.92, 0), "numpy": Cell(1.0, 0.95, 1.02)}
    assert fastest(row) == "numba = scipy"


def test_factorisation_pays_once_its_gain_has_made_up_for_it() -> None:
    times = {"numba": Cell(3e-3), "numpy": Cell(4e-3), "scipy": Cell(1e-3)}
    assert pays_after({"scipy": Cell(1.0)}, times) == "500"
    assert pays_after({"scipy": Cell(1.0)}, times | {"scipy": Cell(5e-3)}) == "never"
    assert pays_after({"scipy": FAILED}, times) == ""


def test_noise_is_stated_even_where_there_is_none() -> None:
    assert noise({(1, 1): {"numba": around(1.0)}}) == "Noise: not measured."
    stated = noise({(1, 1): {"numpy": around(1.0, 0.02)}, (2, 1): {"numpy": around(1.0, 0.04)}})
    assert stated == "Noise (A/A, numpy against itself): median 4.0%, worst 4.0%."


def test_winners_are_those_recorded() -> None:
    (run,) = runs("AMD-EPYC-family-25-model-17-2-cores-24-GiB", "c192de3d", FOLDER)
    lines = winners(run).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("200000 x 50") for line in lines) == 2
    cell = run.cells("descent.Descent.track_time")["conjugate gradients by numba", "10", "100 x 10"]
    assert shown(cell) in lines[3]


def test_suites_that_were_not_run_are_not_shown() -> None:
    (run,) = runs("AMD-EPYC-family-25-model-17-2-cores-24-GiB", "d77b3b23", FOLDER)
    assert winners(run) == breakdown(run) == ""

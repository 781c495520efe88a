"""What counts as a change, and which figure is the newest."""

import math
from typing import Any

import pytest

from report.benchmarks import CERTIFIED, DIGITS_LOST, SPEEDUP
from report.benchmarks import GRADIENT as TIME
from report.comparison import change, typical_noise
from report.results import Cell, Newest, as_last_defined
from report.views.fastest import Fastest
from report.views.history import History

KEY = ("numba", "100", "4")


class Recorded:
    """A record with one benchmark, as far as reports look at it."""

    versions = "numpy 2.4.6"
    environment = {"numba": "1", "numpy": "2.4.6", "scipy": "1", "torch": "2"}

    def __init__(self, commit: str, cells: dict[Any, Cell], benchmark: str = TIME) -> None:
        self.commit, self.date, self._cells, self._benchmark = commit, 0, cells, benchmark

    def cells(self, benchmark: str) -> dict[Any, Cell]:
        return self._cells if benchmark == self._benchmark else {}

    def samples(self, benchmark: str) -> dict[Any, list[float]]:
        spread = [1 + k / 1000 for k in range(-6, 7)]
        return {
            key: [cell.value * factor for factor in spread] if cell.measured and cell.value else []
            for key, cell in self.cells(benchmark).items()
        }

    def benchmarks(self) -> set[str]:
        return {self._benchmark}

    def version(self, benchmark: str) -> str:
        return "1"

    def failures(self) -> list[str]:
        return [self._benchmark] if any(c.value is None for c in self._cells.values()) else []


def timed(value: float | None, commit: str = "a" * 40, benchmark: str = TIME) -> Any:
    return Recorded(commit, {KEY: Cell(value, (value or 0) * 0.99, (value or 0) * 1.01)}, benchmark)


@pytest.mark.parametrize(
    ("old", "new", "factor"),
    [(1.0, 1.5, 1.5), (1.5, 1.0, 1 / 1.5), (1.0, 1.04, None), (1.0, None, None), (None, 1.0, None)],
)
def test_a_change_is_more_than_noise(
    old: float | None, new: float | None, factor: float | None
) -> None:
    found = change(timed(old), timed(new), TIME, KEY, noise=0.05)
    assert found == (None if factor is None else pytest.approx(factor))


def test_a_change_must_show_in_the_samples_or_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    scattered = {KEY: Cell(1.2, 0.5, 2.0)}
    found = change(timed(1.0), Recorded("b" * 40, scattered), TIME, KEY, 0.05)  # type: ignore[arg-type]
    assert found is not None  # the samples of this one do not overlap
    none = Recorded("b" * 40, scattered)
    monkeypatch.setattr(Recorded, "samples", lambda *_: {})
    assert change(timed(1.0), none, TIME, KEY, 0.05) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "factor"),
    [
        (10.9, 0.0, 10**10.9),
        (7.0, 9.0, 1e-2),
        (7.0, 6.5, None),
        (0.0, 0.0, None),
        (7.0, None, None),
    ],
)
def test_a_lost_digit_is_ten_times_the_error(
    old: float, new: float | None, factor: float | None
) -> None:
    expected = None if factor is None else pytest.approx(factor)
    for digits, one, other in ((CERTIFIED, old, new), (DIGITS_LOST, new, old)):
        before, after = (Recorded("a" * 40, {KEY: Cell(x)}, digits) for x in (one, other))
        assert change(before, after, digits, KEY, noise=0.05) == expected  # type: ignore[arg-type]


def test_of_a_speedup_less_is_worse() -> None:
    old, new = timed(3.0, benchmark=SPEEDUP), timed(2.0, benchmark=SPEEDUP)
    assert change(old, new, SPEEDUP, KEY, 0.05) == pytest.approx(1.5)


def test_the_newest_figure_of_a_point_counts_and_skipped_ones_do_not() -> None:
    other = ("numpy", "100", "4")
    old = Recorded("a" * 40, {KEY: Cell(1.0), other: Cell(2.0)})
    new = Recorded("b" * 40, {KEY: Cell(3.0), other: Cell(math.nan)})
    points = Newest([old, new]).points(TIME)  # type: ignore[list-item]
    assert {key: (cell.value, run.commit[0]) for key, (cell, run) in points.items()} == {
        KEY: (3.0, "b"),
        other: (2.0, "a"),
    }


def test_a_way_that_was_wrong_is_named_and_never_the_fastest() -> None:
    cells = {KEY: Cell(None), ("numpy", "100", "4"): Cell(1.0, 0.99, 1.01)}
    runs: list[Any] = [Recorded("a" * 40, cells, SPEEDUP)]
    for row in Fastest().rows(runs):
        assert (row["way"], row["wrong"]) == ("numpy", "numba")
    assert Newest(runs).failures() == [f"{SPEEDUP}: wrong or failed at 1 of 2 (aaaaaaaa)"]


def test_what_was_measured_before_a_benchmark_changed_counts_no_more() -> None:
    old, new = timed(None), timed(1.0, "b" * 40)
    new.version = lambda benchmark: "2"
    newest: list[Any] = [old, new]
    assert as_last_defined(newest, TIME) == [new]
    assert Newest(newest).failures() == []
    (row,) = [row for row in History().rows(newest) if row["metric"] == "gradient"]
    assert (row["at"], row["step"]) == ("bbbbbbbb", "")


def test_history_marks_steps_and_failures() -> None:
    runs = [timed(1.0), timed(2.0, "b" * 40), timed(None, "c" * 40), timed(1.0, "d" * 40)]
    rows = [row for row in History().rows(runs) if row["metric"] == "gradient"]
    assert [row["step"] for row in rows] == ["", "▲ 2.00x worse", "", ""]
    assert [row["status"] for row in rows] == ["right", "right", "wrong", "right"]


def test_noise_is_how_far_numpy_was_from_itself() -> None:
    cells = {("numpy", "100", str(p)): Cell(1.0, 1 - p / 100, 1.0) for p in (1, 3, 8)}
    cells[("numpy", "100", "9")] = Cell(1.0)  # too few samples: unknown, not infinite
    assert typical_noise([Recorded("a" * 40, cells, SPEEDUP)]) == pytest.approx(0.03)  # type: ignore[list-item]
    assert typical_noise([]) is None

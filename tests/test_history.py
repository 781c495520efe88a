"""The history shows the steps there are, and none where nothing has changed."""

import math
import random
from dataclasses import dataclass, field
from statistics import median
from typing import Any, cast

import pytest

from report.benchmarks import CERTIFIED, DIGITS_LOST, GRADIENT, SPEEDUP
from report.failures import failures
from report.machines import by_machine
from report.results import Cell, Newest, Parameters, Record, as_last_defined
from report.steps import Changes, Step, run
from report.student import chance, critical, upper_tail
from report.summary import summary
from report.views.history import History
from report.views.upgrade import Upgrade

MACHINES = by_machine()
LATEST = next(name for name in MACHINES if "25-model-17" in name)

# 1 200 cells, of which some, as the large sizes, spread three times as far as others.
WAYS = ["numba", "torch", "numpy", "scipy"]
LARGE = ("18", "19")
KEYS = [(way, str(n), str(p)) for way in WAYS for n in range(20) for p in range(10)]
Factors = dict[tuple[str, Parameters], tuple[int, float]]
BENCHMARKS = [SPEEDUP, GRADIENT]
TYPICAL = ("numba", "7", "3")


@dataclass(frozen=True, eq=False)
class Simulated:
    """As much of a record as its history is made of."""

    commit: str
    run_at: int
    of: dict[str, dict[Parameters, Cell]]
    groups: dict[str, Any] = field(default_factory=dict)
    versions: str = "numpy 2"
    environment: dict[str, str] = field(default_factory=lambda: {"numpy": "2"})

    @property
    def date(self) -> int:
        return int(self.commit)

    @property
    def kernels(self) -> str:
        return self.commit

    def benchmarks(self) -> set[str]:
        return set(self.of)

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        return self.of.get(benchmark, {})

    def version(self, benchmark: str) -> str:
        return "1"

    def failures(self) -> list[str]:
        return [n for n in self.of if any(cell.value is None for cell in self.of[n].values())]


def heavy(random_: random.Random, freedom: int) -> float:
    """An error of Student's distribution."""
    squares = sum(random_.gauss(0, 1) ** 2 for _ in range(freedom))
    return random_.gauss(0, 1) / math.sqrt(squares / freedom)


def recorded(
    random_: random.Random,
    commits: list[int],
    *,
    processes: int = 5,
    factors: Factors | None = None,
    apart: float = 0.0,
) -> list[Record]:
    """Records of commits: all cells drift together, and each has heavy tails between records and
    between processes. ``factors`` are by what a cell changes, and from which commit on. ``apart``
    are two states of the machine, in logarithms, of which a process meets one, in large sizes."""
    records = []
    for at, commit in enumerate(commits):
        drift = random_.gauss(0, 0.2)
        of: dict[str, dict[Parameters, Cell]] = {}
        states = [random_.choice([0.0, apart]) if apart else 0.0 for _ in range(processes)]
        for benchmark in BENCHMARKS:
            for key in KEYS:
                since, factor = (factors or {}).get((benchmark, key), (math.inf, 1.0))
                size = 3 if key[1] == "19" else 1
                log = 0.015 * size * heavy(random_, 4) + drift * (benchmark == GRADIENT)
                log += math.log(factor) * (commit >= since)
                of_processes = tuple(
                    math.exp(log + 0.03 * size * heavy(random_, 3) + state * (key[1] in LARGE))
                    for state in states
                )
                figures = of_processes if processes > 1 else ()
                cell = Cell(median(of_processes), None, None, processes, figures)
                of.setdefault(benchmark, {})[key] = cell
        records.append(Simulated(str(commit), at, of))
    return cast("list[Record]", records)


def found(records: list[Record]) -> list[Step]:
    return Changes(records).steps


def test_the_model_of_errors_is_student_s() -> None:
    """Against its quantiles at four degrees of freedom, and against draws."""
    assert upper_tail(0) == pytest.approx(0.5)
    assert upper_tail(2.131847) == pytest.approx(0.05, rel=1e-6)
    assert upper_tail(8.610302) == pytest.approx(0.0005, rel=1e-6)
    assert upper_tail(-2.131847) == pytest.approx(0.95, rel=1e-6)
    random_ = random.Random(0)
    draws = [[heavy(random_, 4) for _ in range(4)] for _ in range(100_000)]
    apart = sum(min(a, b) - max(c, d) > 2 for a, b, c, d in draws) / len(draws)
    assert chance(2, 2, 2) == pytest.approx(apart, rel=0.1)
    assert chance(critical(2, 3, 1e-6), 2, 3) == pytest.approx(1e-6, rel=0.01)


@pytest.mark.parametrize(
    "commits",
    [[1, 1, 1], [1, 2, 3, 4], [1, 1, 2, 2, 2, 3]],
    ids=["one commit", "each once", "mixed"],
)
def test_where_nothing_changes_nothing_is_found(commits: list[int]) -> None:
    """At most one history of 100 may show a step: of five, one does with a chance of 5 %."""
    alarms = [bool(found(recorded(random.Random(seed), commits))) for seed in range(5)]
    assert sum(alarms) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [5, 3, 1])
@pytest.mark.parametrize(
    "commits", [[1, 2], [1, 2, 3, 4], [1, 1, 2, 2, 2, 3], [1, 2, 3, 4, 5, 6]], ids=str
)
def test_where_nothing_changes_nothing_is_found_in_many(commits: list[int], processes: int) -> None:
    """Of 20 histories two show a step with a chance of 2 % where one in a hundred does."""
    every = [recorded(random.Random(k), commits, processes=processes) for k in range(100, 120)]
    assert sum(bool(found(records)) for records in every) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [5, 3])
@pytest.mark.parametrize("commits", [[1, 1, 2, 2, 2, 3], [1, 2, 3, 4, 5, 6]], ids=str)
def test_a_machine_of_two_states_shows_no_step(commits: list[int], processes: int) -> None:
    """Medians of records agree by chance before and after a commit; their processes do not."""
    every = [
        recorded(random.Random(k), commits, processes=processes, apart=0.5) for k in range(200, 220)
    ]
    assert sum(bool(found(records)) for records in every) <= 1


@pytest.mark.parametrize("processes", [5, 1])
def test_records_of_one_commit_never_show_a_step(processes: int) -> None:
    assert found(recorded(random.Random(0), [1, 1, 1, 1], processes=processes)) == []


@pytest.mark.parametrize(
    ("commits", "factor", "share"),
    [
        ([1, 1, 3, 3], 1.3, 0.7),
        ([1, 2, 3, 4], 1.4, 0.7),
        ([1, 1, 1, 3, 3, 3], 1.3, 0.9),
        ([1, 2, 3], 1.5, 0.0),  # what one record says alone is not believed
        ([1, 2, 3], 10.0, 0.8),
    ],
)
def test_a_step_is_found_with_two_records_either_side(
    commits: list[int], factor: float, share: float
) -> None:
    """Of 30 times and ratios that change between records of five processes, such a share at least.

    Nothing else is accused, and the step is where it was made.
    """
    changed = {
        (benchmark, key) for benchmark in BENCHMARKS for key in KEYS[13::50] if key[0] != "numpy"
    }
    factors: Factors = dict.fromkeys(changed, (3, factor))
    steps = found(recorded(random.Random(0), commits, factors=factors))
    assert {(step.benchmark, step.key) for step in steps} <= changed
    assert len(steps) >= share * len(changed)
    assert bool(steps) == bool(share)
    for step in steps:
        assert step.after.commit == "3"
        worse = factor if step.benchmark == GRADIENT else 1 / factor
        assert step.worse == pytest.approx(worse, rel=0.3)


def test_one_bad_record_is_no_step() -> None:
    """A run that went wrong as a whole comes back with the next."""
    records = recorded(random.Random(0), [1, 2, 3, 4, 5])
    bad = records[2].cells(SPEEDUP)
    figures = tuple(100 * figure for figure in bad[TYPICAL].of_processes)
    bad[TYPICAL] = Cell(median(figures), None, None, len(figures), figures)
    assert found(records) == []


STEP = "roofline.OneThread.track_speedup_over_numpy", ("F", "8 MiB", "1000")


def test_what_is_recorded_has_few_steps_and_that_of_d77b3b23() -> None:
    """That commit reads whole columns of X in Fortran order, in cache."""
    old = [record for record in MACHINES[LATEST] if not record.has_processes]
    text = summary(old)
    listed = text.partition("What changed")[2].partition("\n\n")[0]
    assert "roofline.OneThread.track_speedup_over_numpy(F, 8 MiB, 1000)" in listed
    assert "99dce7d5 -> d77b3b23" in listed
    steps = [step for step in found(old) if "digits" not in step.benchmark]
    assert len(steps) <= 3


def test_the_step_of_d77b3b23_stays_whatever_is_recorded_after_it() -> None:
    """Later records are of few trees of kernels, three of them of one commit within three hours."""
    records = MACHINES[LATEST]
    (last,) = [k for k, record in enumerate(records) if record.commit.startswith("f962e9b5")]
    for some in (records[: last + 1], records):
        steps = found(some)
        assert ("99dce7d5 -> d77b3b23", *STEP) in [(s.span, s.benchmark, s.key) for s in steps]
        assert "99dce7d5 -> d77b3b23" in summary(some)
    steps = [s for s in found(records[: last + 1]) if "digits" not in s.benchmark]
    assert len({(run(s.before), run(s.after)) for s in steps}) <= 3


KEY = ("numba", "100", "4")


def single(commit: str, value: float | None, benchmark: str, **more: Any) -> Record:
    """A record of one figure that is not sampled, or was wrong."""
    return cast("Record", Simulated(commit, 0, {benchmark: {KEY: Cell(value)}}, **more))


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [
        (10.9, 0.0, 10**10.9),
        (7.0, 9.0, 1e-2),
        (7.0, 6.5, None),
        (0.0, 0.0, None),
        (7.0, None, math.inf),
        (None, 7.0, 0.0),
    ],
)
def test_a_lost_digit_is_ten_times_the_error_and_wrong_always_counts(
    old: float | None, new: float | None, worse: float | None
) -> None:
    steps = found([single("1", old, CERTIFIED), single("2", new, CERTIFIED)])
    assert [step.worse for step in steps] == ([] if worse is None else [pytest.approx(worse)])
    if old is not None and new is not None:
        lost = found([single("1", new, DIGITS_LOST), single("2", old, DIGITS_LOST)])
        assert [step.worse for step in lost] == [step.worse for step in steps]


def test_what_a_library_answers_is_of_its_version_and_not_of_a_commit() -> None:
    """torch's gelsy is right every other time, on all of our commits alike."""

    def at(commit: str, lost: float, versions: str) -> Record:
        cells: dict[str, Any] = {DIGITS_LOST: {("torch gelsy", "rank 2"): Cell(lost)}}
        return cast("Record", Simulated(commit, 0, cells, versions=versions))

    flips = [at("1", 0.0, "torch 2"), at("2", 16.0, "torch 2"), at("3", 0.0, "torch 2")]
    assert found(flips) == []
    assert found([*flips, at("4", 0.0, "torch 3")]) == []
    (step,) = found([flips[1], at("3", 0.0, "torch 3")])
    assert step.worse == pytest.approx(1e-16)


def test_the_page_marks_the_record_that_a_step_begins_with() -> None:
    factors: Factors = {(SPEEDUP, TYPICAL): (3, 2.0)}
    records = recorded(random.Random(0), [1, 2, 3, 4], factors=factors)
    rows = [row for row in History().rows(records) if row["metric"] == "speed-up over numpy"]
    marked = {(row["series"], row["case"], row["at"]): row["step"] for row in rows if row["step"]}
    assert list(marked) == [("numba", "7, 3", "3")]
    assert "better" in marked["numba", "7, 3", "3"]


def test_the_runs_of_a_commit_stand_side_by_side() -> None:
    records = recorded(random.Random(0), [1, 2, 2])
    rows = [row for row in History().rows(records) if row["metric"] == "gradient"]
    assert list(dict.fromkeys(row["at"] for row in rows)) == ["1", "2, run 1", "2, run 2"]


def test_an_upgrade_is_judged_as_a_step_is() -> None:
    """One commit on two sets of versions, two records each."""
    factors: Factors = {(GRADIENT, TYPICAL): (2, 1.5)}
    old = recorded(random.Random(0), [1, 1], factors=factors)
    new = recorded(random.Random(1), [2, 2], factors=factors)
    for record in new:
        vars(record).update(commit="1", versions="numpy 3", environment={"numpy": "3"})
    rows = [row for row in Upgrade().rows([*old, *new]) if row["metric"] == "gradient"]
    assert len(rows) == len(KEYS)
    told = {
        (row["way"], row["case"]): row["verdict"] for row in rows if "noise" not in row["verdict"]
    }
    assert told == {("numba", "7, 3"): "worse"}


def test_what_was_measured_before_a_benchmark_changed_counts_no_more() -> None:
    old, new = single("1", None, GRADIENT), single("2", 1.0, GRADIENT)
    vars(new)["version"] = lambda benchmark: "2"
    assert as_last_defined([old, new], GRADIENT) == [new]
    assert found([old, new]) == []
    assert failures([old, new]) == {}


def test_the_newest_figure_of_a_point_counts_and_skipped_ones_do_not() -> None:
    other = ("numpy", "100", "4")
    old = Simulated("1", 0, {GRADIENT: {KEY: Cell(1.0), other: Cell(2.0)}})
    new = Simulated("2", 0, {GRADIENT: {KEY: Cell(3.0), other: Cell(math.nan)}})
    points = Newest(cast("list[Record]", [old, new])).points(GRADIENT)
    assert {key: (cell.value, run.commit) for key, (cell, run) in points.items()} == {
        KEY: (3.0, "2"),
        other: (2.0, "1"),
    }

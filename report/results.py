"""Recorded results, read through asv."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

from asv.results import Results, iter_results_for_machine

FOLDER = Path(__file__).parent.parent / "results"

LIBRARIES = ("numba", "numpy", "scipy", "torch")

Parameters = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One benchmark at one choice of parameters.

    ``value`` is the median (seconds, bytes, or a ratio); None where the benchmark failed, a
    wrong answer included, and NaN where it was skipped. ``low`` and ``high`` are asv's 99 %
    interval of the median, infinite where too few samples were taken to tell.
    """

    value: float | None
    low: float = -math.inf
    high: float = math.inf

    @property
    def measured(self) -> float | None:
        """The value, if there is one."""
        return None if self.value is None or math.isnan(self.value) else self.value


@dataclass(frozen=True)
class Run:
    """What was recorded for one commit, on one machine, with one set of versions."""

    results: Results

    @property
    def commit(self) -> str:
        return str(self.results.commit_hash)

    @property
    def environment(self) -> dict[str, str]:
        """The machine's fields, Python's version and those of the pinned libraries."""
        return dict(self.results.params)

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was not run."""
        if benchmark not in self.results.get_all_result_keys():
            return {}
        params = self.results.get_result_params(benchmark)
        values = self.results.get_result_value(benchmark, params)
        stats = self.results.get_result_stats(benchmark, params)
        return {
            key: Cell(value, *_interval(stat or {}))
            for key, value, stat in zip(_keys(params), values, stats, strict=True)
        }

    @property
    def date(self) -> int:
        """When the commit was made, in milliseconds since 1970."""
        return int(self.results.date)

    def samples(self, benchmark: str) -> dict[Parameters, list[float]]:
        """Return a benchmark's recorded samples by their parameters; empty if it was not run."""
        if benchmark not in self.results.get_all_result_keys():
            return {}
        params = self.results.get_result_params(benchmark)
        samples = self.results.get_result_samples(benchmark, params)
        return {
            key: [value for value in row or [] if not math.isnan(value)]
            for key, row in zip(_keys(params), samples, strict=True)
        }

    def failures(self) -> list[str]:
        """Return the benchmarks of which at least one choice of parameters failed."""
        return [
            name
            for name in sorted(self.results.get_all_result_keys())
            if any(cell.value is None for cell in self.cells(name).values())
        ]


class Newest:
    """What several runs of a machine, oldest first, have last said of each point.

    Runs may cover a part of the suites, or a part of the points of one.
    """

    def __init__(self, runs: list[Run]) -> None:
        self._runs = runs

    def points(self, benchmark: str) -> dict[Parameters, tuple[Cell, Run]]:
        """Return, for each point that was not skipped, its newest cell and the run that has it."""
        return {
            key: (cell, run)
            for run in self._runs
            for key, cell in run.cells(benchmark).items()
            if cell.value is None or cell.measured is not None
        }

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was never run."""
        return {key: cell for key, (cell, _) in self.points(benchmark).items()}


def _keys(params: list[list[str]]) -> list[Parameters]:
    return [tuple(name.strip("'") for name in names) for names in product(*params)]


def _interval(stat: dict[str, float | None]) -> tuple[float, float]:
    low, high = stat.get("ci_99_a"), stat.get("ci_99_b")
    return -math.inf if low is None else low, math.inf if high is None else high


def runs(machine: str, commit: str, folder: str | Path = FOLDER) -> Iterator[Run]:
    """Yield the runs of a commit, given by its hash or the start of it, on a machine."""
    for results in iter_results_for_machine(str(folder), machine):
        if results.commit_hash.startswith(commit):
            yield Run(results)


def by_machine(folder: str | Path = FOLDER) -> dict[str, list[Run]]:
    """Return every recorded run by machine, the oldest commit and the oldest libraries first."""
    machines = sorted(path.parent.name for path in Path(folder).glob("*/machine.json"))
    found = {m: [Run(r) for r in iter_results_for_machine(str(folder), m)] for m in machines}
    return {machine: sorted(runs, key=_age) for machine, runs in found.items()}


def _age(run: Run) -> tuple[int, list[list[int]]]:
    versions = [run.environment[name] for name in LIBRARIES]
    return run.date, [[int(part) for part in re.findall(r"\d+", text)] for text in versions]


def shown(cell: Cell) -> str:
    """Return a time in the unit that gives one to three digits before the point."""
    if cell.value is None:
        return "FAILED"
    if math.isnan(cell.value):
        return "-"
    units = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (math.inf, "")]
    for (scale, unit), (next_scale, _) in pairwise(units):
        if cell.value < next_scale:
            return f"{cell.value / scale:#.3g}".rstrip(".") + f" {unit}"
    return f"{cell.value:.0f} s"

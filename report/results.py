"""Recorded results, read through asv."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
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
    interval of the median, None where too few samples were taken to know it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def measured(self) -> float | None:
        """The value, if there is one."""
        return None if self.value is None or math.isnan(self.value) else self.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval, if it is known."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Record:
    """What was recorded for one commit, on one machine, with one set of versions."""

    results: Results

    @property
    def commit(self) -> str:
        """The hash of the commit."""
        return str(self.results.commit_hash)

    @property
    def environment(self) -> dict[str, str]:
        """The machine's fields, Python's version and those of the pinned libraries."""
        return dict(self.results.params)

    @property
    def date(self) -> int:
        """When the commit was made, in milliseconds since 1970."""
        return int(self.results.date)

    @property
    def machine(self) -> str:
        """The machine in words: processor, cores, memory."""
        here = self.environment
        return f"{here['cpu']}, {here['num_cpu']} cores, {here['ram']}"

    @property
    def versions(self) -> str:
        """The versions of the libraries in one line."""
        here = self.environment
        return ", ".join(f"{name} {here[name]}" for name in LIBRARIES)

    @property
    def heading(self) -> str:
        """Two lines: commit and machine, versions."""
        return (
            f"commit {self.commit[:8]} on {self.machine}\n"
            f"Python {self.environment['python']}, {self.versions}"
        )

    def benchmarks(self) -> set[str]:
        """Return the names of the benchmarks that were run."""
        return set(self.results.get_all_result_keys())

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was not run."""
        if benchmark not in self.benchmarks():
            return {}
        params = self.results.get_result_params(benchmark)
        values = self.results.get_result_value(benchmark, params)
        stats = self.results.get_result_stats(benchmark, params)
        return {
            key: Cell(value, *_interval(stat or {}))
            for key, value, stat in zip(_keys(params), values, stats, strict=True)
        }

    def samples(self, benchmark: str) -> dict[Parameters, list[float]]:
        """Return a benchmark's recorded samples by their parameters; empty if it was not run."""
        if benchmark not in self.benchmarks():
            return {}
        params = self.results.get_result_params(benchmark)
        samples = self.results.get_result_samples(benchmark, params)
        return {
            key: [value for value in row or [] if not math.isnan(value)]
            for key, row in zip(_keys(params), samples, strict=True)
        }

    def version(self, benchmark: str) -> str | None:
        """Return asv's version of a benchmark, which changes with what it measures."""
        version: str | None = self.results.benchmark_version.get(benchmark)
        return version

    def failures(self) -> list[str]:
        """Return the benchmarks of which at least one choice of parameters failed."""
        return [
            name
            for name in sorted(self.benchmarks())
            if any(cell.value is None for cell in self.cells(name).values())
        ]


def as_last_defined(records: list[Record], benchmark: str) -> list[Record]:
    """Return the records that have a benchmark, in the version that was recorded last.

    What was recorded before its version changed is of something else.
    """
    having = [record for record in records if benchmark in record.benchmarks()]
    return [
        record for record in having if record.version(benchmark) == having[-1].version(benchmark)
    ]


class Newest:
    """What several records of a machine, oldest first, have last said of each point.

    A record may cover a part of the suites, or a part of the points of one.
    """

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def points(self, benchmark: str) -> dict[Parameters, tuple[Cell, Record]]:
        """Return each point that was not skipped: its newest cell, and the record that has it."""
        return {
            key: (cell, record)
            for record in as_last_defined(self._records, benchmark)
            for key, cell in record.cells(benchmark).items()
            if cell.value is None or cell.measured is not None
        }

    def commits(self, benchmark: str) -> list[str]:
        """Return the commits, abbreviated, that the newest cells of a benchmark come from."""
        return sorted({record.commit[:8] for _, record in self.points(benchmark).values()})

    def last(self, benchmark: str) -> Record | None:
        """Return the newest record that has a benchmark."""
        return next(reversed(as_last_defined(self._records, benchmark)), None)

    def failures(self) -> list[str]:
        """Return a line for each benchmark that failed at some points when these were last run."""
        lines = []
        for name in sorted({name for record in self._records for name in record.failures()}):
            points = self.points(name).values()
            if failed := [r.commit[:8] for cell, r in points if cell.value is None]:
                commits = ", ".join(sorted(set(failed)))
                lines.append(
                    f"{name}: wrong or failed at {len(failed)} of {len(points)} ({commits})"
                )
        return lines

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was never run."""
        return {key: cell for key, (cell, _) in self.points(benchmark).items()}


Source = Record | Newest  # what has cells


def _keys(params: list[list[str]]) -> list[Parameters]:
    return [tuple(name.strip("'") for name in names) for names in product(*params)]


def _interval(stat: dict[str, float | None]) -> tuple[float | None, float | None]:
    low, high = (
        end if end is not None and math.isfinite(end) else None
        for end in (stat.get("ci_99_a"), stat.get("ci_99_b"))
    )
    return low, high


def records(machine: str, commit: str, folder: str | Path = FOLDER) -> Iterator[Record]:
    """Yield the records of a commit, given by its hash or the start of it, on a machine."""
    for results in iter_results_for_machine(str(folder), machine):
        if results.commit_hash.startswith(commit):
            yield Record(results)


def by_machine(folder: str | Path = FOLDER) -> dict[str, list[Record]]:
    """Return every record by machine, the oldest commit and the oldest libraries first."""
    machines = sorted(path.parent.name for path in Path(folder).glob("*/machine.json"))
    return {
        machine: sorted(map(Record, iter_results_for_machine(str(folder), machine)), key=_age)
        for machine in machines
    }


def _age(record: Record) -> tuple[int, list[list[int]]]:
    versions = [record.environment[name] for name in LIBRARIES]
    return record.date, [[int(part) for part in re.findall(r"\d+", text)] for text in versions]

"""Recorded results, read through asv, and the processes that they rest on.

The unit of evidence is the process: what is sampled twice in one shares its memory layout and where
its threads woke. asv's samples of a cell are one of each process, and its value is their median.
Beside RECORD.json stands RECORD.processes.json.gz, with what each process sampled and how it
failed. A record without is of the old kind: all samples of a cell are of one process.
"""

import gzip
import json
import math
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

from asv.results import Results

from report.benchmarks import CURVES, FORMERLY
from report.student import half_width
from suites.record import beside, kernels_of

FOLDER = Path(__file__).parent.parent / "results"

LIBRARIES = ("numba", "numpy", "scipy", "torch")

ENOUGH = 3  # processes: with fewer there is no spread to speak of

Parameters = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One benchmark at one choice of parameters.

    ``value`` is the median (seconds, bytes, or a ratio); None where the benchmark failed, a
    wrong answer included, and NaN where it was skipped. ``low`` and ``high`` are a 99 % interval,
    None where it is not known; of a record it is that between processes (`between`). ``processes``
    is how many the value rests on, None for what was not sampled, as digits are not, and
    ``of_processes`` are their figures, where they were kept apart.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    processes: int | None = None
    of_processes: tuple[float, ...] = ()

    @property
    def measured(self) -> float | None:
        """The value, if there is one."""
        return None if self.value is None or math.isnan(self.value) else self.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval, if it is known."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def is_unsure(self) -> bool:
        """Whether it rests on processes, and on too few of them to know how far they spread."""
        return self.processes is not None and self.processes < ENOUGH and bool(self.measured)


@dataclass(frozen=True)
class Record:
    """What one run recorded for one commit, on one machine, with one set of versions."""

    results: Results
    path: Path | None = None

    @property
    def commit(self) -> str:
        """The hash of the commit."""
        return str(self.results.commit_hash)

    @property
    def kernels(self) -> str:
        """What was measured: the hash of the kernels of the commit (git's tree), or its own.

        Two commits with the same kernels are the same to the history.
        """
        return kernels_of(self.commit) or self.commit

    @property
    def environment(self) -> dict[str, str]:
        """The machine's fields, Python's version and those of the pinned libraries."""
        return dict(self.results.params)

    @property
    def date(self) -> int:
        """When the commit was made, in milliseconds since 1970."""
        return int(self.results.date)

    @property
    def run_at(self) -> int:
        """When the first of its benchmarks was run, in milliseconds since 1970."""
        return min((int(at) for at in self.results.started_at.values() if at), default=0)

    @property
    def machine(self) -> str:
        """The machine in words, without registered marks: processor, cores, memory."""
        here = self.environment
        processor = re.sub(r"\((R|TM)\)", "", here["cpu"])
        return f"{processor}, {here['num_cpu']} cores, {here['ram']}"

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
        """Return the names of the benchmarks that were run, by those of today."""
        now = {old: new for new, old in FORMERLY.items()}
        return {now.get(name, name) for name in self.results.get_all_result_keys()}

    def _recorded_as(self, benchmark: str) -> str | None:
        """Return the name under which a benchmark stands here, None where it was not run."""
        names = {benchmark, FORMERLY.get(benchmark)} & set(self.results.get_all_result_keys())
        return benchmark if benchmark in names else next(iter(names), None)

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was not run."""
        name = self._recorded_as(benchmark)
        if name is None:
            return {}
        params = self.results.get_result_params(name)
        values = self.results.get_result_value(name, params)
        sampled = {} if benchmark in CURVES else self.samples(benchmark)
        return {
            key: self._cell(value, sampled.get(key, []))
            for key, value in zip(_keys(params), values, strict=True)
        }

    def _cell(self, value: float | None, samples: list[float]) -> Cell:
        if not samples:
            return Cell(value)
        if not self.has_processes:
            return Cell(value, processes=1)
        low, high = between(samples) or (None, None)
        return Cell(value, low, high, len(samples), tuple(samples))

    def samples(self, benchmark: str) -> dict[Parameters, list[float]]:
        """Return a benchmark's recorded samples by their parameters; empty if it was not run."""
        name = self._recorded_as(benchmark)
        if name is None:
            return {}
        params = self.results.get_result_params(name)
        samples = self.results.get_result_samples(name, params)
        return {
            key: [value for value in row or [] if not math.isnan(value)]
            for key, row in zip(_keys(params), samples, strict=True)
        }

    def version(self, benchmark: str) -> str | None:
        """Return asv's version of a benchmark, which changes with what it measures."""
        name = self._recorded_as(benchmark)
        version: str | None = self.results.benchmark_version.get(name)
        return version if name in (benchmark, None) else f"{name} {version}"

    @cached_property
    def has_processes(self) -> bool:
        """Whether the samples of a cell are one of each process."""
        return self._sidecar is not None and self._sidecar.exists()

    @property
    def _sidecar(self) -> Path | None:
        return beside(self.path) if self.path else None

    def failures(self) -> list[str]:
        """Return the benchmarks of which at least one choice of parameters failed."""
        return [
            name
            for name in sorted(self.benchmarks())
            if any(cell.value is None for cell in self.cells(name).values())
        ]

    @cached_property
    def groups(self) -> dict[str, list[dict[str, Any]]]:
        """What was measured together, "gradient.Sizes(30)", process by process."""
        if not self.has_processes:
            return {}
        assert self._sidecar is not None
        with gzip.open(self._sidecar, "rt") as file:
            groups: dict[str, list[dict[str, Any]]] = json.load(file)["groups"]
        return groups


def between(samples: list[float]) -> tuple[float, float] | None:
    """Return the 99 % interval of a figure by its spread between processes.

    It is exp(m ± t s / sqrt(k)), with m and s the mean and the standard deviation of the logarithms
    of the k figures, one of each process, and t Student's quantile of k - 1 degrees of freedom.
    None for fewer than `ENOUGH` of them, and where one is not above 0.
    """
    if len(samples) < ENOUGH or min(samples) <= 0:
        return None
    logs = [math.log(value) for value in samples]
    centre, reach = math.fsum(logs) / len(logs), half_width(logs)
    return math.exp(centre - reach), math.exp(centre + reach)


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
        self.records = records

    def points(self, benchmark: str) -> dict[Parameters, tuple[Cell, Record]]:
        """Return each point that was not skipped: its newest cell, and the record that has it."""
        return {
            key: (cell, record)
            for record in as_last_defined(self.records, benchmark)
            for key, cell in record.cells(benchmark).items()
            if cell.value is None or cell.measured is not None
        }

    def commits(self, benchmark: str) -> list[str]:
        """Return the commits, abbreviated, that the newest cells of a benchmark come from."""
        return sorted({record.commit[:8] for _, record in self.points(benchmark).values()})

    def last(self, benchmark: str) -> Record | None:
        """Return the newest record that has a benchmark."""
        return next(reversed(as_last_defined(self.records, benchmark)), None)

    def cells(self, benchmark: str) -> dict[Parameters, Cell]:
        """Return a benchmark's cells by their parameters; empty if it was never run."""
        return {key: cell for key, (cell, _) in self.points(benchmark).items()}


Source = Record | Newest  # what has cells


@cache
def listed() -> dict[str, dict[str, Any]]:
    """Return asv's list of benchmarks: of each its name, its unit, its parameters."""
    every: dict[str, Any] = json.loads((FOLDER / "benchmarks.json").read_text())
    return {name: found for name, found in every.items() if name != "version"}


def _keys(params: list[list[str]]) -> list[Parameters]:
    return [tuple(name.strip("'") for name in names) for names in product(*params)]

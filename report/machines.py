"""The records of results/, machine by machine, and which machine pages speak of first."""

import re
from collections.abc import Iterator
from pathlib import Path

from asv.results import Results, iter_results_paths

from report.benchmarks import DESCENT
from report.results import FOLDER, LIBRARIES, Record

Machines = dict[str, list[Record]]  # by the folder's name, the oldest first


def records(machine: str, commit: str, folder: str | Path = FOLDER) -> Iterator[Record]:
    """Yield the records of a commit, given by its hash or the start of it, on a machine."""
    for record in by_machine(folder).get(machine, []):
        if record.commit.startswith(commit):
            yield record


def by_machine(folder: str | Path = FOLDER) -> Machines:
    """Return every record by machine: the oldest commit, libraries and run first."""
    machines = sorted(path.parent.name for path in Path(folder).glob("*/machine.json"))
    return {machine: sorted(_in_folder(Path(folder) / machine), key=_age) for machine in machines}


def foremost(machines: Machines) -> str:
    """Return the machine that pages speak of first: the last on which every suite was recorded.

    Of commits the newest counts, by a suite that `make bench-all` alone has. Where no machine has
    it all, that with the most records.
    """

    def last(name: str) -> tuple[int, int, int]:
        whole = [record for record in machines[name] if DESCENT in record.benchmarks()]
        newest = max(((record.date, record.run_at) for record in whole), default=(0, 0))
        return (*newest, len(machines[name]))

    return max(machines, key=last)


def _in_folder(folder: Path) -> Iterator[Record]:
    for root, name, machine in iter_results_paths(str(folder)):
        path = Path(root) / name
        yield Record(Results.load(str(path), machine_name=machine), path)


def _age(record: Record) -> tuple[int, list[list[int]], int]:
    versions = [record.environment[name] for name in LIBRARIES]
    numbers = [[int(part) for part in re.findall(r"\d+", text)] for text in versions]
    return record.date, numbers, record.run_at

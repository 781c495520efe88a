"""What failed when it was last run, in three kinds that call for different things.

wrong       an answer of ours was wrong. What other libraries answer is a verdict and no failure.
crashed     a process ended before it had measured, and there is no figure
timed out   a process ran into its limit, as on a busy machine: there are fewer figures, or none
"""

from collections import defaultdict

from report.results import Newest, Parameters, Record
from suites.harness.process import is_time_out

WRONG, CRASHED, TIMED_OUT = "wrong", "crashed", "timed out"


def failures(records: list[Record]) -> dict[str, list[str]]:
    """Return a line for each failure by its kind; kinds of which there is none are left out."""
    found = {WRONG: _wrong(records), **_of_processes(records)}
    return {kind: lines for kind, lines in found.items() if lines}


def in_words(found: dict[str, list[str]]) -> list[str]:
    """Return the failures in lines that name their kind."""
    return [f"{kind}: {line}" for kind, lines in found.items() for line in lines]


def _wrong(records: list[Record]) -> list[str]:
    """Return a line for each benchmark of which points were wrong when these were last run."""
    newest = Newest(records)
    lines = []
    for name in sorted({name for record in records for name in record.failures()}):
        points = newest.points(name)
        wrong = [
            record.commit[:8]
            for key, (cell, record) in points.items()
            if cell.value is None and not _has_crashed(record, name, key)
        ]
        if wrong:
            commits = ", ".join(sorted(set(wrong)))
            lines.append(f"{name}: at {len(wrong)} of {len(points)} ({commits})")
    return lines


def _has_crashed(record: Record, benchmark: str, key: Parameters) -> bool:
    """Return whether a process has crashed that measured this, or, of all its ways, also this."""
    module = benchmark.partition(".")[0]
    for group, processes in record.groups.items():
        name, _, point = group.rstrip(")").partition("(")
        is_of_it = name.partition(".")[0] == module and _values(point) <= set(key)
        if is_of_it and any(_kind(process["failure"]) == CRASHED for process in processes):
            return True
    return False


def _values(point: str) -> set[str]:
    return set(filter(None, point.split(", ")))


def _of_processes(records: list[Record]) -> dict[str, list[str]]:
    """Return a line for each group of which processes failed in the last record that has it."""
    lines: dict[str, list[str]] = defaultdict(list)
    last = {group: record for record in records for group in record.groups}
    for group, record in last.items():
        processes = record.groups[group]
        for kind in (CRASHED, TIMED_OUT):
            failed = [p["failure"] for p in processes if _kind(p["failure"]) == kind]
            if failed:
                count = f"{len(failed)} of {len(processes)} processes"
                lines[kind].append(f"{group}: {count}, {failed[-1]} ({record.commit[:8]})")
    return lines


def _kind(failure: str) -> str:
    return TIMED_OUT if is_time_out(failure) else CRASHED if failure else ""

"""All processes of a run, spread over it, with the time that is left.

The processes of a point are as far apart as the run is long, so that what the machine does for a
minute meets one of them and not all. What is measured already is left as it is: an interrupted run
goes on where it was.
"""

import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from suites.harness import processes
from suites.harness.group import Group

_EVERY = 20.0  # seconds between lines where there is no terminal
_ENOUGH = 20.0  # seconds that were stated: they say how much longer it takes here


class Job(NamedTuple):
    """One process: the group, its point, and which of the point's processes it is."""

    group: type[Group]
    point: tuple[Any, ...]
    number: int

    def __str__(self) -> str:
        count = processes.how_many(self.group)
        named = f"{self.group.id()} {processes.label(self.point)}".rstrip()
        return f"{named}, process {self.number + 1} of {count}"

    @property
    def cost(self) -> float:
        """About how many seconds it takes."""
        return self.group.cost(*self.point)

    @property
    def share(self) -> float:
        """Where in the run it stands, from 0 to 1."""
        return (self.number + 0.5) / processes.how_many(self.group)


def run(benchmarks: Sequence[str]) -> dict[str, Any]:
    """Measure what the benchmarks of these classes, "gradient.Gradient", are to hand out.

    Returns every process by group and point, as it is kept beside asv's record.
    """
    groups = list(dict.fromkeys(_benchmark(name).group for name in benchmarks))
    points = [(group, point) for group in groups for point in group.points()]
    processes.forget_failures(points)
    jobs = [Job(*of, number) for of in points for number in range(processes.how_many(of[0]))]
    jobs.sort(key=lambda job: job.share)
    try:
        _measure(jobs)
    except KeyboardInterrupt:
        print("\ninterrupted; what is measured is kept, and the next call goes on from here")
        sys.exit(130)
    return {
        f"{group.id()}({', '.join(map(str, point))})": [
            process.as_recorded() for process in processes.known(group, point)
        ]
        for group, point in points
    }


def _benchmark(name: str) -> Any:
    module, _, benchmark = name.rpartition(".")
    return getattr(import_module(f"suites.{module}"), benchmark)


def _measure(jobs: Sequence[Job]) -> None:
    """Measure what is not measured; say how far it is, and about how long it takes yet.

    The seconds that are left are those that the groups state, by how much longer than stated those
    took that are done: but for the first process of a point, which compiles.
    """
    left = [job for job in jobs if not processes.is_known(*job)]
    if len(left) < len(jobs):
        print(f"{len(jobs) - len(left)} of {len(jobs)} processes are measured already")
    began = shown = time.monotonic()
    remaining, took, stated = sum(job.cost for job in left), 0.0, 0.0
    for count, job in enumerate(left, 1):
        seconds = remaining * (took / stated if stated > _ENOUGH else 1.0)
        line = f"[{count:{len(str(len(left)))}}/{len(left)}] {job}; {_minutes(seconds)}"
        if sys.stdout.isatty():
            print(f"\r{line[:79]:79}", end="", flush=True)
        elif count == 1 or time.monotonic() - shown > _EVERY:
            shown = time.monotonic()
            print(line, flush=True)
        found = processes.measure(*job)
        remaining -= job.cost
        if job.number:
            took, stated = took + found.seconds, stated + job.cost
    if left:
        said = f"{len(left)} processes in {(time.monotonic() - began) / 60:.1f} minutes"
        print(f"\r{said:79}" if sys.stdout.isatty() else said, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{max(seconds, 0):.0f} s left"

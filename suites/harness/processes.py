"""The processes of a group: measured once, kept in files, so that what is there is not done again.

    .asv/measured/FINGERPRINT/gradient.Sizes/30/0.json

The fingerprint is that of all that is measured and of what measures it: sources and versions. What
was interrupted goes on where it was; an edit begins anew. `suites.run` puts the files of a run
beside asv's record of it and empties the folder.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from suites.harness import process
from suites.harness.group import Group

_AGE = 24 * 3600  # seconds: figures of yesterday are no part of a run of today


class Process(NamedTuple):
    """What a process found (`group.Findings`), or how it failed; when it began, its seconds."""

    at: float
    seconds: float
    failure: str
    figures: dict[str, dict[str, list[float]]]
    wrong: dict[str, str]
    judged: dict[str, Any]

    @property
    def timed_out(self) -> bool:
        return process.is_time_out(self.failure)

    def as_recorded(self) -> dict[str, Any]:
        """Return what is kept beside asv's record: all but what serves the next process."""
        return {name: value for name, value in self._asdict().items() if name != "judged"}


def how_many(group: type[Group]) -> int:
    """Return the number of processes at each point of a group."""
    return min(group.processes, int(os.environ.get(process.FEWER, group.processes)))


def processes(group: type[Group], point: Sequence[Any]) -> list[Process]:
    """Return the processes of a point, and measure now what is not measured yet."""
    return [measure(group, point, number) for number in range(how_many(group))]


def known(group: type[Group], point: Sequence[Any]) -> list[Process]:
    """Return the processes of a point that have been measured."""
    numbers = [n for n in range(how_many(group)) if is_known(group, point, n)]
    return [_read(_file(group, point, number)) for number in numbers]


def is_known(group: type[Group], point: Sequence[Any], number: int) -> bool:
    """Return whether this process has measured, and not so long ago as to be of another run."""
    file = _file(group, point, number)
    return file.exists() and time.time() - file.stat().st_mtime < _AGE


def forget_failures(points: Iterable[tuple[type[Group], Sequence[Any]]]) -> None:
    """Forget the processes of these points that have crashed or run out of time."""
    for group, point in points:
        for number in range(how_many(group)):
            if is_known(group, point, number) and _read(_file(group, point, number)).failure:
                _file(group, point, number).unlink()


def measure(group: type[Group], point: Sequence[Any], number: int) -> Process:
    """Measure by one process of a group, unless that has been done."""
    file = _file(group, point, number)
    if is_known(group, point, number):
        return _read(file)
    before: dict[str, Any] = {}
    for earlier in known(group, point):
        before |= earlier.judged
    at = time.time()
    outcome = process.call(
        "suites.harness.group:in_this_process",
        [group.id(), list(point), before],
        timeout=group.limit(*point),
    )
    found = outcome.value or {"figures": {}, "wrong": {}, "judged": {}}
    measured = Process(at, outcome.seconds, outcome.failure, **found)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(measured._asdict()))
    partial.rename(file)
    return measured


def _read(file: Path) -> Process:
    return Process(**json.loads(file.read_text()))


def _file(group: type[Group], point: Sequence[Any], number: int) -> Path:
    return folder() / group.id() / (label(point) or "all") / f"{number}.json"


def label(point: Sequence[Any]) -> str:
    """Return a point as text that names a folder: "30", "rank p-2, 5000 x 50"."""
    return ", ".join(map(str, point)).replace("/", "-")


def folder() -> Path:
    """Return the folder of the files."""
    return Path(os.environ.get(process.FOLDER, process.MEASURED)) / fingerprint()


@cache
def fingerprint() -> str:
    """Return a digest of the kernels, the suites, and the versions of all that is installed."""
    digest = hashlib.sha256()
    kernels = find_spec("kernels")
    assert kernels is not None
    assert kernels.origin is not None
    for root in (Path(kernels.origin).parent, Path(__file__).parents[1]):
        for source in sorted(root.rglob("*.py")):
            digest.update(source.read_bytes())
    installed = sorted(f"{found.name} {found.version}" for found in distributions())
    digest.update(" ".join(installed).encode())
    return digest.hexdigest()[:16]

"""`fourways compare` on a cluster that is started here or there already; errors in one line."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fourways.errors import InputError

try:
    from distributed import Client, KilledWorker
    from distributed.comm.core import CommClosedError

    from kernels.blocks.cluster import OnCluster, workers_of
    from kernels.blocks.local import local_cluster
except ImportError as error:
    raise InputError(
        f"--workers and --scheduler need {error.name}: pip install 'fourways[cluster]'"
    ) from None

from fourways.reading import Options
from fourways.reading.partitions import partitions
from fourways.reading.sources import Partitions
from fourways.version import versions
from suites.harness.machine import memory

_SECONDS = 10  # to wait for a scheduler
_SHARE = 0.8  # of the machine's memory, for the workers together
_MOST = 256  # workers on one machine


@dataclass(frozen=True)
class Cluster:
    """A cluster of which every worker has our version."""

    client: Client

    @classmethod
    @contextmanager
    def of(cls, workers: int | None, scheduler: str | None, threads: int) -> Iterator["Cluster"]:
        """Start ``workers`` processes on this machine, or join the cluster of a scheduler.

        Raises InputError where that cannot be, or where what was computed on it cannot be had.
        """
        if workers is not None and scheduler is not None:
            raise InputError("--workers starts a cluster and --scheduler names one: give either")
        if workers is not None and not 1 <= workers <= _MOST:
            raise InputError(f"--workers must be 1 to {_MOST}, got {workers}")
        started = (
            _joined(scheduler)
            if scheduler is not None
            else local_cluster(workers or 1, threads, int(_SHARE * memory()))
        )
        try:
            with started as client:
                _require_our_version(client)
                client.subscribe_topic("all", _say_lost)
                yield cls(client)
                client.unsubscribe_topic("all")
        except KilledWorker as error:
            raise InputError(f"a block has ended each worker that tried it: {error}") from None
        except CommClosedError as error:
            raise InputError(f"the scheduler is gone: {error}") from None

    def read(
        self, given: list[str], options: Options, bar: Any = None
    ) -> tuple[Partitions, OnCluster]:
        """Let the workers read folders, patterns and arrays into blocks; ``bar`` shows how far."""
        told = partitions(given, options, self._on_workers)
        if bar is not None:
            bar.reset(len(told.sources))
        try:
            blocks = OnCluster.of(self.client, told.sources, bar and bar.update)
        except ValueError as error:
            raise InputError(str(error)) from None
        told.notes.append(f"X lies in {blocks.count:,} block{'s' * (blocks.count > 1)} of rows")
        return told, blocks

    def _on_workers(self, function: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
        found: list[Any] = self.client.gather(self.client.map(function, things, pure=False))
        return found

    def __str__(self) -> str:
        found = workers_of(self.client).values()
        threads = sum(worker["nthreads"] for worker in found)
        return f"on {len(found)} workers, {threads} threads" if len(found) > 1 else "on 1 worker"


@contextmanager
def _joined(scheduler: str) -> Iterator[Client]:
    try:
        client = Client(scheduler, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] or type(error).__name__
        raise InputError(f"no scheduler at {scheduler}: {reason}") from None
    with client:
        if not workers_of(client):
            raise InputError(f"the scheduler at {scheduler} has no workers")
        yield client


def _require_our_version(client: Client) -> None:
    """Raise InputError where a worker has other versions, or not our packages."""
    ours = versions()

    def theirs() -> Any:  # sent whole, as a worker may have nothing of ours
        try:
            from fourways.version import versions
        except ImportError as error:
            return str(error)
        return versions()

    for worker, found in client.run(theirs).items():
        if isinstance(found, str):
            raise InputError(f"worker {worker} has no fourways: {found}")
        for name, version in ours.items():
            if found.get(name) != version:
                raise InputError(
                    f"worker {worker} has {name} {found.get(name)}, and this machine {version}"
                )


def _say_lost(event: tuple[float, Any]) -> None:
    message = event[1]
    if message.get("action") == "remove-worker" and not message.get("expected"):
        lost = len(message.get("lost-computed-tasks", ()))
        print(
            f"fourways: worker {message['worker']} is lost; its {lost} blocks are read again",
            file=sys.stderr,
        )

"""A cluster of processes on this machine, that nobody beyond it can reach."""

from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster

_HERE = "127.0.0.1"
_SETTINGS = {
    # A stolen task takes its block along, and blocks are shared out evenly from the start.
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.timeouts.connect": "10s",
}


@contextmanager
def local_cluster(workers: int, threads: int, memory: int) -> Iterator[Client]:
    """Start ``workers`` processes, with some ``threads`` and bytes of ``memory`` together.

    One worker has all of the threads, each of several at least one. What a worker cannot hold it
    keeps on disk, as Dask does. Scheduler and workers listen on the loopback alone, and there is no
    dashboard.
    """
    with (
        dask.config.set(_SETTINGS),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, threads // workers),
            memory_limit=memory // workers,
            host=_HERE,
            dashboard_address=None,
            worker_dashboard_address=None,
            processes=True,
            silence_logs=50,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client

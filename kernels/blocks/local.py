"""A cluster of processes on this machine, that nobody beyond it can reach."""

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker

import dask
from distributed import Client, LocalCluster

_HERE = "127.0.0.1"
# The part of what a worker may hold beyond which it writes blocks to disk, of what Python and the
# libraries leave of it.
_BLOCKS, _LEAST, _ITSELF = 0.5, 0.1, 300 << 20
_SETTINGS = {
    # A stolen task takes its block along, and blocks are shared out evenly from the start.
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.timeouts.connect": "10s",
    # Dask has malloc give back all beyond 64 KiB at once, which also maps what is above 128 KiB
    # anew each time: the judges' passes, all temporaries, then take three times as long.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 64 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 4 << 20,
}


@contextmanager
def local_cluster(workers: int, threads: int, memory: int) -> Iterator[Client]:
    """Start ``workers`` processes, with some ``threads`` and bytes of ``memory`` together.

    One worker has all of the threads, each of several at least one. What a worker cannot hold it
    keeps on disk, as Dask does. Scheduler and workers listen on the loopback alone, and there is no
    dashboard.
    """
    room = memory // workers
    blocks = max(_LEAST, _BLOCKS * (1 - _ITSELF / room))
    settings = {**_SETTINGS, "distributed.worker.memory.target": blocks}
    with dask.config.set(settings), ExitStack() as stack:
        with _interrupts_held():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=max(1, threads // workers),
                memory_limit=room,
                host=_HERE,
                dashboard_address=None,
                worker_dashboard_address=None,
                processes=True,
                silence_logs=logging.CRITICAL,
            )
        stack.enter_context(cluster)
        yield stack.enter_context(Client(cluster, set_as_default=False))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let what is started here not hear of Ctrl-C, which a terminal sends to every process.

    Threads and processes that begin while it is blocked have it blocked for good; it comes to this
    thread, which ends the others in order.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which would unblock it when the first process is spawned
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

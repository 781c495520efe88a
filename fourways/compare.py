"""`fourways compare`: read, diagnose, check, time, advise."""

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from tqdm import tqdm

from fourways import by_blocks
from fourways.advice import advice
from fourways.diagnosis import Diagnosis, diagnose
from fourways.errors import InputError
from fourways.measure import Measured, measure
from fourways.output import as_json, described, tables
from fourways.reading import Options, Told, read
from kernels import LeastSquares
from kernels.blocks.engine import in_turn
from kernels.blocks.problem import BlockedLeastSquares
from suites.harness.machine import cores
from suites.harness.threads import use_threads

_STEPS = 3  # beside the ways
_LONGEST = 3600  # seconds


def compare(given: argparse.Namespace) -> int:
    """Return 0, or 130 where Ctrl-C ended it with what is known so far."""
    threads = _threads(given)
    if given.workers is not None or given.scheduler is not None:
        from fourways.cluster import Cluster

        if given.save or given.seconds is not None:
            raise InputError("--save and --seconds are for data in memory")
        with Cluster.of(given.workers, given.scheduler, threads) as cluster:
            with _bar(0, "reading") as bar:
                told, blocks = cluster.read(
                    [str(file) for file in given.files], _options(given), bar
                )
                problem = _valid(lambda: BlockedLeastSquares(blocks, given.alpha))
            return _compared(given, told, problem, Measured.here(), str(cluster))
    data = read([Path(file) for file in given.files], _options(given))
    problem = _valid(lambda: LeastSquares(data.X, data.y, given.alpha))
    if given.save:
        np.savez(given.save, X=problem.X, y=problem.y)
    if data.is_beyond_memory:
        problem = BlockedLeastSquares(in_turn(data.X, data.y), given.alpha)
    known = Measured.here()  # imports them: threads are set for the libraries that are loaded
    use_threads(threads)
    return _compared(given, data, problem, known, f"on {threads} thread{'s' * (threads > 1)}")


def _threads(given: argparse.Namespace) -> int:
    """Return the number of threads; raise InputError for an option that makes no sense."""
    for option, path in (("--json", given.json), ("--save", given.save)):
        if path and not path.parent.is_dir():
            raise InputError(f"{option}: {path.parent} is no folder")
        if path and path.is_dir():
            raise InputError(f"{option}: {path} is a folder")
    if given.seconds is not None and not 0 < given.seconds <= _LONGEST:
        raise InputError(f"--seconds must be above 0 and at most {_LONGEST}, got {given.seconds:g}")
    if given.save and given.save.suffix != ".npz":
        raise InputError(f"--save: {given.save} must end in .npz")
    threads: int = cores() if given.threads is None else given.threads
    if not 1 <= threads <= cores():
        raise InputError(f"--threads must be 1 to {cores()}, the cores there are, got {threads}")
    return threads


def _valid(make: Any) -> Any:
    """Return the problem that is made, or say in one line why it cannot be."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from None


def _compared(
    given: argparse.Namespace, told: Told, problem: LeastSquares, known: Measured, where: str
) -> int:
    interrupted, found = False, None
    try:
        if isinstance(problem, BlockedLeastSquares):
            found = _measured_by_blocks(told, problem, known, where)
        else:
            found = diagnose(problem, told.names)
            print(described(told, problem, found, where), flush=True)
            _measured(problem, found, known, given.seconds)
    except KeyboardInterrupt:
        interrupted = True
    print(tables(known))
    if interrupted:
        print("\nInterrupted: this is what was known.")
    else:
        print("\nTake, for\n  " + "\n  ".join(advice(known)))
    if given.json and found:
        given.json.write_text(as_json(problem, told, found, known) + "\n")
    return 130 if interrupted else 0


def _measured(
    problem: LeastSquares, found: Diagnosis, known: Measured, budget: float | None
) -> None:
    with _bar(_STEPS + len(known.names), "checking") as bar:

        def step(what: str) -> None:
            bar.set_description(what + ", whose first call compiles" * (what == "numba"))
            bar.update()

        measure(problem, found.rank, known, step, budget)


def _measured_by_blocks(
    told: Told, problem: BlockedLeastSquares, known: Measured, where: str
) -> Diagnosis:
    count = problem.engine.count
    with _bar(2 * count, "factoring") as bar:
        problem.seen = bar.update
        began = perf_counter()
        problem.condensed()
        factoring = perf_counter() - began
        found = diagnose(problem, told.names)
    print(described(told, problem, found, where), flush=True)
    with _bar(by_blocks.reads(known) * count, "by blocks") as bar:
        problem.seen = bar.update
        by_blocks.measure(problem, found.rank, known, factoring)
    return found


def _bar(total: int, what: str) -> "tqdm[Any]":
    """Return a progress bar with the time left; none where the output is no terminal."""
    return tqdm(total=total, desc=what, leave=False, disable=None, delay=1)


def _options(given: argparse.Namespace) -> Options:
    return Options(
        target=given.target,
        features=tuple(given.features),
        exclude=tuple(given.exclude),
        intercept=given.intercept,
        dummies=given.dummies,
        dates=given.dates,
        drop_missing=given.missing == "drop",
        dtype=given.dtype,
        separator=given.separator,
        decimal=given.decimal,
        encoding=given.encoding,
        header=given.header,
        null=tuple(given.null),
    )

"""`fourways compare`: read, diagnose, check, time, advise."""

import argparse
from typing import Any

import numpy as np
from tqdm import tqdm

from fourways import by_blocks
from fourways.advice import advice
from fourways.blocks import Mapped, triangle
from fourways.diagnosis import Diagnosis, diagnose
from fourways.errors import InputError
from fourways.measure import Measured, measure
from fourways.output import as_json, described, tables
from fourways.reading import Data, Options, read
from kernels import WAYS, LeastSquares
from suites.harness.machine import cores
from suites.harness.threads import use_threads

_STEPS = len(WAYS) + 3
_LONGEST = 3600  # seconds


def compare(given: argparse.Namespace) -> int:
    """Return 0, or 130 where Ctrl-C ended it with what is known so far."""
    for option, path in (("--json", given.json), ("--save", given.save)):
        if path and not path.parent.is_dir():
            raise InputError(f"{option}: {path.parent} is no folder")
        if path and path.is_dir():
            raise InputError(f"{option}: {path} is a folder")
    if given.seconds is not None and not 0 < given.seconds <= _LONGEST:
        raise InputError(f"--seconds must be above 0 and at most {_LONGEST}, got {given.seconds:g}")
    if given.save and given.save.suffix != ".npz":
        raise InputError(f"--save: {given.save} must end in .npz")
    threads = cores() if given.threads is None else given.threads
    if not 1 <= threads <= cores():
        raise InputError(f"--threads must be 1 to {cores()}, the cores there are, got {threads}")
    data = read(given.files, _options(given))
    try:
        problem = LeastSquares(data.X, data.y, given.alpha)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from None
    if given.save:
        np.savez(given.save, X=problem.X, y=problem.y)
    list(WAYS.values())  # imports them: threads are set for the libraries that are loaded
    use_threads(threads)
    known, interrupted, found = Measured(), False, None
    try:
        found = _diagnosed(data, problem)
        print(described(data, problem, found, threads), flush=True)
        _measured(data, problem, found, known, given.seconds)
    except KeyboardInterrupt:
        interrupted = True
    print(tables(known))
    if interrupted:
        print("\nInterrupted: this is what was known.")
    else:
        print("\nTake, for\n  " + "\n  ".join(advice(known)))
    if given.json and found:
        given.json.write_text(as_json(problem, data, found, known) + "\n")
    return 130 if interrupted else 0


def _diagnosed(data: Data, problem: LeastSquares) -> Diagnosis:
    if not data.is_beyond_memory:
        return diagnose(problem.X, problem.y, data.names, problem.rcond)
    with _bar(problem.n, "factoring") as bar:
        R = triangle(Mapped(data.X, data.y), bar.update)
    return diagnose(R[:, :-1], R[:, -1], data.names, problem.rcond)


def _measured(
    data: Data, problem: LeastSquares, found: Diagnosis, known: Measured, budget: float | None
) -> None:
    if data.is_beyond_memory:
        blocks = Mapped(data.X, data.y)
        with _bar(problem.n * by_blocks.passes(), "by blocks") as bar:
            by_blocks.measure(blocks, problem, known, bar.update)
        return
    with _bar(_STEPS, "checking") as bar:

        def step(what: str) -> None:
            bar.set_description(what + ", whose first call compiles" * (what == "numba"))
            bar.update()

        measure(problem, found.rank, known, step, budget)


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

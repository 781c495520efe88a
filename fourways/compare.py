"""`fourways compare`: read, diagnose, check, time, advise."""

import argparse
import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from fourways import by_blocks
from fourways.advice import advice, interval, seconds
from fourways.blocks import Mapped, triangle
from fourways.data import Data, Options, read
from fourways.diagnosis import Diagnosis, diagnose
from fourways.errors import InputError
from fourways.measure import Findings, Measured, measure
from kernels import WAYS, LeastSquares
from report.comparison import is_tie
from report.results import Cell
from suites.harness.machine import cores
from suites.harness.timing import use_threads

_STEPS = len(WAYS) + 3


def compare(given: argparse.Namespace) -> int:
    """Return 0, or 130 where Ctrl-C ended it with what is known so far."""
    for option, path in (("--json", given.json), ("--save", given.save)):
        if path and not path.parent.is_dir():
            raise InputError(f"{option}: {path.parent} is no folder")
        if path and path.is_dir():
            raise InputError(f"{option}: {path} is a folder")
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
        _measured(data, problem, found, known)
    except KeyboardInterrupt:
        interrupted = True
    print(tables(known))
    if interrupted:
        print("\nInterrupted: this is what was known.")
    else:
        print("\nTake, for\n  " + "\n  ".join(advice(known)))
    if given.json and found:
        given.json.write_text(_json(problem, data, found, known) + "\n")
    return 130 if interrupted else 0


def _diagnosed(data: Data, problem: LeastSquares) -> Diagnosis:
    if not data.is_beyond_memory:
        return diagnose(problem.X, data.names, problem.rcond)
    with _bar(problem.n, "factoring") as bar:
        R = triangle(Mapped(data.X, data.y), bar.update)
    return diagnose(R, data.names, problem.rcond)


def _measured(data: Data, problem: LeastSquares, found: Diagnosis, known: Measured) -> None:
    if data.is_beyond_memory:
        blocks = Mapped(data.X, data.y)
        with _bar(problem.n * by_blocks.passes(), "by blocks") as bar:
            by_blocks.measure(blocks, problem, known, bar.update)
        return
    with _bar(_STEPS, "checking") as bar:

        def step(what: str) -> None:
            bar.set_description(what)
            bar.update()

        measure(problem, found.rank, known, step)


def _bar(total: int, what: str) -> "tqdm[Any]":
    """Return a progress bar with the time left; none where the output is no terminal."""
    return tqdm(total=total, desc=what, leave=False, disable=None, delay=1)


def _options(given: argparse.Namespace) -> Options:
    return Options(
        target=given.target,
        features=given.features.split(",") if given.features else None,
        intercept=given.intercept,
        dummies=given.dummies,
        drop_missing=given.missing == "drop",
        dtype=given.dtype,
    )


def described(data: Data, problem: LeastSquares, found: Diagnosis, threads: int) -> str:
    """Return X in words: shape, condition number, rank, dependent columns."""
    lines = [
        f"X is {problem.n:,} x {problem.p}, {problem.dtype}, alpha {problem.alpha:g},"
        f" on {threads} thread{'s' * (threads > 1)}",
        f"condition number {found.condition:.2g}, rank {found.rank} of {problem.p}",
    ]
    if data.is_beyond_memory:
        lines.append("X is beyond memory and stays in its file: gradients by blocks of rows")
    if data.dropped:
        lines.append(f"rows with missing values, left out: {data.dropped:,}")
    if found.dependencies:
        lines.append("columns that depend on others:")
        lines += [f"  {line}" for line in found.dependencies]
        if not problem.alpha:
            lines.append("the solution meant is that of least norm")
    return "\n".join(lines)


def tables(known: Measured) -> str:
    """Return what is right and what it costs, as two tables of at most 80 columns."""
    judged = [
        [
            name,
            _error(way),
            _solution(way),
            _time(way.preparation),
            _time(way.first_call),
            _speedup(way, known.noise),
        ]
        for name, way in known.ways.items()
    ]
    costs = [
        [name, *(_interval(way, what) for what in ("gradient", "value and gradient", "solve"))]
        for name, way in known.ways.items()
    ]
    noise = "unknown" if known.noise is None else f"{known.noise:.1%}"
    headers = ["way", "gradient error", "solution", "prepare", "first call", "x numpy"]
    return "\n".join(
        [
            "",
            tabulate(judged, headers, disable_numparse=True),
            "gradient error: as a share of what rounding allows; above 1 is wrong.",
            "x numpy: speed-up of a gradient, timed interleaved; = is a tie."
            f" Noise (A/A): {noise}.",
            "",
            tabulate(
                costs, ["way", "gradient", "value and gradient", "solve"], disable_numparse=True
            ),
            "medians, and quartiles in brackets",
        ]
    )


def _error(way: Findings) -> str:
    if not way.is_judged:
        return "-"
    return f"{way.error:.2g}" if way.is_right else "WRONG"


def _solution(way: Findings) -> str:
    if way.found is None:
        return "-"
    if way.solution.startswith("wrong"):
        return f"WRONG ({way.found.method})"
    return f"{way.solution} ({way.found.method})"


def _time(value: float) -> str:
    return "-" if math.isnan(value) else seconds(value)


def _interval(way: Findings, what: str) -> str:
    return interval(*way.times[what]) if what in way.times else "-"


def _speedup(way: Findings, noise: float | None) -> str:
    if way.speedup is None:
        return "-"
    tie = is_tie(Cell(*way.speedup), Cell(1.0, 1.0, 1.0), noise)
    return f"{way.speedup[0]:.3g}" + (" =" if tie else "")


def _json(problem: LeastSquares, data: Data, found: Diagnosis, known: Measured) -> str:
    """Return all that was found as JSON; times are (median, lower, upper quartile) in seconds."""
    ways: dict[str, Any] = {}
    for name, way in known.ways.items():
        ways[name] = asdict(way)
        ways[name]["right"] = way.is_right if way.is_judged else None
        if way.found is not None:
            ways[name]["found"] = asdict(way.found) | {"w": way.found.w.tolist()}
    text: dict[str, Any] = {
        "n": problem.n,
        "p": problem.p,
        "dtype": str(problem.dtype),
        "alpha": problem.alpha,
        "columns": data.names,
        "dropped": data.dropped,
        **asdict(found),
        "noise": known.noise,
        "ways": ways,
        "advice": advice(known),
    }
    return json.dumps(_finite(text), indent=2, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """Return JSON's null for what was not measured: NaN is no JSON."""
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

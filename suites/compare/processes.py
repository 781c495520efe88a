"""Processes of a build: one that verifies it, and those that measure it."""

import random
from collections.abc import Sequence
from typing import Any

from suites.compare.builds import Build
from suites.compare.cells import Cell
from suites.harness.process import Outcome, call

_COMPILES = 900.0  # seconds: everything is compiled and judged, on a machine that others use too
_MEASURES = 60.0

Known = dict[str, dict[str, Any]]  # of a cell: its "right" digests and the "number" of a batch


def verified(build: Build, cells: Sequence[Cell]) -> Known:
    """Return what `measure` must know of each cell, or how it is "wrong" or "fails"."""
    outcome = _call("verify", build, [cells], _COMPILES)
    if outcome.failure:
        return {cell.name: {"fails": outcome.failure} for cell in cells}
    known: Known = outcome.value
    return known


def measured(build: Build, cells: Sequence[Cell], known: Known) -> Outcome:
    """Return of each cell its "seconds", or how it is "wrong"."""
    return _call("measure", build, [cells, {c.name: known[c.name] for c in cells}], _MEASURES)


def _call(function: str, build: Build, arguments: Sequence[Any], timeout: float) -> Outcome:
    return call(
        f"suites.compare.measure:{function}",
        arguments,
        timeout=timeout,
        python=build.python.executable,
        kernels=build.kernels,
        # Sets and dictionaries lie elsewhere in each process, as addresses do.
        environment={
            **build.python.environment,
            "PYTHONHASHSEED": str(random.randrange(1 << 32)),
        },
    )

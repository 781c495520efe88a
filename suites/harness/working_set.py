"""numba beside the other ways and beside a read of X, on one problem: all threads, and one.

Figures are ratios of times that are interleaved in this process:

share        of the read limit: the fastest sum over X over a numba gradient, by threads
advantage    another way over numba, all threads; for scipy its first gradient, preparation included
one thread   numpy over numba
"""

import numpy as np

from kernels import WAYS, LeastSquares
from suites.harness.group import Findings, is_possible, timed
from suites.harness.machine import cores
from suites.harness.read_limit import reads
from suites.harness.threads import use_threads
from suites.harness.timing import Calls
from suites.harness.turns import Turns
from suites.harness.verified import Verified


def measure(found: Findings, ways: dict[str, Verified], problem: LeastSquares) -> None:
    """Put down what these ways, which are right, take on a problem; leave all threads set."""
    readers = [name for name in ways if name != "scipy"]
    _beside_reads(found, "all", "advantage", {name: ways[name] for name in readers}, problem)
    use_threads(1)
    two = [name for name in ("numba", "numpy") if name in ways]
    _beside_reads(found, "1", "one thread", {name: ways[name] for name in two}, problem)
    use_threads(cores())
    if {"numba", "scipy"} <= ways.keys():
        _first_calls(found, ways, problem)


def _beside_reads(
    found: Findings, threads: str, figure: str, ways: dict[str, Verified], problem: LeastSquares
) -> None:
    """Put down numba's share of the read limit, and the figure of each other way over numba."""
    calls: dict[str, Calls] = {name: way.gradient for name, way in ways.items()}
    sums = reads(problem.X)
    seconds = timed(found, calls | sums)
    each = np.stack([seconds.pop(name) for name in sums], axis=1)
    numba = seconds.pop("numba", None)
    if numba is None:
        return
    if is_possible(found, "numba", problem.X, numba, each):
        found.put("share", threads, each.min(axis=1) / numba)
    for name, column in seconds.items():
        found.put(figure, name, column / numba)


def _first_calls(found: Findings, ways: dict[str, Verified], problem: LeastSquares) -> None:
    """Compare first calls: each one starts from the problem."""

    def first(name: str) -> Turns:
        return ways[name].turns("gradient", lambda w: WAYS[name](problem).gradient(w))

    seconds = timed(found, {f"{name}; first": first(name) for name in ("scipy", "numba")})
    if len(seconds) == 2:
        found.put("advantage", "scipy", seconds["scipy; first"] / seconds["numba; first"])

"""The four ways on a user's own data: FOURWAYS_DATA=data.npz make bench.

The file holds X and y; `fourways compare ... --save data.npz` writes it from a table. A relative
path is taken from the root of the repository, as asv runs benchmarks in folders of its own. Without
the variable these benchmarks are skipped.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from kernels import WAYS, Array, LeastSquares, Way
from suites import problems
from suites.judge import GradientOracle
from suites.machine import cores
from suites.timing import ratio, use_threads

VARIABLE = "FOURWAYS_DATA"
_ROOT = Path(__file__).parents[1]


class Own:
    """A steady-state gradient on X and y as they are in the file, all cores."""

    param_names = ["way"]
    params = [list(WAYS)]
    version = "1"
    timeout = 600.0

    def setup(self, name: str) -> None:
        if VARIABLE not in os.environ:
            raise NotImplementedError(f"{VARIABLE} names no file")
        self.way, self.w, self.error = _verified(name, os.environ[VARIABLE])

    def time_gradient(self, name: str) -> None:
        self.way.gradient(self.w)

    def track_speedup_over_numpy(self, name: str) -> dict[str, Any]:
        reference = WAYS["numpy"](self.way.problem)
        return ratio(lambda: reference.gradient(self.w), lambda: self.way.gradient(self.w))

    def track_error_over_bound(self, name: str) -> float:
        return self.error

    track_speedup_over_numpy.unit = "x"  # type: ignore[attr-defined]
    track_error_over_bound.unit = "share of the bound"  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _verified(name: str, path: str) -> tuple[Way, Array, float]:
    """Return a way that has passed the check on the user's data, a point, and its error there."""
    with np.load(_ROOT / path) as archive:
        problem = LeastSquares(archive["X"], archive["y"])
    w, way = problems.start(problem), WAYS[name](problem)
    use_threads(cores())
    oracle = GradientOracle(problem, w)
    oracle.check(way, w)
    return way, w, oracle.gradient_error(way.gradient(w), factored=way.factored)

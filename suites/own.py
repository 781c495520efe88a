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

from kernels import WAYS, LeastSquares
from suites.harness import Truth, Turns, Verified
from suites.harness.machine import cores
from suites.harness.timing import BatchClock, ratio, use_threads

VARIABLE = "FOURWAYS_DATA"
_ROOT = Path(__file__).parents[1]


class Own:
    """A steady-state gradient on X and y as they are in the file, all cores, several w in turn."""

    param_names = ["way"]
    params = [list(WAYS)]
    version = "1"
    timeout = 600.0
    timer = BatchClock()
    number = 1
    warmup_time = 0.0
    gradient: Turns | None = None

    def setup(self, name: str) -> None:
        if VARIABLE not in os.environ:
            raise NotImplementedError(f"{VARIABLE} names no file")
        self.verified = _verified(name, os.environ[VARIABLE])
        self.gradient = self.verified.gradient

    def teardown(self, name: str) -> None:
        """Check what `time_gradient` has timed: asv records no time where this raises."""
        if self.gradient is not None:
            self.gradient.check()

    def time_gradient(self, name: str) -> None:
        assert self.gradient is not None
        self.timer.sample(self.gradient)

    def track_speedup_over_numpy(self, name: str) -> dict[str, Any]:
        truth = self.verified.truth
        reference = Verified(WAYS["numpy"](truth.problem), truth)
        return ratio(reference.gradient, self.verified.gradient)

    def track_error_over_bound(self, name: str) -> float:
        return self.verified.gradient_error()

    time_gradient.version = "2"  # type: ignore[attr-defined]
    track_speedup_over_numpy.unit = "x"  # type: ignore[attr-defined]
    track_error_over_bound.unit = "share of the bound"  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _verified(name: str, path: str) -> Verified:
    """Return a way that has passed the check on the user's data."""
    with np.load(_ROOT / path) as archive:
        truth = Truth(LeastSquares(archive["X"], archive["y"]))
    way = WAYS[name](truth.problem)
    use_threads(cores())
    return Verified(way, truth)

"""What Numba's compilation costs, and after how many gradients it has paid.

Each figure is of a fresh process with a cache folder of its own: first empty, so that the call
compiles, then as the first process left it, so that the call loads.
"""

import math
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

import numpy as np

from kernels import WAYS
from suites.data import problems
from suites.harness import Truth, Verified
from suites.harness.machine import cores
from suites.harness.timing import interleaved, use_threads

_FIRST_CALL = """
import sys, time
start = time.perf_counter()
import numpy as np
from kernels import WAYS, LeastSquares
way = WAYS["numba"]
imported = time.perf_counter()
n, p, dtype, order = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
X = np.asarray(np.random.default_rng(0).standard_normal((n, p)), dtype=dtype, order=order)
problem, w = LeastSquares(X, X[:, 0].copy()), np.ones(p, dtype)
prepared = time.perf_counter()
way(problem).gradient(w)
called = time.perf_counter()
print(imported - start, called - prepared)
"""


class Seconds(NamedTuple):
    """Of importing the numba way, and of a first gradient that compiles or loads."""

    imported: float
    compiled: float
    loaded: float


Cache = dict[tuple[str, str], Seconds]


class FirstCall:
    """The first gradient of a process, 100 000 x 30, by dtype and order."""

    param_names = ["dtype", "order"]
    params = [["float64", "float32"], ["C", "F"]]
    version = "1"
    timeout = 180.0

    def setup_cache(self) -> Cache:
        return {
            (dtype, order): _in_fresh_processes(100_000, 30, dtype, order)
            for dtype in self.params[0]
            for order in self.params[1]
        }

    def track_import(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].imported

    def track_cold_compile(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].compiled

    def track_cached_load(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].loaded

    for _benchmark in (track_import, track_cold_compile, track_cached_load):
        _benchmark.unit = "seconds"  # type: ignore[attr-defined]


class BreakEven:
    """The number of gradients after which compiling, or loading, has paid against numpy."""

    param_names = ["first call", "n", "p"]
    params = [["compiles", "loads"], [100, 1_000, 10_000, 100_000, 1_000_000], [30]]
    version = "1"
    timeout = 180.0

    def track_gradients_until_paid(self, first: str, n: int, p: int) -> float:
        truth = Truth(problems.gaussian(n, p))
        ways = [WAYS["numpy"](truth.problem), WAYS["numba"](truth.problem)]
        use_threads(cores())
        seconds = interleaved([Verified(way, truth).gradient for way in ways])
        gain = float(np.median(seconds[:, 0] - seconds[:, 1]))
        first_call = _in_fresh_processes(n, p, "float64", "C")
        cost = first_call.compiled if first == "compiles" else first_call.loaded
        return math.ceil(cost / gain) if gain > 0 else math.nan

    track_gradients_until_paid.unit = "gradients"  # type: ignore[attr-defined]


def _in_fresh_processes(n: int, p: int, dtype: str, order: str) -> Seconds:
    """Time the import and the first gradient in one process that compiles and one that loads."""
    script = [sys.executable, "-c", _FIRST_CALL, str(n), str(p), dtype, order]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        compiling, loading = (
            subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        )
    imported, loaded = map(float, loading.stdout.split())
    return Seconds(imported, float(compiling.stdout.split()[1]), loaded)

"""The first gradient of a process, by Numba: imported, compiled, or loaded from its cache.

Each figure is of a fresh process with a cache folder of its own: first empty, so that the call
compiles, then as the first process left it, so that the call loads.
"""

import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

_SCRIPT = """
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


def in_fresh_processes(n: int, p: int, dtype: str, order: str) -> Seconds:
    """Time the import and the first gradient in a process that compiles and in one that loads."""
    script = [sys.executable, "-c", _SCRIPT, str(n), str(p), dtype, order]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        compiling, loading = (
            subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
            for _ in range(2)
        )
    imported, loaded = map(float, loading.stdout.split())
    return Seconds(imported, float(compiling.stdout.split()[1]), loaded)

"""The four ways on a user's own data: FOURWAYS_DATA=data.npz make bench.

Without the variable these benchmarks are skipped. See suites/data/user.py for the file.
"""

from typing import Any

from kernels import WAYS
from suites.data import user
from suites.harness import benchmark


class UserData(benchmark.SteadyState):
    """A steady-state gradient on X and y as they are in the file."""

    param_names = ["way"]
    params = [list(WAYS)]
    timeout = 600.0
    problem = staticmethod(user.load)

    def setup(self, way: str, *_: Any) -> None:
        path = user.path()
        if path is None:
            benchmark.skip(f"{user.VARIABLE} names no file")
        super().setup(way, path)

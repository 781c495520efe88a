"""The four ways on a user's own data: FOURWAYS_DATA=data.npz make bench-all.

Without the variable these benchmarks are skipped. See suites/data/user.py for the file.
"""

from typing import Any

from kernels import WAYS
from suites.data import user
from suites.gradient import measure_ways
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group


class OnFile(Group):
    """All ways on X and y as they are in a file."""

    timeout = 900.0

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        measure_ways(found, user.load(point[0]))

    @classmethod
    def points(cls) -> list[tuple[Any, ...]]:
        """Return the file, and when it was written, by which another is told from it."""
        path = user.path()
        return [] if path is None else [(path, user.changed(path))]


class UserData(Benchmark):
    """A steady-state gradient on X and y as they are in the file."""

    group = OnFile
    param_names = ["way"]
    params = [list(WAYS)]

    def key_and_point(self, *parameters: Any) -> tuple[str, tuple[Any, ...]]:
        return parameters[0], self.group.points()[0]

    def setup(self, *parameters: Any) -> None:
        if user.path() is None:
            skip(f"{user.VARIABLE} names no file")

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        return self.figure("time", *of)

    @with_attributes(unit="x")
    def track_speedup_over_numpy(self, *of: Any) -> dict[str, Any]:
        """Time of the numpy way over time of this way, interleaved; for numpy an A/A run."""
        return self.figure("speed-up", *of)

    @with_attributes(unit="share of the bound")
    def track_error_over_bound(self, *of: Any) -> dict[str, Any]:
        """Largest error of a component of the gradient, as a share of what rounding allows."""
        return self.figure("error", *of)

"""The four ways on a user's own data: FOURWAYS_DATA=data.npz make bench-all.

Without the variable these benchmarks are skipped. See suites/data/user.py for the file.
"""

from typing import Any

from kernels import WAYS
from suites.data import user
from suites.gradient import OfWays, measure_ways
from suites.harness.benchmark import skip
from suites.harness.group import Findings, Group


class OnFile(Group):
    """All ways on X and y as they are in a file."""

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        measure_ways(found, user.load(point[0]))

    @staticmethod
    def cost(*point: Any) -> float:
        return 30.0

    @classmethod
    def points(cls) -> list[tuple[Any, ...]]:
        """Return the file, and when it was written, by which another is told from it."""
        path = user.path()
        return [] if path is None else [(path, user.changed(path))]


class UserData(OfWays):
    """A steady-state gradient on X and y as they are in the file."""

    group = OnFile
    param_names = ["way"]
    params = [list(WAYS)]

    def key_and_point(self, key: str, *_: Any) -> tuple[str, tuple[Any, ...]]:
        return key, self.group.points()[0]

    def setup(self, *_: Any) -> None:
        if user.path() is None:
            skip(f"{user.VARIABLE} names no file")

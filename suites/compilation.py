"""What Numba's compilation costs, and after how many gradients it has paid."""

import math
from typing import Any

import numpy as np

from kernels import WAYS
from suites.data import problems
from suites.harness import first_call
from suites.harness.benchmark import Benchmark, with_attributes
from suites.harness.group import Findings, Group, key_of, right_ways, sizes, timed

_ROWS = [100, 1_000, 10_000, 100_000, 1_000_000]
_COLUMNS = 30


class First(Group):
    """The first gradient of a process, 100 000 x 30, by dtype and order."""

    params = [["float64", "float32"], ["C", "F"]]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        dtype, order = point
        seconds = first_call.in_fresh_processes(100_000, 30, dtype, order)
        for figure, value in seconds._asdict().items():
            found.put(figure, "numba", [value])

    @staticmethod
    def cost(*point: Any) -> float:
        return 8.0


class FirstCall(Benchmark):
    """The first gradient of a process, 100 000 x 30, by dtype and order."""

    group = First
    key = "numba"
    param_names = ["dtype", "order"]
    params = First.params

    @with_attributes(unit="seconds")
    def track_import(self, *of: Any) -> dict[str, Any]:
        return self.figure("imported", *of)

    @with_attributes(unit="seconds")
    def track_cold_compile(self, *of: Any) -> dict[str, Any]:
        return self.figure("compiled", *of)

    @with_attributes(unit="seconds")
    def track_cached_load(self, *of: Any) -> dict[str, Any]:
        return self.figure("loaded", *of)


class Paying(Group):
    """numba and numpy at several n, and the first gradient of a process by numba."""

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        first = first_call.in_fresh_processes(_ROWS[0], _COLUMNS, "float64", "C")
        for n in sizes(_ROWS):
            with found.part(n) as of_n:
                _until_paid(of_n, n, {"compiles": first.compiled, "loads": first.loaded})

    @staticmethod
    def cost(*point: Any) -> float:
        return 15.0


def _until_paid(found: Findings, n: int, costs: dict[str, float]) -> None:
    """Put down the number of gradients that numba must be faster by, to have paid these seconds."""
    truth = found.truth(problems.gaussian(n, _COLUMNS))
    prepared = [(name, WAYS[name](truth.problem)) for name in ("numpy", "numba")]
    ways = right_ways(found, prepared, truth, kinds=["gradient"])
    seconds = timed(found, {name: way.gradient for name, way in ways.items()})
    if len(seconds) < 2:
        return
    gain = float(np.median(seconds["numpy"] - seconds["numba"]))
    for first, cost in costs.items():
        found.put("gradients", first, [math.ceil(cost / gain) if gain > 0 else math.nan])


class BreakEven(Benchmark):
    """The number of gradients after which compiling, or loading, has paid against numpy."""

    group = Paying
    param_names = ["first call", "n", "p"]
    params = [["compiles", "loads"], _ROWS, [_COLUMNS]]

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        return key_of(key, point[0]), ()

    @with_attributes(unit="gradients")
    def track_gradients_until_paid(self, first: str, n: int, p: int) -> dict[str, Any]:
        return self.figure("gradients", first, n, p, also=[key_of("numba", n), key_of("numpy", n)])

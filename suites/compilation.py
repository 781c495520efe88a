"""What Numba's compilation costs, and after how many gradients it has paid."""

import math
from typing import Any

import numpy as np

from kernels import WAYS
from suites.data import problems
from suites.harness import first_call
from suites.harness.benchmark import Benchmark, with_attributes
from suites.harness.group import Findings, Group, right_ways
from suites.harness.timing import interleaved
from suites.harness.verified import Truth


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
    param_names = ["dtype", "order"]
    params = First.params

    def key_and_point(self, *parameters: Any) -> tuple[str, tuple[Any, ...]]:
        return "numba", parameters

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
    """numba and numpy, and the first gradient of a process by numba, float64, C order."""

    params = [[100, 1_000, 10_000, 100_000, 1_000_000], [30]]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        truth = Truth(problems.gaussian(*point), judged=found.judged.get("ways"))
        ways = right_ways(found, [(k, WAYS[k](truth.problem)) for k in ("numpy", "numba")], truth)
        found.judged["ways"] = truth.judgement()
        if len(ways) < 2:
            return
        seconds = interleaved([ways[name].gradient for name in ("numpy", "numba")])
        gain = float(np.median(seconds[:, 0] - seconds[:, 1]))
        n, p = point
        measured = first_call.in_fresh_processes(n, p, "float64", "C")
        costs = {"compiles": measured.compiled, "loads": measured.loaded}
        for first, cost in costs.items():
            found.put("gradients", first, [math.ceil(cost / gain) if gain > 0 else math.nan])

    @staticmethod
    def cost(*point: Any) -> float:
        return 8.0


class BreakEven(Benchmark):
    """The number of gradients after which compiling, or loading, has paid against numpy."""

    group = Paying
    param_names = ["first call", "n", "p"]
    params = [["compiles", "loads"], *Paying.params]

    @with_attributes(unit="gradients")
    def track_gradients_until_paid(self, *of: Any) -> dict[str, Any]:
        return self.figure("gradients", *of, also=["numba", "numpy"])

"""What Numba's compilation costs, and after how many gradients it has paid."""

import math

import numpy as np

from suites.data import problems
from suites.harness import benchmark, first_call
from suites.harness.benchmark import with_attributes
from suites.harness.timing import interleaved

Cache = dict[tuple[str, str], first_call.Seconds]


class FirstCall:
    """The first gradient of a process, 100 000 x 30, by dtype and order."""

    param_names = ["dtype", "order"]
    params = [["float64", "float32"], ["C", "F"]]
    version = "1"
    timeout = 180.0

    def setup_cache(self) -> Cache:
        return {
            (dtype, order): first_call.in_fresh_processes(100_000, 30, dtype, order)
            for dtype in self.params[0]
            for order in self.params[1]
        }

    @with_attributes(unit="seconds")
    def track_import(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].imported

    @with_attributes(unit="seconds")
    def track_cold_compile(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].compiled

    @with_attributes(unit="seconds")
    def track_cached_load(self, seconds: Cache, dtype: str, order: str) -> float:
        return seconds[dtype, order].loaded


class BreakEven(benchmark.Benchmark):
    """The number of gradients after which compiling, or loading, has paid against numpy."""

    param_names = ["first call", "n", "p"]
    params = [["compiles", "loads"], [100, 1_000, 10_000, 100_000, 1_000_000], [30]]
    problem = staticmethod(problems.gaussian)

    @with_attributes(unit="gradients")
    def track_gradients_until_paid(self, first: str, n: int, p: int) -> float:
        ways = [self.verify(name, n, p) for name in ("numpy", "numba")]
        seconds = interleaved([way.gradient for way in ways])
        gain = float(np.median(seconds[:, 0] - seconds[:, 1]))
        measured = first_call.in_fresh_processes(n, p, "float64", "C")
        cost = measured.compiled if first == "compiles" else measured.loaded
        return math.ceil(cost / gain) if gain > 0 else math.nan

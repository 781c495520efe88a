"""The gradient across data sizes: time, preparation, memory, accuracy, what autograd costs.

Every benchmark checks its way against the oracle on the very inputs that it measures, before it
measures and after. A way that fails is recorded as failed at that point.
"""

from typing import Any

from kernels import WAYS, LeastSquares, Way
from suites.data import problems
from suites.harness import benchmark
from suites.harness.benchmark import with_attributes
from suites.harness.machine import cores
from suites.harness.memory import require_memory
from suites.harness.read_limit import sums_over
from suites.harness.threads import use_threads
from suites.harness.timing import interleaved, ratio

# X takes from 3 KiB to 240 MB in float64: inside L1, L2, around L3, far beyond it.
_ROWS = [100, 1_000, 10_000, 100_000, 1_000_000]
_COLUMNS = [4, 30, 300]

# X, a copy while it is drawn, and the factored way's copy and its transpose for LAPACK.
_COPIES = 4


class _Seeded(benchmark.OneWay):
    """Seeded data of n rows and p columns, float64, C order."""

    param_names = ["way", "n", "p"]
    params = [list(WAYS), _ROWS, _COLUMNS]
    rounds = 1

    @staticmethod
    def problem(n: int, p: int) -> LeastSquares:
        require_memory(n, p, _COPIES)
        return problems.gaussian(n, p)


class Gradient(_Seeded, benchmark.SteadyState):
    """A steady-state gradient, and what it costs beside the value."""

    @with_attributes(unit="x")
    def track_value_and_gradient_over_value(self, *_: object) -> dict[str, Any]:
        """Time of value and gradient over time of the value alone: what the gradient costs."""
        return ratio(self.verified.value_and_gradient, self.verified.value)


class ReadLimit:
    """The floor of a gradient: one read of X by the fastest sum over it, float64, all cores."""

    param_names = ["n", "p"]
    params = [_ROWS, _COLUMNS]
    version = "1"
    timeout = 180.0

    def setup(self, n: int, p: int) -> None:
        require_memory(n, p, _COPIES)

    @with_attributes(unit="seconds")
    def track_one_read(self, n: int, p: int) -> dict[str, Any]:
        problem = problems.gaussian(n, p)
        use_threads(cores())
        seconds = interleaved(sums_over(problem.X))
        return {"samples": seconds.min(axis=1).tolist(), "number": 1}


class Preparation(_Seeded):
    """What a way does before its first gradient: nothing, or a factorisation of X."""

    repeat = (3, 10, 1.0)
    prepared: Way | None = None

    def time_prepare(self, name: str, *_: object) -> None:
        self.prepared = WAYS[name](self.verified.truth.problem)

    def teardown(self, *_: object) -> None:
        """Check the way that was prepared last: asv records no time where this raises."""
        if self.prepared is not None:
            gradient = self.verified.turns("gradient", self.prepared.gradient)
            gradient.batch(1)
            gradient.check()


class Memory(_Seeded):
    """Peak resident memory of a process that imports a way, prepares and takes gradients.

    It holds X (n p 8 bytes) and the library itself, compilation included.
    """

    params = [list(WAYS), [100, 100_000], [30, 300]]

    def peakmem_gradient(self, *_: object) -> None:
        self.verified.way.gradient(self.verified.truth.points[0])

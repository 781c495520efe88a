"""Where the time of an autograd gradient goes: forward, recording, walking back, and what else.

All calls on one X run in one process, at several w in turn, are checked against the oracle before
and after, and are timed interleaved. Working sets: 3 KiB, 2.4 MB, 168 MB of X.
"""

from typing import Any

from kernels import WAYS
from suites.data import problems
from suites.harness import torch_calls
from suites.harness.benchmark import Benchmark, with_attributes
from suites.harness.group import Findings, Group, sizes

_SIZES = ["100 x 4", "10000 x 30", "700000 x 30"]

# As `suites.harness.torch_calls` names them.
CALLS = [
    "forward, plain tensor",
    "forward, inference_mode",
    "forward, no_grad",
    "forward, detached",
    "forward, recorded",
    "forward and backward",
    "forward and backward, graph retained",
    "backward again",
    "autograd.grad",
    "torch.func.grad",
    "torch.compile, forward and backward",
    "custom Function by numba",
    "torch expression by hand",
    "way torch",
    "way numba",
    "way numpy",
]


class Calls(Group):
    """All calls, on one X after another."""

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        for size in sizes(_SIZES):
            with found.part(size) as of_size:
                torch_calls.measure(of_size, problems.gaussian(*problems.shape(size)))

    @staticmethod
    def cost(*point: Any) -> float:
        return 25.0


class Autograd(Benchmark):
    """Seconds of a call, float64, all cores; value calls give f, the others its gradient."""

    group = Calls
    param_names = ["call", "X"]
    params = [CALLS, _SIZES]

    @with_attributes(unit="seconds")
    def track_time(self, *of: Any) -> dict[str, Any]:
        """n/a for torch.compile where there is no compiler."""
        return self.figure("time", *of)


class Graphs(Group):
    """What the graph of one loss holds. The same each time: one process says it."""

    params = [_SIZES]
    processes = 1

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        import torch

        from kernels.autograd.graph import recorded

        problem = problems.gaussian(*problems.shape(*point))
        way: Any = WAYS["torch"](problem)
        w = torch.zeros(problem.p, dtype=torch.float64, requires_grad=True)
        saved = recorded(way.loss(w)).saved
        found.put("bytes", "all", [saved])
        found.put("bytes", "beyond the data", [saved - problem.X.nbytes - problem.y.nbytes])


class Graph(Benchmark):
    """Bytes that the graph of one loss keeps for the backward pass."""

    group = Graphs
    param_names = ["X"]
    params = [_SIZES]

    @with_attributes(unit="bytes")
    def track_bytes_kept(self, size: str) -> float:
        """All of them: X and y too, by reference."""
        return self.same_in_all("bytes", "all", size)

    @with_attributes(unit="bytes")
    def track_bytes_beyond_the_data(self, size: str) -> float:
        """What exists for the graph alone."""
        return self.same_in_all("bytes", "beyond the data", size)

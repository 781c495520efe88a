"""Where the time of an autograd gradient goes: forward, recording, walking back, and what else.

All calls on one X run in one process (asv's setup_cache), at several w in turn, are checked against
the oracle before and after, and are timed interleaved. Working sets: 3 KiB, 2.4 MB, 168 MB of X.
"""

from typing import Any

import torch

from kernels import WAYS
from kernels.autograd.graph import recorded
from suites.data import problems
from suites.harness import torch_calls
from suites.harness.benchmark import skip, with_attributes
from suites.judge import WrongAnswerError

_SIZES = ["100 x 4", "10000 x 30", "700000 x 30"]

Cache = dict[tuple[str, str], torch_calls.Timed]


class Autograd:
    """Seconds of a call, float64, all cores; value calls give f, the others its gradient."""

    param_names = ["call", "X"]
    params = [torch_calls.NAMES, _SIZES]
    version = "1"
    timeout = 900.0

    def setup_cache(self) -> Cache:
        return {
            (call, size): timed
            for size in _SIZES
            for call, timed in torch_calls.timed(problems.gaussian(*problems.shape(size))).items()
        }

    def setup(self, cache: Cache, call: str, size: str) -> None:
        if reason := cache[call, size].skipped:
            skip(reason)

    @with_attributes(unit="seconds")
    def track_time(self, cache: Cache, call: str, size: str) -> dict[str, Any]:
        timed = cache[call, size]
        if timed.wrong:
            raise WrongAnswerError(timed.wrong)
        return {"samples": timed.seconds, "number": 1}


class Graph:
    """Bytes that the graph of one loss keeps for the backward pass."""

    param_names = ["X"]
    params = [_SIZES]
    version = "1"

    def setup(self, size: str) -> None:
        self.problem = problems.gaussian(*problems.shape(size))
        way: Any = WAYS["torch"](self.problem)
        w = torch.zeros(self.problem.p, dtype=torch.float64, requires_grad=True)
        self.graph = recorded(way.loss(w))

    @with_attributes(unit="bytes")
    def track_bytes_kept(self, size: str) -> int:
        """All of them: X and y too, by reference."""
        return self.graph.saved

    @with_attributes(unit="bytes")
    def track_bytes_beyond_the_data(self, size: str) -> int:
        """What exists for the graph alone."""
        return self.graph.saved - self.problem.X.nbytes - self.problem.y.nbytes

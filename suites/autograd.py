"""Where the time of an autograd gradient goes: forward, recording, walking back, and what else.

All calls on one X run in one process (asv's setup_cache), are checked against the oracle, and are
timed interleaved. Working sets: 3 KiB, 2.4 MB, 168 MB of X.
"""

import os
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from kernels import WAYS, Array, LeastSquares
from kernels.graph import recorded
from kernels.torch_function import as_torch
from suites import problems
from suites.judge import GradientOracle, WrongAnswerError
from suites.machine import cores
from suites.timing import interleaved, use_threads

_SIZES = {"100 x 4": (100, 4), "10000 x 30": (10_000, 30), "700000 x 30": (700_000, 30)}
_VALUES = [
    "forward, plain tensor",
    "forward, inference_mode",
    "forward, no_grad",
    "forward, detached",
    "forward, recorded",
]
_COMPILED = "torch.compile, forward and backward"
_GRADIENTS = [
    "forward and backward",
    "forward and backward, graph retained",
    "backward again",
    "autograd.grad",
    "torch.func.grad",
    _COMPILED,
    "custom Function by numba",
    "torch expression by hand",
    "way torch",
    "way numba",
    "way numpy",
]


class Timed(NamedTuple):
    """Seconds, none if not run; ``skipped`` says why not, ``wrong`` how the answer is off."""

    seconds: list[float]
    skipped: str = ""
    wrong: str = ""


Cache = dict[tuple[str, str], Timed]


class Autograd:
    """Seconds of a call, float64, all cores; value calls give f, the others its gradient."""

    param_names = ["call", "X"]
    params = [_VALUES + _GRADIENTS, list(_SIZES)]
    version = "1"
    timeout = 900.0

    def setup_cache(self) -> Cache:
        return {
            (call, size): timed
            for size, shape in _SIZES.items()
            for call, timed in all_timed(problems.gaussian(*shape)).items()
        }

    def setup(self, cache: Cache, call: str, size: str) -> None:
        if reason := cache[call, size].skipped:
            raise NotImplementedError(reason)

    def track_time(self, cache: Cache, call: str, size: str) -> dict[str, Any]:
        timed = cache[call, size]
        if timed.wrong:
            raise WrongAnswerError(timed.wrong)
        return {"samples": timed.seconds, "number": 1}

    track_time.unit = "seconds"  # type: ignore[attr-defined]


class Graph:
    """Bytes that the graph of one loss keeps for the backward pass."""

    param_names = ["X"]
    params = [list(_SIZES)]
    version = "1"

    def setup(self, size: str) -> None:
        self.problem = problems.gaussian(*_SIZES[size])
        way: Any = WAYS["torch"](self.problem)
        w = torch.zeros(self.problem.p, dtype=torch.float64, requires_grad=True)
        self.graph = recorded(way._loss(w))

    def track_bytes_kept(self, size: str) -> int:
        """All of them: X and y too, by reference."""
        return self.graph.saved

    def track_bytes_beyond_the_data(self, size: str) -> int:
        """What exists for the graph alone."""
        return self.graph.saved - self.problem.X.nbytes - self.problem.y.nbytes

    track_bytes_kept.unit = "bytes"  # type: ignore[attr-defined]
    track_bytes_beyond_the_data.unit = "bytes"  # type: ignore[attr-defined]


def all_timed(problem: LeastSquares) -> dict[str, Timed]:
    """Check every call against the oracle, and time those that are right, interleaved."""
    w = problems.start(problem)
    oracle = GradientOracle(problem, w)
    calls = _calls(problem, w)
    use_threads(cores())
    compiled, skipped = _compiled(problem, w)
    if compiled is not None:
        calls[_COMPILED] = compiled
    wrong = {name: _wrong(name, call, oracle) for name, call in calls.items()}
    right = [name for name in calls if not wrong[name]]
    seconds = interleaved([calls[name] for name in right]).T.tolist()
    timed = {name: Timed([], wrong=reason) for name, reason in wrong.items() if reason}
    timed |= {name: Timed(row) for name, row in zip(right, seconds, strict=True)}
    return timed if compiled is not None else timed | {_COMPILED: Timed([], skipped)}


def _wrong(name: str, call: Callable[[], Any], oracle: GradientOracle) -> str:
    found = call()
    if name in _VALUES:
        error = oracle.value_error(float(found.detach()), factored=False)
    else:
        error = oracle.gradient_error(np.asarray(found), factored=False)
    return "" if error <= 1 else f"{name}: {error:.3g} times its error bound off"


def _calls(problem: LeastSquares, w: Array) -> dict[str, Callable[[], Any]]:
    """Return the calls by name; each returns its value or its gradient."""
    way: Any = WAYS["torch"](problem)
    loss, X, y = way._loss, way._X, way._y
    leaf, plain = torch.from_numpy(w.copy()).requires_grad_(), torch.from_numpy(w.copy())
    kept = loss(leaf)
    by_numba = as_torch(WAYS["numba"](problem))

    def without(recording: Callable[[], Any]) -> torch.Tensor:
        with recording():
            value: torch.Tensor = loss(leaf)
        return value

    def walked_back(value: torch.Tensor, *, retain_graph: bool = False) -> torch.Tensor:
        leaf.grad = None
        value.backward(retain_graph=retain_graph)
        assert leaf.grad is not None
        return leaf.grad

    return {
        "forward, plain tensor": lambda: loss(plain),
        "forward, inference_mode": lambda: without(torch.inference_mode),
        "forward, no_grad": lambda: without(torch.no_grad),
        "forward, detached": lambda: loss(leaf.detach()),
        "forward, recorded": lambda: loss(leaf),
        "forward and backward": lambda: walked_back(loss(leaf)),
        "forward and backward, graph retained": lambda: walked_back(loss(leaf), retain_graph=True),
        "backward again": lambda: walked_back(kept, retain_graph=True),
        "autograd.grad": lambda: torch.autograd.grad(loss(leaf), leaf)[0],
        "torch.func.grad": lambda: torch.func.grad(loss)(plain),
        "custom Function by numba": lambda: walked_back(by_numba(leaf)),
        "torch expression by hand": lambda: (2 / problem.n) * (X.T @ (X @ plain - y)),
        **{f"way {k}": partial(WAYS[k](problem).gradient, w) for k in ("torch", "numba", "numpy")},
    }


def _compiled(problem: LeastSquares, w: Array) -> tuple[Callable[[], Any] | None, str]:
    """Return the loss and its backward pass by torch.compile, or why it cannot be had here."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no workers beside the timing
    way: Any = WAYS["torch"](problem)
    leaf = torch.from_numpy(w.copy()).requires_grad_()
    X, y = way._X, way._y
    torch.compiler.reset()

    @torch.compile(dynamic=False)
    def loss(w: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(X @ w, y)

    def call() -> torch.Tensor:
        leaf.grad = None
        loss(leaf).backward()
        assert leaf.grad is not None
        return leaf.grad

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except Exception as error:  # whatever a compiler that is absent or broken may raise
        return None, f"torch.compile: {str(error).splitlines()[0]}"
    return call, ""

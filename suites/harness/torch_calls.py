"""The parts of an autograd gradient as calls that are judged and timed, and what is set beside it.

Value calls give f at a point, the others its gradient. PyTorch is imported where it is used: asv
imports every module here, and forks for each combination of parameters.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kernels import WAYS, Array, LeastSquares
from suites.harness.group import Findings, right_ways, timed
from suites.harness.machine import cores
from suites.harness.threads import use_threads
from suites.harness.turns import Turns
from suites.harness.verified import Truth, digest
from suites.judge import WrongAnswerError

if TYPE_CHECKING:
    import torch

COMPILED = "torch.compile, forward and backward"
_WAYS = ["torch", "numba", "numpy"]


class At(NamedTuple):
    """A point w: as an array, as a plain tensor, as a leaf, and with the graph of its loss."""

    w: Array
    plain: torch.Tensor
    leaf: torch.Tensor
    kept: torch.Tensor


Call = Callable[[At], Any]


class _Answers(Turns):
    """What a call gives at each point: a tensor."""

    def __init__(self, name: str, call: Call, truth: Truth, points: list[At]) -> None:
        super().__init__(call, len(points))
        self._name, self._truth, self._points = name, truth, points

    def arguments(self, turn: list[int]) -> list[At]:
        return [self._points[number] for number in turn]

    def bits(self, output: Any) -> bytes:
        import torch

        if type(output) is not torch.Tensor:
            raise WrongAnswerError(f"{self._name}: the answer is a {type(output).__name__}")
        answer = output.detach().numpy()
        shape = () if _is_value(self._name) else (self._truth.problem.p,)
        if answer.dtype != np.float64 or answer.shape != shape:
            raise WrongAnswerError(
                f"{self._name}: the answer is {answer.dtype} of shape {answer.shape}"
            )
        return bytes(answer.tobytes())

    def judge(self, number: int, argument: At, bits: bytes) -> None:
        if argument.w.tobytes() != self._truth.points[number].tobytes():
            raise WrongAnswerError(f"{self._name}: w is not what it was")
        right = self._truth.right_bits(f"{self._name} {number}")
        if (seen := digest(bits)) in right:
            return
        answer, oracle = np.frombuffer(bits), self._truth.oracles[number]
        if _is_value(self._name):
            error = oracle.value_error(float(answer[0]), factored=False)
        else:
            error = oracle.gradient_error(answer, factored=False)
        if not error <= 1:
            raise WrongAnswerError(f"{self._name}: {error:.3g} times its error bound off")
        right.add(seen)

    def require_unchanged(self, outputs: list[Any]) -> None:
        self._truth.require_unchanged(self._name)


def measure(found: Findings, problem: LeastSquares) -> None:
    """Check every call against the oracle; time those that are right, interleaved.

    Without a compiler for `torch.compile` there is nothing of that call.
    """
    truth = found.truth(problem)
    use_threads(cores())
    points = _points(truth)
    made = calls(problem)
    by_compiler = compiled(problem, points[0])
    if by_compiler is not None:
        made[COMPILED] = by_compiler
    truth.let_threads_be()  # the compiler's own
    turns: dict[str, Turns] = {}
    for name, call in made.items():
        turns[name] = _Answers(name, call, truth, points)
        turns[name].batch(len(points))
        if why := turns[name].why_wrong():
            found.forget(name, why)
    prepared = [(f"way {name}", WAYS[name](problem)) for name in _WAYS]
    verified = right_ways(found, prepared, truth)
    turns |= {name: way.gradient for name, way in verified.items()}
    right = {name: call for name, call in turns.items() if name not in found.wrong}
    for name, seconds in timed(found, right).items():
        found.put("time", name, seconds)


def _is_value(name: str) -> bool:
    """Return whether a call gives f, and not its gradient."""
    return name.startswith("forward, ")


def _points(truth: Truth) -> list[At]:
    import torch

    loss = _torch(truth.problem).loss
    points = []
    for w in truth.points:
        own = w.copy()
        leaf = torch.from_numpy(own).requires_grad_()
        points.append(At(own, torch.from_numpy(own), leaf, loss(leaf)))
    return points


def _torch(problem: LeastSquares) -> Any:
    return WAYS["torch"](problem)


def calls(problem: LeastSquares) -> dict[str, Call]:
    """Return the calls by name, as functions of a point; each returns f there or its gradient."""
    import torch

    from kernels.autograd.function import as_torch

    way = _torch(problem)
    loss, X, y = way.loss, way.X, way.y
    by_numba = as_torch(WAYS["numba"](problem))

    def without(recording: Callable[[], Any], leaf: torch.Tensor) -> torch.Tensor:
        with recording():
            value: torch.Tensor = loss(leaf)
        return value

    def walked_back(at: At, value: torch.Tensor, *, retain_graph: bool = False) -> torch.Tensor:
        at.leaf.grad = None
        value.backward(retain_graph=retain_graph)
        assert at.leaf.grad is not None
        return at.leaf.grad

    return {
        "forward, plain tensor": lambda at: loss(at.plain),
        "forward, inference_mode": lambda at: without(torch.inference_mode, at.leaf),
        "forward, no_grad": lambda at: without(torch.no_grad, at.leaf),
        "forward, detached": lambda at: loss(at.leaf.detach()),
        "forward, recorded": lambda at: loss(at.leaf),
        "forward and backward": lambda at: walked_back(at, loss(at.leaf)),
        "forward and backward, graph retained": lambda at: walked_back(
            at, loss(at.leaf), retain_graph=True
        ),
        "backward again": lambda at: walked_back(at, at.kept, retain_graph=True),
        "autograd.grad": lambda at: torch.autograd.grad(loss(at.leaf), at.leaf)[0],
        "torch.func.grad": lambda at: torch.func.grad(loss)(at.plain),
        "custom Function by numba": lambda at: walked_back(at, by_numba(at.leaf)),
        "torch expression by hand": lambda at: (2 / problem.n) * (X.T @ (X @ at.plain - y)),
    }


def compiled(problem: LeastSquares, at: At) -> Call | None:
    """Return the loss and its backward pass by torch.compile, None where there is no compiler."""
    import torch

    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no workers beside the timing
    way = _torch(problem)
    X, y = way.X, way.y
    torch.compiler.reset()

    @torch.compile(dynamic=False)
    def loss(w: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(X @ w, y)

    def call(at: At) -> torch.Tensor:
        at.leaf.grad = None
        loss(at.leaf).backward()
        assert at.leaf.grad is not None
        return at.leaf.grad

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(at)
    except Exception:  # whatever a compiler that is absent or broken may raise
        return None
    return call

"""The gradient by other libraries as their users take it: prepared once, then asked at one w.

Each is right or wrong by the same oracle as the ways. Its library is imported where one is made.
"""

import shutil
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels import Array, LeastSquares
from suites.conform.libraries.of_jax import jax_numpy
from suites.conform.registry import is_installed


class _Peer(ABC):
    """What the harness asks of a way of which only the gradient is taken."""

    factored = False

    def __init__(self, problem: LeastSquares) -> None:
        self.problem = problem

    @abstractmethod
    def gradient(self, w: Array) -> Array: ...


class JaxGrad(_Peer):
    """jax.jit of jax.grad in float64. X is an argument, not a constant of what is compiled."""

    def __init__(self, problem: LeastSquares) -> None:
        super().__init__(problem)
        jnp = jax_numpy()
        import jax

        self._X, self._y = jnp.array(problem.X), jnp.array(problem.y)
        self._gradient = jax.jit(jax.grad(_mean_square))

    def gradient(self, w: Array) -> Array:
        return np.asarray(self._gradient(w, self._X, self._y))


class TorchFunc(_Peer):
    """torch.func.grad: the transform of functions in place of backward()."""

    def __init__(self, problem: LeastSquares) -> None:
        super().__init__(problem)
        import torch

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._X, self._y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
        self._from_numpy = torch.from_numpy
        self._gradient = self._made(torch.func.grad(_mean_square))

    @staticmethod
    def _made(gradient: Callable[..., Any]) -> Callable[..., Any]:
        return gradient

    def gradient(self, w: Array) -> Array:
        found: Array = self._gradient(self._from_numpy(w), self._X, self._y).numpy()
        return found


class TorchCompiled(TorchFunc):
    """torch.compile of the same, compiled here: that needs a C++ compiler, and leaves threads."""

    def __init__(self, problem: LeastSquares) -> None:
        super().__init__(problem)
        self.gradient(np.zeros(problem.p, problem.dtype))

    @staticmethod
    def _made(gradient: Callable[..., Any]) -> Callable[..., Any]:
        import torch

        torch.compiler.reset()  # else the eighth shape of a process is not compiled any more
        return torch.compile(gradient, dynamic=False)


class Autograd(_Peer):
    """autograd.grad, on NumPy's functions."""

    def __init__(self, problem: LeastSquares) -> None:
        super().__init__(problem)
        from autograd import grad

        self._gradient = grad(_mean_square)

    def gradient(self, w: Array) -> Array:
        found: Array = self._gradient(w, self.problem.X, self.problem.y)
        return found


def _mean_square(w: Any, X: Any, y: Any) -> Any:
    """Return f(w) = |Xw - y|²/n, for arrays of any library."""
    residual = X @ w - y
    return residual @ residual / len(y)


PEERS: dict[str, type[_Peer]] = {
    "jax": JaxGrad,
    "torch.func": TorchFunc,
    "torch.compile": TorchCompiled,
    "autograd": Autograd,
}


def lacking(name: str) -> str:
    """Return what a peer needs and is not here; "" where nothing is lacking."""
    if name in ("jax", "autograd") and not is_installed(name):
        return f"{name} is not installed"
    if name == "torch.compile" and not shutil.which("g++"):
        return "torch.compile needs a C++ compiler"
    return ""

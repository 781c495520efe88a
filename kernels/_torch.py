"""PyTorch autograd of the mean squared error."""

import warnings
from typing import final

import torch

from kernels._contract import Solution, Way, with_ridge_rows
from kernels._problem import Array


@final
class TorchWay(Way):
    """The loss is written forward only; its gradient is the graph walked back.

    Each call makes w a fresh leaf, records the graph of
    mse_loss(Xw, y) + (alpha/n) |w|², and calls ``backward()`` on it. The tensors of X and
    y share memory with the caller's arrays.

    Cost of a gradient: 4np flops and two reads of X, as in NumPy, and on top of it some
    tens of microseconds to record the graph and to walk it back, whatever the size.
    Solution: `torch.linalg.lstsq` with driver gelsd, O(np²). The driver is named because
    the default on the CPU, gelsy, was seen to return a wrong and nondeterministic answer
    on rank-deficient X, and gels errors of 1e13 without a word (PyTorch 2.13.0).
    """

    def _prepare(self, X: Array, y: Array) -> None:
        self._X, self._y = _shared(X), _shared(y)
        self._alpha_over_n = self.problem.alpha / len(y)

    def _loss(self, w: torch.Tensor) -> torch.Tensor:
        loss = torch.nn.functional.mse_loss(self._X @ w, self._y)
        if self._alpha_over_n:
            loss = loss + self._alpha_over_n * w.square().sum()
        return loss

    def _value(self, w: Array) -> float:
        with torch.no_grad():
            return float(self._loss(torch.from_numpy(w)))

    def _gradient(self, w: Array) -> Array:
        return self._walked_back(w)[1]

    def _value_and_gradient(self, w: Array) -> tuple[float, Array]:
        loss, gradient = self._walked_back(w)
        return float(loss.detach()), gradient

    def _walked_back(self, w: Array) -> tuple[torch.Tensor, Array]:
        """Return the loss and its gradient, under `torch.no_grad` and `inference_mode` as well."""
        if not torch.is_grad_enabled() or torch.is_inference_mode_enabled():
            with torch.inference_mode(False), torch.enable_grad():  # 2.4 µs, a look 0.1
                return self._walked_back(w)
        leaf = torch.from_numpy(w).requires_grad_()
        loss = self._loss(leaf)
        loss.backward()
        assert leaf.grad is not None  # backward() has run
        return loss, leaf.grad.numpy()

    def solve(self) -> Solution:
        """Return the solution by gelsd, on [X; sqrt(alpha) I] where alpha > 0."""
        alpha, rcond = self.problem.alpha, self.problem.rcond
        A, b = with_ridge_rows(self._X.numpy(), self._y.numpy(), alpha)
        found = torch.linalg.lstsq(_shared(A), _shared(b)[:, None], rcond=rcond, driver="gelsd")
        w = found.solution[:, 0].clone().numpy()
        if alpha:
            return Solution(w, rank=None, method="ridge", alpha=alpha)
        return Solution(w, rank=int(found.rank), method="lstsq", alpha=alpha)


def _shared(array: Array) -> torch.Tensor:
    """Return a tensor over the array's own memory.

    PyTorch knows no read-only tensor and warns of one; nothing here writes to it. A tensor that is
    made in `torch.inference_mode` cannot be recorded later.
    """
    with torch.inference_mode(False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)

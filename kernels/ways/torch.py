"""PyTorch autograd of the mean squared error."""

import warnings
from typing import final

import numpy as np
import torch

from kernels.problem import Array
from kernels.rank.row_space import solved
from kernels.rank.tree import few_rows
from kernels.solution import Solution
from kernels.way import Way


@final
class TorchWay(Way):
    """The loss is written forward only; its gradient is the graph walked back.

    Each call makes w a fresh leaf, records the graph of
    mse_loss(Xw, y) + (alpha/n) |w|², and calls ``backward()`` on it. The tensors of X and
    y share memory with the caller's arrays.

    Cost of a gradient: 4np flops and two reads of X, as in NumPy, and on top of it some
    tens of microseconds to record the graph and to walk it back, whatever the size.
    Solution: QR by a tree and `torch.linalg.lstsq` with driver gelsd, O(np²). The driver is
    named because the default on the CPU, gelsy, was seen to return a wrong and nondeterministic
    answer on rank-deficient X, and gels errors of 1e13 without a word (PyTorch 2.13.0).
    """

    def _prepare(self, X: Array, y: Array) -> None:
        self.X, self.y = _shared(X), _shared(y)
        self._alpha_over_n = self.problem.alpha / len(y)

    def loss(self, w: torch.Tensor) -> torch.Tensor:
        """Return f(w) as PyTorch records it."""
        loss = torch.nn.functional.mse_loss(self.X @ w, self.y)
        if self._alpha_over_n:
            loss = loss + torch.dot(self._alpha_over_n * w, w)  # |w|² may leave the range
        return loss

    def _value(self, w: Array) -> float:
        with torch.no_grad():
            return float(self.loss(torch.from_numpy(w)))

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
        loss = self.loss(leaf)
        loss.backward()
        assert leaf.grad is not None  # backward() has run
        return loss, leaf.grad.numpy()

    def solve(self) -> Solution:
        """Return the solution by a tree of QRs and gelsd, on columns of one size: see `solved`."""
        return solved(self.problem, self.X.numpy(), self.y.numpy(), _lstsq)


def _lstsq(A: Array, b: Array, rcond: float) -> tuple[Array, int]:
    """Solve by gelsd on R of [A b], from a tree of blocks of rows.

    MKL's QR of a tall matrix makes errors that grow with n where they have one sign: a backward
    error of 68 u|A| on a table of 20 190 x 10, and rank 57 of 56 on one of 214 144 x 57, all
    dummies (PyTorch 2.13.0).
    """
    rows = few_rows(np.column_stack([A, b]), _factor)
    R, right = torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, -1:].copy())
    found = torch.linalg.lstsq(R, right, rcond=rcond, driver="gelsd")
    return found.solution[:, 0].numpy(), int(found.rank)


def _factor(blocks: Array) -> Array:
    R: Array = torch.linalg.qr(_shared(np.ascontiguousarray(blocks)), mode="r").R.numpy()
    return R


def _shared(array: Array) -> torch.Tensor:
    """Return a tensor over the array's own memory.

    PyTorch knows no read-only tensor and warns of one; nothing here writes to it. A tensor that is
    made in `torch.inference_mode` cannot be recorded later.
    """
    with torch.inference_mode(False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)

"""Any way as a function that PyTorch differentiates: the gradient comes from the way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kernels._contract import Way


def as_torch(way: Way) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return f as a function of a (p,) tensor on the CPU, for graphs that hold more than f.

        loss = as_torch(WAYS["numba"](problem))
        (loss(w) + penalty(w)).backward()

    The graph records one node, whose gradient is that of the way: for numba the hand-derived
    kernel, one read of X for value and gradient together, where autograd records three nodes and
    reads X twice. f is differentiable once; a second derivative raises RuntimeError.

    Raises ValueError as `Way.value_and_gradient` does.
    """

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, w: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():  # off in here, and the torch way records
                value, gradient = way.value_and_gradient(w.detach().numpy())
            ctx.save_for_backward(torch.from_numpy(np.asarray(gradient)))
            return w.new_tensor(value)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, factor: torch.Tensor) -> torch.Tensor:
            (gradient,) = ctx.saved_tensors
            scaled: torch.Tensor = factor * gradient
            return scaled

    function: Callable[[torch.Tensor], torch.Tensor] = Loss.apply
    return function

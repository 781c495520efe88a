"""Any way as a function that PyTorch differentiates: the derivatives come from the way."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch

from kernels.problem import Array
from kernels.way import Way


def as_torch(way: Way) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return f as a function of a (p,) tensor on the CPU, for graphs that hold more than f.

        loss = as_torch(WAYS["numba"](problem))
        (loss(w) + penalty(w)).backward()

    The graph records one node, whose gradient is that of the way: for numba the hand-derived
    kernel, one read of X for value and gradient together, where autograd records three nodes and
    reads X twice. A second derivative is a product with the Hessian H = (2/n)(XᵀX + alpha I), one
    gradient of `Way.homogeneous`; the third is zero. So ``create_graph=True``,
    `torch.autograd.functional`, `torch.func` and `torch.vmap` (a loop over the batch) work.

    f has the dtype of the problem. Raises ValueError and TypeError as `Way.value_and_gradient`
    does, for H also where the vector is not finite. Raises RuntimeError for forward mode within
    forward mode (``jacfwd(jacfwd(f))``; `torch.func.hessian` is forward over reverse), and for H
    under ``vectorize=True`` and ``is_grads_batched=True``, whose batch PyTorch does not hand out.
    """

    @cache
    def curved() -> Way:
        return way.homogeneous()

    class Product(_Function):
        """v -> Hv, linear and symmetric."""

        @staticmethod
        def forward(v: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(curved().gradient(_array(v)))

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None: ...

        @staticmethod
        def backward(ctx: Any, u: torch.Tensor) -> Any:
            return Product.apply(u)

        @staticmethod
        def jvp(ctx: Any, u: torch.Tensor) -> Any:
            return Product.apply(u)

    class Loss(_Function):
        """w -> f(w), ∇f(w)."""

        @staticmethod
        def forward(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            value, gradient = way.value_and_gradient(_array(w))
            # A third of the time of `torch.tensor`.
            return torch.from_numpy(np.asarray(value, gradient.dtype)), torch.from_numpy(gradient)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(output[1])
            ctx.save_for_forward(output[1])
            ctx.set_materialize_grads(False)  # H is not multiplied by zero

        @staticmethod
        def backward(ctx: Any, factor: torch.Tensor | None, u: torch.Tensor | None) -> Any:
            (g,) = ctx.saved_tensors
            first = None if factor is None else factor * g
            if u is None:
                return first
            second = Product.apply(u)
            return second if first is None else first + second

        @staticmethod
        def jvp(ctx: Any, u: torch.Tensor) -> Any:
            (g,) = ctx.saved_tensors
            return g @ u, Product.apply(u)

    def loss(w: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = Loss.apply(w)[0]
        return value

    function: Callable[[torch.Tensor], torch.Tensor] = torch.compiler.disable(loss)
    return function


class _Function(torch.autograd.Function):
    """A function of one vector that leaves PyTorch."""

    @classmethod
    def apply(cls, vector: torch.Tensor) -> Any:
        """As PyTorch's own, which first looks for default arguments: 12 µs of 50."""
        if torch._C._are_functorch_transforms_active():
            levels = [level.key() for level in torch._C._functorch.get_interpreter_stack() or []]
            if levels.count(torch._C._functorch.TransformType.Jvp) > 1:
                # PyTorch loses the outer tangent of what a function saves: it gave zeros (2.13.0).
                raise RuntimeError("forward mode within forward mode cannot be had: use jacrev")
            return super().apply(vector)  # type: ignore[no-untyped-call]
        return super(torch.autograd.Function, cls).apply(vector)  # type: ignore[misc]

    @classmethod
    def vmap(cls, info: Any, in_dims: tuple[int], batch: torch.Tensor) -> Any:
        found = [cls.apply(vector) for vector in batch.movedim(in_dims[0], 0)]
        if isinstance(found[0], torch.Tensor):
            return torch.stack(found), 0
        return tuple(map(torch.stack, zip(*found, strict=True))), (0, 0)


def _array(vector: torch.Tensor) -> Array:
    try:
        return vector.detach().numpy()
    except RuntimeError as error:
        message = (
            "vectorize and is_grads_batched cannot be had in a second derivative: use torch.func"
        )
        raise RuntimeError(message) from error

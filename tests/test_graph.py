"""The dynamic graph of PyTorch, statement by statement."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from kernels import WAYS, Way, descend
from kernels.autograd.function import as_torch
from kernels.autograd.graph import Graph, main, recorded, regression_loss
from suites.data import problems


@pytest.fixture
def x() -> torch.Tensor:
    """A differentiable leaf with value 1."""
    return torch.tensor(1.0, requires_grad=True)


def names(tensor: torch.Tensor) -> list[str]:
    return [node.name for node in recorded(tensor).nodes]


# What is recorded.


def test_a_result_of_a_differentiable_tensor_is_differentiable_and_records_its_function(
    x: torch.Tensor,
) -> None:
    y = x**2
    z = y + 1
    assert y.requires_grad
    assert z.requires_grad
    assert type(y.grad_fn).__name__ == "PowBackward0"
    assert type(z.grad_fn).__name__ == "AddBackward0"


def test_a_leaf_has_no_function(x: torch.Tensor) -> None:
    assert x.requires_grad
    assert x.grad_fn is None


def test_a_result_of_plain_tensors_is_not_differentiable() -> None:
    z = torch.tensor(1.0) ** 2 + 1
    assert not z.requires_grad
    assert z.grad_fn is None


def test_a_node_is_a_leaf_an_intermediate_or_an_output(x: torch.Tensor) -> None:
    graph = recorded((x**2) ** 2)
    assert [(node.name, node.kind) for node in graph.nodes] == [
        ("PowBackward0", "output"),
        ("PowBackward0", "intermediate"),
        ("AccumulateGrad", "leaf"),
    ]
    assert graph.edges == ((0, 1), (1, 2))


def test_only_what_was_computed_from_differentiable_tensors_is_no_leaf(x: torch.Tensor) -> None:
    y = x**2
    assert x.is_leaf
    assert not y.is_leaf
    # The confusing cases: a leaf is what has no history, differentiable or not.
    assert torch.tensor(1.0).is_leaf
    assert (torch.tensor(1.0) + 1).is_leaf
    assert y.detach().is_leaf
    assert not y.detach().requires_grad
    assert y.detach().requires_grad_().is_leaf


# The backward pass.


def test_there_is_no_gradient_before_backward_and_then_it_is_the_derivative(
    x: torch.Tensor,
) -> None:
    z = x**2 + 1
    assert x.grad is None
    z.backward()
    assert x.grad is not None
    assert x.grad.item() == 2  # 2x


def test_a_second_backward_on_the_same_graph_is_refused(x: torch.Tensor) -> None:
    z = x**2 + 1
    z.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        z.backward()


def test_a_graph_that_is_retained_can_be_walked_again_and_gradients_add_up(
    x: torch.Tensor,
) -> None:
    z = x**2 + 1
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad is not None
    assert x.grad.item() == 2 + 2


def test_backward_from_an_intermediate_gives_its_own_derivative(x: torch.Tensor) -> None:
    y = x**2
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 2  # 2x


def test_backward_from_the_output_gives_the_derivative_of_the_chain(x: torch.Tensor) -> None:
    z = (x**2) ** 2
    z.backward()
    assert x.grad is not None
    assert x.grad.item() == 4  # 4x³


def test_the_gradient_of_an_intermediate_is_not_kept_and_asking_for_it_warns(
    x: torch.Tensor,
) -> None:
    y = x**2
    (y**2).backward()
    with pytest.warns(UserWarning, match="grad attribute of a Tensor that is not a leaf"):
        assert y.grad is None


def test_the_gradient_of_an_intermediate_is_kept_on_request(x: torch.Tensor) -> None:
    y = x**2
    y.retain_grad()
    (y**2).backward()
    assert y.grad is not None
    assert y.grad.item() == 2  # 2y


def test_a_graph_that_was_walked_back_has_freed_what_it_kept(x: torch.Tensor) -> None:
    z = (x**2) ** 2
    assert recorded(z).saved > 0
    z.backward()
    with pytest.raises(RuntimeError, match="already been freed"):
        recorded(z)


# Not recording.


def test_under_no_grad_nothing_is_recorded(x: torch.Tensor) -> None:
    with torch.no_grad():
        z = x**2 + 1
    assert not z.requires_grad
    assert recorded(z) == Graph((), ())
    assert x.requires_grad  # the leaf is as it was
    assert (z * x).requires_grad  # and the result can be a constant of a later graph


def test_detach_cuts_one_tensor_off_and_shares_its_memory(x: torch.Tensor) -> None:
    y = x**2
    constant = y.detach()
    (constant * x).backward()
    assert x.grad is not None
    assert x.grad.item() == 1  # y counts as a constant: not 3x²
    assert constant.data_ptr() == y.data_ptr()
    assert y.requires_grad  # what was recorded stays


def test_inference_mode_records_nothing_and_its_results_never_can(x: torch.Tensor) -> None:
    with torch.inference_mode():
        z = x**2 + 1
    assert not z.requires_grad
    assert z.is_inference()
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        z * x
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor"):
        z.requires_grad_()


# The graph is dynamic.


def test_another_branch_records_another_graph() -> None:
    def f(x: torch.Tensor) -> torch.Tensor:
        return x**2 if x > 0 else x.exp()

    def of(value: float) -> list[str]:
        return names(f(torch.tensor(value, requires_grad=True)))[:-1]

    assert of(1.0) == ["PowBackward0"]
    assert of(-1.0) == ["ExpBackward0"]


@pytest.mark.parametrize("count", [1, 3, 10])
def test_another_loop_count_records_another_graph(x: torch.Tensor, count: int) -> None:
    z = x
    for _ in range(count):
        z = z**2
    assert names(z)[:-1] == ["PowBackward0"] * count
    z.backward()
    assert x.grad is not None
    assert x.grad.item() == 2**count


# The regression loss itself.


def test_the_loss_of_the_torch_way_records_its_graph() -> None:
    graph = recorded(regression_loss(100, 4))
    assert [(node.name, node.kind, node.shape) for node in graph.nodes] == [
        ("MseLossBackward0", "output", ()),
        ("MvBackward0", "intermediate", (100,)),
        ("AccumulateGrad", "leaf", (4,)),
    ]
    # X by reference, y by reference, and Xw: w is a constant for the gradient of w.
    assert graph.saved == 8 * (100 * 4 + 100 + 100)


def test_a_ridge_term_is_another_branch_to_the_same_leaf() -> None:
    graph = recorded(regression_loss(100, 4, alpha=1.0))
    leaves = [i for i, node in enumerate(graph.nodes) if node.kind == "leaf"]
    assert len(leaves) == 1
    assert sum(end == leaves[0] for _, end in graph.edges) >= 2
    assert graph.nodes[0].name == "AddBackward0"


def test_every_gradient_of_the_torch_way_records_a_graph_of_its_own() -> None:
    way: Any = WAYS["torch"](problems.gaussian(30, 3))
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    first, second = way.loss(w), way.loss(w)
    assert first.grad_fn is not second.grad_fn
    first.backward()
    second.backward()  # not refused
    expected = WAYS["numpy"](way.problem).gradient(np.zeros(3))
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), 2 * expected, rtol=1e-13)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_torch_way_records_whatever_the_mode_of_its_caller(mode: Any) -> None:
    problem = problems.gaussian(30, 3, alpha=0.5)
    w = problems.start(problem)
    value, gradient = WAYS["torch"](problem).value_and_gradient(w)
    with mode():
        prepared = WAYS["torch"](problem)
        inside = prepared.value_and_gradient(w)
        found = [descend(method, prepared) for method in ("torch SGD", "torch LBFGS")]
        assert not torch.is_grad_enabled()
    for v, g in (inside, (prepared.value(w), prepared.gradient(w))):
        assert v == value
        np.testing.assert_array_equal(g, gradient)
    assert found[0].converged
    assert all(f.w == pytest.approx(prepared.solve().w, rel=1e-3) for f in found)


# Any way as a function that PyTorch differentiates.


def test_a_way_is_one_node_of_a_larger_graph(way: type[Way]) -> None:
    problem = problems.gaussian(30, 3)
    prepared, start = way(problem), problems.start(problem)
    w = torch.from_numpy(start.copy()).requires_grad_()
    loss = as_torch(prepared)(w)
    assert [node.kind for node in recorded(loss).nodes] == ["output", "leaf"]
    assert recorded(loss).saved == 3 * 8  # the gradient
    assert loss.item() == prepared.value_and_gradient(start)[0]
    (loss.exp() + 2 * w.sum()).backward()
    assert w.grad is not None
    expected = loss.exp().item() * prepared.gradient(start) + 2
    np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-14)


def both(way: type[Way], alpha: float, dtype: Any = np.float64) -> tuple[Any, Any, torch.Tensor]:
    """f by a way, f by PyTorch's own operations, and a point."""
    problem = problems.gaussian(30, 3, alpha=alpha, dtype=dtype)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def plain(w: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = ((X @ w - y) ** 2).mean() + alpha / 30 * (w**2).sum()
        return loss

    return as_torch(way(problem)), plain, torch.from_numpy(problems.start(problem).copy())


def penalised(f: Any, w: torch.Tensor) -> torch.Tensor:
    """The gradient of f + |∇f|²."""
    w = w.clone().requires_grad_()
    loss = f(w)
    (gradient,) = torch.autograd.grad(loss, w, create_graph=True)
    (loss + (gradient**2).sum()).backward()
    assert w.grad is not None
    return w.grad


def third(f: Any, w: torch.Tensor) -> Any:
    """The third derivative of exp(f/1000): f's own is zero."""
    reverse = torch.func.jacrev
    return reverse(reverse(reverse(lambda w: (f(w) / 1000).exp())))(w)


BATCH = torch.linspace(-1, 1, 12).reshape(4, 3)
DERIVATIVES: dict[str, Any] = {
    "gradient penalty": penalised,
    "hessian": lambda f, w: torch.autograd.functional.hessian(f, w),
    "hvp": lambda f, w: torch.autograd.functional.hvp(f, w, w + 1)[1],
    "func.grad": lambda f, w: torch.func.grad(f)(w),
    "func.hessian": lambda f, w: torch.func.hessian(f)(w),
    "func.jacrev, twice": lambda f, w: torch.func.jacrev(torch.func.jacrev(f))(w),
    "func.jvp of func.grad": lambda f, w: torch.func.jvp(torch.func.grad(f), (w,), (w + 1,))[1],
    "three times": third,
    "vmap": lambda f, w: torch.vmap(f, in_dims=1)(BATCH.to(w.dtype).T),
    "vmap of func.grad": lambda f, w: torch.vmap(torch.func.grad(f))(BATCH.to(w.dtype)),
    "vmap of func.hessian": lambda f, w: torch.vmap(torch.func.hessian(f))(BATCH.to(w.dtype)),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_the_derivatives_of_a_way_are_those_of_its_loss(
    way: type[Way], derivative: str, alpha: float, dtype: Any
) -> None:
    f, plain, w = both(way, alpha, dtype)
    found, expected = (DERIVATIVES[derivative](g, w) for g in (f, plain))
    assert found.dtype == expected.dtype == w.dtype
    size = float(expected.abs().max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(dtype).eps * size)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_differences_confirm_the_derivatives_of_a_way(way: type[Way], alpha: float) -> None:
    f, _, w = both(way, alpha)
    w.requires_grad_()
    assert torch.autograd.gradcheck(f, w, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(f, w, check_fwd_over_rev=True)


def test_what_pytorch_cannot_differentiate_is_refused() -> None:
    f, _, w = both(WAYS["numpy"], 0.0)
    with pytest.raises(RuntimeError, match="use jacrev"):
        torch.func.jacfwd(torch.func.jacfwd(f))(w)
    with pytest.raises(RuntimeError, match="use torch"):
        torch.autograd.functional.hessian(f, w, vectorize=True)


@pytest.mark.filterwarnings("ignore")
def test_torch_compile_leaves_a_way_alone() -> None:
    f, plain, w = both(WAYS["numba"], 0.5)
    found: Any = [w.clone().requires_grad_() for _ in range(2)]
    torch.compile(lambda w: f(w).sqrt(), backend="eager")(found[0]).backward()
    plain(found[1]).sqrt().backward()
    np.testing.assert_allclose(found[0].grad, found[1].grad, rtol=1e-12)


def test_float32_of_a_way_stays_float32() -> None:
    loss = as_torch(WAYS["numba"](problems.gaussian(30, 3, dtype=np.float32)))
    w = torch.ones(3, requires_grad=True)
    loss(w).backward()
    assert loss(w).dtype == torch.float32
    assert w.grad is not None
    assert w.grad.dtype == torch.float32


# The inspector.


def results() -> list[torch.Tensor]:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    diamond = (y + y.sin()).sum()
    return [x, x * x, diamond, torch.stack([x, y]).sum(), regression_loss(10, 3, 2.0)]


@pytest.mark.parametrize("tensor", results())
def test_the_graph_is_acyclic_and_in_order(tensor: torch.Tensor) -> None:
    graph = recorded(tensor)
    assert all(start < end for start, end in graph.edges)
    kinds = [node.kind for node in graph.nodes]
    assert kinds.count("output") == (0 if tensor.is_leaf else 1)
    assert {end for _, end in graph.edges} == set(range(1, len(kinds)))
    assert "leaf" in kinds


def test_an_argument_that_is_used_twice_is_an_edge_twice() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    assert recorded(x * x).edges == ((0, 1), (0, 1))


def test_text_and_pictures_hold_every_node_and_edge() -> None:
    graph = recorded(regression_loss(100, 4, alpha=1.0))
    for drawing, arrow in ((graph.mermaid(), "-->"), (graph.dot(), "->")):
        assert drawing.count(arrow) == len(graph.edges)
        for node in graph.nodes:
            assert node.name in drawing
    assert len(graph.text().splitlines()) == len(graph.nodes)
    assert max(map(len, graph.text().splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_the_command_prints_the_graph_of_the_loss(form: str, capsys: Any) -> None:
    assert main(["-n", "50", "-p", "3", "--format", form]) == 0
    assert "MseLossBackward0" in capsys.readouterr().out


def test_the_command_draws_or_says_what_is_missing() -> None:
    command = [sys.executable, "-W", "error", "-m", "kernels.autograd.graph", "--format", "svg"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        assert b"MseLossBackward0" in done.stdout
        assert b"<svg" in done.stdout
    else:
        assert done.returncode == 2
        assert done.stderr.startswith(b"drawing needs")

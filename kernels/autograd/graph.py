"""The graph that PyTorch records, as data, as text, and as a picture.

    python -m kernels.autograd.graph                    # of the regression loss, as text
    python -m kernels.autograd.graph --format mermaid  # for a Markdown page; dot, svg, png likewise

A result of differentiable tensors holds the function that made it, `grad_fn`; that function holds
those of its arguments, `next_functions`, down to the leaves, where gradients are accumulated. The
backward pass is a walk over this graph from the result.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import torch

from kernels.registry import WAYS


@dataclass(frozen=True)
class Node:
    """A function of the graph, or a leaf.

    Attributes
    ----------
    name : str
        As PyTorch names it: "PowBackward0"; "AccumulateGrad" for a leaf.
    kind : str
        "output" for the function that made the tensor asked about, "leaf" for a tensor in which
        gradients are accumulated, "intermediate" for what lies between.
    shape : tuple of int
        Of the tensor that the function made, or of the leaf.
    saved : int
        Bytes of the tensors kept for the backward pass, each counted where it is first met, from
        the output on. Tensors that exist anyhow, X for one, are kept by reference.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    saved: int


@dataclass(frozen=True)
class Graph:
    """Nodes, the output first and each before those it passes its gradient to; edges as indices."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def saved(self) -> int:
        """Bytes of all tensors kept for the backward pass, each counted once."""
        return sum(node.saved for node in self.nodes)

    def text(self) -> str:
        """Return a line for each node: what it is, and where its gradient goes."""
        lines = []
        for i, node in enumerate(self.nodes):
            to = ", ".join(str(end) for start, end in self.edges if start == i)
            lines.append(
                f"{i:>3}  {node.kind:<12}  {node.name:<20} {_shown(node.shape):<12}"
                f" {node.saved:>9,} B" + (f"  -> {to}" if to else "")
            )
        return "\n".join(lines)

    def mermaid(self) -> str:
        """Return the graph as a Mermaid flowchart, which many Markdown viewers draw."""
        shapes = {"output": '(["{}"])', "intermediate": '["{}"]', "leaf": '[/"{}"/]'}
        nodes = [
            f"    {i}" + shapes[node.kind].format("<br/>".join(_label(node)))
            for i, node in enumerate(self.nodes)
        ]
        return "\n".join(["flowchart TD", *nodes, *(f"    {a} --> {b}" for a, b in self.edges)])

    def dot(self) -> str:
        """Return the graph in the DOT language of Graphviz."""
        shapes = {"output": "doubleoctagon", "intermediate": "box", "leaf": "ellipse"}
        nodes = [
            f'    {i} [shape={shapes[node.kind]}, label="' + "\\n".join(_label(node)) + '"];'
            for i, node in enumerate(self.nodes)
        ]
        edges = [f"    {a} -> {b};" for a, b in self.edges]
        return "\n".join(["digraph {", *nodes, *edges, "}"])


def recorded(tensor: torch.Tensor) -> Graph:
    """Return the graph that a tensor holds; empty for a tensor that is not differentiable.

    A leaf has one node, itself. Raises RuntimeError where the graph has been walked back and its
    tensors are freed, and `graphlib.CycleError` were it not acyclic.

    Cost: a visit of each node; nothing is copied.
    """
    root = _function(tensor)
    if root is None:
        return Graph((), ())
    next_functions = _reachable(root)
    order = list(TopologicalSorter(next_functions).static_order())[::-1]
    place = {function: i for i, function in enumerate(order)}
    seen: set[int] = set()
    nodes = tuple(_node(function, function is root, seen) for function in order)
    edges = [(place[a], place[b]) for a, ends in next_functions.items() for b in ends]
    return Graph(nodes, tuple(sorted(edges)))


def _function(tensor: torch.Tensor) -> Any:
    """Return the function at which the backward pass of a tensor starts."""
    if tensor.grad_fn is not None or not tensor.requires_grad:
        return tensor.grad_fn
    return torch.autograd.graph.get_gradient_edge(tensor).node


def _reachable(root: Any) -> dict[Any, list[Any]]:
    """Return each function with those that it passes gradients to, once for each argument."""
    found: dict[Any, list[Any]] = {}
    waiting = [root]
    while waiting:
        function = waiting.pop()
        if function not in found:
            found[function] = [end for end, _ in function.next_functions if end is not None]
            waiting.extend(found[function])
    return found


def _node(function: Any, is_root: bool, seen: set[int]) -> Node:
    name = function.name().split("::")[-1]
    if hasattr(function, "variable"):
        return Node(name, "leaf", tuple(function.variable.shape), 0)
    saved = 0
    for tensor in _saved_tensors(function):
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            saved += tensor.untyped_storage().nbytes()
    (made, *_) = function._input_metadata
    return Node(name, "output" if is_root else "intermediate", tuple(made.shape), saved)


def _saved_tensors(function: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that a function keeps: of PyTorch's own, or of a custom Function."""
    names = [name for name in dir(function) if name.startswith("_saved_")]
    kept = [getattr(function, name) for name in names] or list(
        getattr(function, "saved_tensors", ())
    )
    for value in kept:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from (entry for entry in value if isinstance(entry, torch.Tensor))


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def _label(node: Node) -> list[str]:
    saved = [f"keeps {node.saved:,} B"] if node.saved else []
    return [node.name, _shown(node.shape), *saved]


def regression_loss(n: int, p: int, alpha: float = 0.0) -> torch.Tensor:
    """Return the loss of the torch way at w = 0, just recorded, on seeded normal data."""
    import numpy as np

    from kernels.problem import LeastSquares

    rng = np.random.default_rng(0)
    problem = LeastSquares(rng.standard_normal((n, p)), rng.standard_normal(n), alpha)
    way: Any = WAYS["torch"](problem)
    loss: torch.Tensor = way.loss(torch.zeros(p, dtype=torch.float64, requires_grad=True))
    return loss


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m kernels.autograd.graph", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-n", type=int, default=100, help="rows of X (default: 100)")
    parser.add_argument("-p", type=int, default=4, help="columns of X (default: 4)")
    parser.add_argument("--alpha", type=float, default=0.0, help="ridge penalty (default: 0)")
    formats = ["text", "mermaid", "dot", "svg", "png"]
    parser.add_argument("--format", choices=formats, default="text", help="default: text")
    given = parser.parse_args(arguments)
    graph = recorded(regression_loss(given.n, given.p, given.alpha))
    if given.format in ("svg", "png"):
        return _draw(graph, given.format)
    print(getattr(graph, given.format)())
    return 0


def _draw(graph: Graph, image: str) -> int:
    """Write the picture to standard output; say what is missing if it cannot be drawn."""
    try:
        import graphviz

        sys.stdout.buffer.write(graphviz.Source(graph.dot()).pipe(format=image))
    except ImportError:
        print("drawing needs: pip install 'fourways[drawing]'", file=sys.stderr)
    except graphviz.ExecutableNotFound:
        print("drawing needs Graphviz itself: its program dot is not here", file=sys.stderr)
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

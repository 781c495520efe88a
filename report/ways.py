"""The ways as the reports know them, without the libraries that the ways import.

Which ways there are is what the records say. Whether a way is factored is its class's attribute,
which no record holds; it is read from the source, because what drives asv and draws the page has
neither NumPy nor Numba nor PyTorch. A way that is recorded and no longer in the registry counts as
one that reads X.
"""

import ast
from functools import cache
from pathlib import Path

from report.benchmarks import GRADIENT
from report.results import Record

REFERENCE = "numpy"  # the way that speed-ups are over, and that is timed against itself
_ROOT = Path(__file__).parent.parent
_REGISTRY = _ROOT / "kernels" / "registry.py"


def recorded(records: list[Record]) -> list[str]:
    """Return the ways whose gradient was timed, in the order of their first record."""
    return list(dict.fromkeys(way for r in records for way, *_ in r.cells(GRADIENT)))


@cache
def factored() -> frozenset[str]:
    """Return the ways of the registry whose class says ``factored = True``."""
    tree = ast.parse(_REGISTRY.read_text())
    (ways,) = (node for node in ast.walk(tree) if isinstance(node, ast.Dict))
    places: dict[str, str] = ast.literal_eval(ways)
    return frozenset(name for name, place in places.items() if _is_factored(place))


def _is_factored(place: str) -> bool:
    """Return whether a class, as "module:Class", assigns True to ``factored`` in its body."""
    module, _, name = place.partition(":")
    tree = ast.parse((_ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
    (body,) = (n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    return any("factored" in _assigned(node) and _is_true(node) for node in body)


def _assigned(node: ast.stmt) -> list[str]:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_true(node: ast.stmt) -> bool:
    value = getattr(node, "value", None)
    return isinstance(value, ast.Constant) and value.value is True

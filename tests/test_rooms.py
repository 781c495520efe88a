"""Arrows run one way, and what is private to a file stays in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.import_graph import ROOTS, arrows, upward

ROOT = Path(__file__).parent.parent
FILES = [path for root in ROOTS for path in sorted((ROOT / root).rglob("*.py"))]


def test_no_import_runs_back_up() -> None:
    found = arrows()
    assert upward(found) == []
    assert found["kernels.ways"]  # it has looked
    assert upward({"kernels.way": {"kernels.ways"}}) == ["kernels.way -> kernels.ways"]


def private_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names with an underscore that are imported, or taken from a module or an object."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ROOTS):
            yield from (name.name for name in node.names if name.name.startswith("_"))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            yield node.attr


def own_names(tree: ast.AST) -> set[str]:
    """Return what a file defines, or sets on its own objects."""
    defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    slots = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value is not None}
    selves = {
        n.attr
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute)
        and isinstance(n.value, ast.Name)
        and n.value.id in ("self", "cls", "super")
    }
    return defined | names | {str(slot) for slot in slots} | selves


# Of libraries, where there is no public name; each stands with its reason where it is used.
FOREIGN = {
    "_asdict",
    "_cache",
    "_C",
    "_are_functorch_transforms_active",
    "_current_frames",
    "_functorch",
    "_input_metadata",
    "_replace",
    "_setup_isolates_timed_calls",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_private_parts_are_not_used_elsewhere(path: Path) -> None:
    tree = ast.parse(path.read_text())
    used = {name for name in private_names(tree) if not name.startswith("__")}
    assert used - own_names(tree) - FOREIGN == set()

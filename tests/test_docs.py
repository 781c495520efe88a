"""The blocks of the lesson run as they stand, and its pictures are those that are drawn."""

import doctest
import re
from pathlib import Path

import pytest

from kernels.autograd.graph import recorded, regression_loss

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_block_of_the_lesson_gives_what_it_says() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(DOCS / "lesson.md"), module_relative=False, optionflags=flags)
    assert found.attempted > 20
    assert found.failed == 0


@pytest.mark.parametrize(("page", "alpha"), [("docs/lesson.md", 1.0), ("README.md", 0.0)])
def test_the_picture_of_the_graph_is_the_one_that_is_drawn(page: str, alpha: float) -> None:
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert drawn.strip() == recorded(regression_loss(100, 4, alpha)).mermaid()

"""The blocks of the lesson run as they stand."""

import doctest
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_every_block_of_the_lesson_gives_what_it_says() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(DOCS / "lesson.md"), module_relative=False, optionflags=flags)
    assert found.attempted > 20
    assert found.failed == 0

"""README's commands, by somebody who has little else: `make stranger`."""

import pytest

from tests import stranger


@pytest.mark.stranger
def test_a_stranger_gets_there() -> None:
    assert stranger.main(["--short"]) == 0


def test_each_command_of_readme_is_run() -> None:
    """And what is run in part is a command of README."""
    commands = stranger.commands()
    assert commands[:2] == ["make test", "make bench"]
    assert any(command.startswith("fourways compare") for command in commands)
    assert set(stranger.SHORT) <= set(commands)

"""Where the witnesses of wrong answers lie. Imports nothing of what is tried."""

from pathlib import Path

WITNESSES = Path(__file__).parents[2] / "docs" / "witnesses"


def file_of(routine: str) -> str:
    """Return the name of the file of a routine's witness."""
    return routine.replace(".", "_").replace(" ", "_") + ".py"

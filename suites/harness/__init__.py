"""How a way is timed so that what is timed is what was judged."""

from suites.harness.possible import ImpossibleTimeError, require_possible
from suites.harness.solutions import Solutions
from suites.harness.turns import Turns
from suites.harness.verified import Truth, Verified, why_wrong

__all__ = [
    "ImpossibleTimeError",
    "Solutions",
    "Truth",
    "Turns",
    "Verified",
    "require_possible",
    "why_wrong",
]

"""What a wrong answer raises, and the unit that errors are measured in."""

from typing import Any

import numpy as np


class WrongAnswerError(AssertionError):
    """An answer outside its error bound."""


def unit_roundoff(dtype: np.dtype[Any]) -> float:
    return float(np.finfo(dtype).eps) / 2

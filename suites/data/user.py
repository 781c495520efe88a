"""A user's own data: the file that FOURWAYS_DATA names, with X and y.

`fourways compare ... --save data.npz` writes it from a table. A relative path is taken from the
root of the repository, as asv runs benchmarks in folders of its own.
"""

import os
from pathlib import Path

import numpy as np

from kernels import LeastSquares

VARIABLE = "FOURWAYS_DATA"
_ROOT = Path(__file__).parents[2]


def path() -> str | None:
    """Return the file that the variable names, None without the variable."""
    name = os.environ.get(VARIABLE)
    return None if name is None else str(_ROOT / name)


def changed(path: str) -> float:
    """Return when the file was last written to."""
    return Path(path).stat().st_mtime


def load(path: str | Path) -> LeastSquares:
    """Return X and y as they are in the file."""
    with np.load(path) as archive:
        return LeastSquares(archive["X"], archive["y"])

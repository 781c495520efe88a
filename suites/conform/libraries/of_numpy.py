"""NumPy: singular values, by LAPACK's gelsd and gesdd."""

import numpy as np

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine


def lstsq(X: Array, y: Array, rcond: float | None) -> Answer:
    w, _, rank, _ = np.linalg.lstsq(X, y, rcond=rcond)
    return w, int(rank)


def pinv(X: Array, y: Array, rcond: float | None) -> Answer:
    return np.linalg.pinv(X, rcond=rcond) @ y, None


_LSTSQ = Claim(where="numpy.linalg.lstsq: the minimum 2-norm solution where there are several")
_PINV = Claim(where="numpy.linalg.pinv: the Moore-Penrose inverse")
ROUTINES = [
    Routine("numpy.linalg.lstsq", lstsq, _LSTSQ, "numpy.linalg.lstsq(X, y)[0]", by_rule=True),
    Routine("numpy.linalg.pinv", pinv, _PINV, "numpy.linalg.pinv(X) @ y", by_rule=True),
]

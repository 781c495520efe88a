"""Tall matrices by a tree of blocks of rows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.problem import Array

_BLOCK = 64  # rows


def _by_numpy(blocks: Array) -> Any:
    return np.linalg.qr(blocks, mode="r")


def few_rows(A: Array, factor: Callable[[Array], Any] = _by_numpy) -> Array:
    """Return R of A = QR by a tree of blocks of rows; A itself if it is not tall.

    Where rounding errors have one sign, as in columns of ones, they add up along a Householder
    vector; here no inner product is longer than two blocks. ``factor`` returns R of a matrix, or of
    each of a stack. J. Demmel et al., Communication-optimal parallel and sequential QR and LU
    factorizations, SIAM J. Sci. Comput. 34 (2012), section 3.
    """
    p = A.shape[1]
    height = max(_BLOCK, 2 * p)
    if len(A) <= height:
        return A
    while len(A) >= 2 * height:
        count = len(A) // height
        blocks = factor(A[: count * height].reshape(count, height, p))
        A = np.vstack([blocks.reshape(-1, p), A[count * height :]])
    return np.asarray(factor(A))

"""Norms of blocks of rows by power iteration."""

import numpy as np

from kernels.problem import Array


def squared_norm(X: Array, rows: int) -> float:
    """Return the largest |X_b|² over blocks b of ``rows`` rows, by ten power iterations each.

    From below, by up to 10 %. Cost: 20 reads of X; a copy of X where it is in Fortran order.
    """
    n, p = X.shape
    whole = n // rows * rows
    blocks = [X[:whole].reshape(-1, rows, p), X[None, whole:]]
    return max(_of_stack(block) for block in blocks if block.size)


def _of_stack(blocks: Array) -> float:
    v = np.random.default_rng(0).standard_normal((len(blocks), blocks.shape[2], 1))
    v = v.astype(blocks.dtype)
    for _ in range(10):
        size = np.linalg.norm(v, axis=1, keepdims=True)
        v = blocks.transpose(0, 2, 1) @ (blocks @ (v / np.where(size, size, 1)))
    return float(np.linalg.norm(v, axis=1).max())

"""What X is: its condition number and rank, and which columns depend on which."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from kernels import Array
from kernels._problem import power_of_two_above

_SHOWN = 1e-6  # of the largest coefficient of a dependency: what is below is rounding


@dataclass(frozen=True)
class Diagnosis:
    """Numbers of the design matrix.

    ``condition`` is sigma_1 / sigma_rank, that of the row space; ``dependencies`` says, for each
    column beyond the rank, which others it is a combination of.
    """

    rank: int
    condition: float
    dependencies: list[str]


def diagnose(X: Array, names: list[str], rcond: float) -> Diagnosis:
    """Return the diagnosis of X, or of any R with RᵀR = XᵀX, by a pivoted QR.

    The columns are scaled to norm 1 for it.

    With X P = Q R and R = [R11 R12; 0 ~0], the dependent columns are X P2 = X P1 R11⁻¹ R12. Scaling
    keeps a column of large units from hiding others; condition number and rank are those of X
    as it is, from the singular values of R, by `LeastSquares.rcond`.

    Cost: 2np² flops and a copy of X.
    """
    X = X / power_of_two_above(X)
    norms = np.linalg.norm(X, axis=0)
    R, pivots = scipy.linalg.qr(X / np.where(norms, norms, 1), mode="r", pivoting=True)
    k = min(X.shape)
    R = R[:k]
    unscaled = R * norms[pivots]
    sigma = scipy.linalg.svdvals(unscaled)
    rank = int(np.count_nonzero(sigma > rcond * sigma[0]))
    condition = float(sigma[0] / sigma[rank - 1]) if rank else float("nan")
    p = X.shape[1]
    if rank == p:
        return Diagnosis(rank, condition, [])
    coefficients = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    scale = norms[pivots]
    lines = [
        _dependency(names, pivots, rank, j, coefficients[:, j], scale) for j in range(p - rank)
    ]
    return Diagnosis(rank, condition, sorted(lines))


def _dependency(
    names: list[str], pivots: Array, rank: int, j: int, coefficients: Array, scale: Array
) -> str:
    """Return "c = a + 2 b" for one dependent column."""
    name = names[pivots[rank + j]]
    if scale[rank + j] == 0:
        return f"{name} is zero"
    kept = np.abs(coefficients) > _SHOWN * np.abs(coefficients).max()
    terms = [
        _term(float(c * scale[rank + j] / scale[i]), names[pivots[i]])
        for i, c in enumerate(coefficients)
        if kept[i]
    ]
    joined = " ".join(terms).removeprefix("+ ")
    return f"{name} = {joined}"


def _term(coefficient: float, name: str) -> str:
    sign, size = "-" if coefficient < 0 else "+", f"{abs(coefficient):.4g}"
    return f"{sign} {name}" if size == "1" else f"{sign} {size} {name}"

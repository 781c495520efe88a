"""What X is: its condition number and rank, and which columns depend on which."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from kernels import Array
from kernels._problem import power_of_two_above

_SHOWN = 1e-6  # of the largest coefficient of a dependency: what is below is rounding
_LEFT = 1e-4  # of a column of norm 1, beside the others: more is no rounding, of float32 neither


@dataclass(frozen=True)
class Diagnosis:
    """Numbers of the design matrix.

    ``condition`` is sigma_1 / sigma_rank, that of the row space; ``dependencies`` says, for each
    column beyond the rank, which others it is a combination of, or that it is lost beside them.
    """

    rank: int
    condition: float
    dependencies: list[str]


def diagnose(X: Array, names: list[str], rcond: float) -> Diagnosis:
    """Return the diagnosis of X, or of any R with RᵀR = XᵀX, by a pivoted QR in float64.

    The columns are scaled to norm 1 for it.

    With X P = Q R and R = [R11 R12; 0 ~0], the dependent columns are X P2 = X P1 R11⁻¹ R12. Scaling
    keeps a column of large units from hiding others; condition number and rank are those of X
    as it is, from the singular values of R, by `LeastSquares.rcond`. A column of which the others
    leave something is not called dependent, even if that rule does not count it.

    Cost: 2np² flops and a copy of X.
    """
    X = np.divide(X, float(power_of_two_above(X)), dtype=np.float64)
    norms = np.linalg.norm(X, axis=0)
    R, pivots = scipy.linalg.qr(X / np.where(norms, norms, 1), mode="r", pivoting=True)
    k, p = min(X.shape), X.shape[1]
    R, scale = R[:k], norms[pivots]
    sigma = scipy.linalg.svdvals(R * scale)
    rank = int(np.count_nonzero(sigma > rcond * sigma[0]))
    condition = float(sigma[0] / sigma[rank - 1]) if rank else float("nan")
    if rank == p:
        return Diagnosis(rank, condition, [])
    independent = max(rank, int(np.count_nonzero(np.abs(np.diag(R)) > _LEFT)))
    lost = pivots[np.argsort(scale[:independent])[: independent - rank]]
    lines = [f"{names[j]} is lost in rounding beside the others (rcond {rcond:.1g})" for j in lost]
    coefficients = scipy.linalg.solve_triangular(
        R[:independent, :independent], R[:independent, independent:]
    )
    lines += [
        _dependency(names, pivots, independent, j, coefficients[:, j], scale)
        for j in range(p - independent)
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

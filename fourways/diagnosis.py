"""What X is: its condition number and rank, and which columns depend on which."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from kernels import Array
from kernels.rank.equilibration import column_exponents, scale_columns
from kernels.rank.row_space import numerical_rank

_SHOWN = 1e-6  # of the largest coefficient of a dependency: what is below is rounding


@dataclass(frozen=True)
class Diagnosis:
    """Numbers of the design matrix, its columns brought to one size.

    ``condition`` is sigma_1 / sigma_rank, that of the row space; ``dependencies`` says, for each
    column beyond the rank, which others it is a combination of.
    """

    rank: int
    condition: float
    dependencies: list[str]


def diagnose(X: Array, names: list[str], rcond: float) -> Diagnosis:
    """Return the diagnosis of X, or of any R with RᵀR = XᵀX, by a pivoted QR in float64.

    Columns are brought to one size for it, Z = X D⁻¹, so that none hides another by its units:
    condition number and rank, by `LeastSquares.rcond`, are those of Z. With Z P = Q R and
    R = [R11 R12; 0 ~0], the dependent columns are X P2 = X P1 R11⁻¹ R12.

    Cost: 2np² flops and a copy of X.
    """
    exponents = column_exponents(X)
    Z = scale_columns(X, -exponents, np.empty(X.shape))
    R, pivots = scipy.linalg.qr(Z, mode="r", pivoting=True, overwrite_a=True)
    R = R[: min(X.shape)]
    sigma = scipy.linalg.svdvals(R)
    rank = numerical_rank(sigma, rcond)
    condition = float(sigma[0] / sigma[rank - 1]) if rank else float("nan")
    coefficients = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    lines = []
    for j, z in zip(pivots[rank:], coefficients.T, strict=True):
        if not X[:, j].any():
            lines.append(f"{names[j]} is zero")
            continue
        # z are the sizes of the terms on columns of one size; w the coefficients of X itself.
        w = np.ldexp(z, exponents[j] - exponents[pivots[:rank]])
        kept = sorted(
            (pivots[i], w[i]) for i in np.flatnonzero(np.abs(z) > _SHOWN * np.abs(z).max())
        )
        terms = [_term(float(c), names[i]) for i, c in kept]
        lines.append(f"{names[j]} = " + " ".join(terms).removeprefix("+ "))
    return Diagnosis(rank, condition, sorted(lines))


def _term(coefficient: float, name: str) -> str:
    sign, size = "-" if coefficient < 0 else "+", f"{abs(coefficient):.4g}"
    return f"{sign} {name}" if size == "1" else f"{sign} {size} {name}"

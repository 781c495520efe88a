"""What X is: its condition number and rank, and which columns depend on which."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from fourways.dependencies import Relation, near_relations, relations
from kernels import Array
from kernels.rank.equilibration import column_exponents, scale_columns
from kernels.rank.row_space import numerical_rank


@dataclass(frozen=True)
class Diagnosis:
    """Numbers of the design matrix, its columns brought to one size.

    ``condition`` is sigma_1 / sigma_rank, that of the row space; ``dependencies`` are p - rank
    independent relations of the columns, ``nearly`` those that hold to the printed digits.
    ``residual_norm`` is |y - Xw| of the least squares solution, that without a penalty.
    """

    rank: int
    condition: float
    dependencies: list[Relation]
    nearly: list[Relation]
    residual_norm: float


def diagnose(X: Array, y: Array, names: list[str], rcond: float) -> Diagnosis:
    """Return the diagnosis of X and y, or of any R with RᵀR = [X y]ᵀ[X y], in float64.

    Columns are brought to one size for it, Z = X D⁻¹, so that none hides another by its units:
    condition number and rank, by `LeastSquares.rcond`, are those of Z.

    Cost: 2np² flops and a copy of X.
    """
    exponents, p = column_exponents(X), X.shape[1]
    right = int(np.frexp(float(np.abs(y).max(initial=0)))[1])
    Zb = np.empty((len(X), p + 1))
    scale_columns(X, -exponents, Zb[:, :p])
    Zb[:, p] = np.ldexp(y.astype(np.float64), -right)
    (R,) = scipy.linalg.qr(Zb, mode="r", overwrite_a=True, check_finite=False)
    height = min(X.shape)
    U, sigma, Vt = np.linalg.svd(R[:height, :p], full_matrices=False)
    rank = numerical_rank(sigma, rcond)
    condition = float(sigma[0] / sigma[rank - 1]) if rank else float("nan")
    left = np.concatenate([(U.T @ R[:height, p])[rank:], R[height:, p]])
    return Diagnosis(
        rank,
        condition,
        relations(X, R[:height, :p], exponents, rank, names),
        near_relations(X, sigma, Vt, exponents, rank, names),
        math.ldexp(float(np.linalg.norm(left)), right),
    )

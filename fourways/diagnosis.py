"""What X is: its condition number and rank, and which columns depend on which."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.linalg

from fourways.dependencies import Relation, near_relations, relations
from kernels import Array, LeastSquares
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
    response_norm: float
    response_spread: float

    @property
    def r_squared(self) -> float:
        """R² about the mean, 1 - |y - Xw|²/|y - ȳ|²; NaN where y is constant."""
        spread = self.response_spread
        return 1 - (self.residual_norm / spread) ** 2 if spread else math.nan


def diagnose(problem: LeastSquares, names: list[str]) -> Diagnosis:
    """Return the diagnosis of X and y, in float64; of R and c where they lie in blocks.

    Columns are brought to one size for it, Z = X D⁻¹, so that none hides another by its units:
    condition number and rank, by `LeastSquares.rcond`, are those of Z.

    Cost: 2np² flops and a copy of X.
    """
    few, response = problem.condensed(), problem.over_rows(_response, _joined)
    X, y, rcond = few.X, few.y, problem.rcond
    exponents, p = column_exponents(X), problem.p
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
        math.hypot(response.spread, math.sqrt(response.n) * response.mean),
        response.spread,
    )


class _Response(NamedTuple):
    """``spread`` is |y - ȳ|."""

    n: int
    mean: float
    spread: float


def _response(X: Array, y: Array) -> _Response:
    y = y.astype(np.float64)
    return _Response(len(y), float(y.mean()), float(np.linalg.norm(y - y.mean())))


def _joined(a: _Response, b: _Response) -> _Response:
    """T. F. Chan, G. H. Golub, R. J. LeVeque, The American Statistician 37 (1983)."""
    n, apart = a.n + b.n, b.mean - a.mean
    between = abs(apart) * math.sqrt(a.n / n * b.n)
    return _Response(n, a.mean + apart * b.n / n, math.hypot(a.spread, b.spread, between))

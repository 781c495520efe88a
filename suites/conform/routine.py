"""A routine of a library, and what its documentation claims."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels import Array, Solution

Answer = tuple[Any, int | None]  # w, and the rank that the routine found, None where it says none
Solve = Callable[[Array, Array, float | None], Answer]


class RefusedError(Exception):
    """The routine says that it did not solve the problem: by a flag, or a status."""


@dataclass(frozen=True)
class Claim:
    """What the documentation promises of an answer.

    Attributes
    ----------
    deficient : bool
        Of a matrix whose columns are dependent; else it is assumed that they are not.
    least_norm : bool
        That it is the one of least 2-norm then.
    wide : bool
        Where there are fewer rows than columns.
    alpha : float
        The ridge penalty, in units of XᵀX.
    tolerance : float
        Of an iteration, as a share of |X| and |y|: what its defaults ask for. 0: to rounding.
    where : str
        Where it says so.
    """

    deficient: bool = True
    least_norm: bool = True
    wide: bool = True
    alpha: float = 0.0
    tolerance: float = 0.0
    where: str = ""


@dataclass(frozen=True, eq=False)
class Routine:
    """``solve`` is called with X, y and the threshold for the rank: None is the library's own.

    ``paste`` is an expression of X and y, arrays of NumPy, that gives the same w by the library
    alone; ``by_rule`` says whether it takes a threshold, relative to the largest singular value.
    """

    name: str
    solve: Solve
    claim: Claim
    paste: str
    by_rule: bool = False

    def __call__(self, X: Array, y: Array, rcond: float | None = None) -> Solution:
        """Return the answer; converged=False where the routine refuses, by whatever it does.

        stopped="warned" where it warns that X is not what it needs, and answers all the same.
        """
        said: set[str] = set()
        try:
            with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
                warnings.simplefilter("always")
                w, rank = self.solve(X, y, rcond)
            said = {warning.category.__name__ for warning in caught}
            refused = bool(said & _REFUSING)
        except (RefusedError, ArithmeticError, RuntimeError, ValueError, np.linalg.LinAlgError):
            w, rank, refused = np.full(X.shape[1], np.nan), None, True
        found = np.array(w, X.dtype).reshape(-1)
        return Solution(
            found,
            rank,
            self.name,
            self.claim.alpha,
            converged=not refused and bool(np.isfinite(found).all()),
            stopped="warned" if said - _UNRELATED else None,
        )


_REFUSING = {"LinAlgWarning", "ConvergenceWarning", "IllConditionedWarning"}
_UNRELATED = {"DeprecationWarning", "FutureWarning", "PendingDeprecationWarning"}

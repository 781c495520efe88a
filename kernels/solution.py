"""What a solver answers."""

from dataclasses import dataclass

from kernels.problem import Array


@dataclass(frozen=True, eq=False)
class Solution:
    """A minimiser of f, and how it was found.

    Attributes
    ----------
    w : (p,) array
        Where X is rank deficient and alpha = 0: the minimiser of least 2-norm, or, if
        ``method`` is "ridge" there, its perturbation by the ``alpha`` stated.
    rank : int or None
        Numerical rank of X by `LeastSquares.rcond`; None where the method does not
        determine it.
    method : str
        "lstsq", "ridge", or the name of a descent method.
    alpha : float
        The penalty used, perturbation included; that of the fallback is in units of X with its
        columns brought to one size.
    iterations : int
        0 for a direct method.
    converged : bool
        True only where the answer meets the tolerance that the method documents.
    gradient_norm : float or None
        |∇f(w)| at the answer, for a descent method; None for a direct one.
    evaluations : int
        Gradients that a descent method took, those of its preparation included.
    stopped : str or None
        Why a descent method ended: see `Stopping`; None for a direct one.
    """

    w: Array
    rank: int | None
    method: str
    alpha: float
    iterations: int = 0
    converged: bool = True
    gradient_norm: float | None = None
    evaluations: int = 0
    stopped: str | None = None

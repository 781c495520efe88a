"""Solvers of least squares by name: the ways, what goes beyond them, and what users call otherwise.

Each is brought to the one contract, `Solution`, so that all are judged and timed alike.

The last are called with their defaults, as most users do: it is these that are to be judged. The
ways "numpy" and "torch" are `numpy.linalg.lstsq` and `torch.linalg.lstsq` with driver gelsd.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels import WAYS, Array, LeastSquares, Solution, minimum_norm, refined

Solver = Callable[[LeastSquares], Solution]


def _of_way(name: str) -> Solver:
    """A way's solution, preparation included."""
    return lambda problem: WAYS[name](problem).solve()


def _pinv(problem: LeastSquares) -> Solution:
    return _found(np.linalg.pinv(problem.X) @ problem.y, None)


def _scipy_lstsq(driver: str) -> Solver:
    def solve(problem: LeastSquares) -> Solution:
        from scipy.linalg import lstsq

        w, _, rank, _ = lstsq(problem.X, problem.y, lapack_driver=driver)
        return _found(w, int(rank))

    return solve


def _torch_lstsq(driver: str) -> Solver:
    """gelsy is PyTorch's default on the CPU."""

    def solve(problem: LeastSquares) -> Solution:
        import torch

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
        found = torch.linalg.lstsq(X, y[:, None], driver=driver)
        # gels assumes full rank and does not say what it found
        rank = int(found.rank) if found.rank.numel() else None
        return _found(found.solution[:, 0].numpy(), rank)

    return solve


def _cholesky(problem: LeastSquares) -> Solution:
    """The normal equations. Not positive definite to rounding: not solved."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    X, y = problem.X, problem.y
    try:
        return _found(cho_solve(cho_factor(X.T @ X), X.T @ y), None)
    except (LinAlgError, ValueError):  # ValueError: XᵀX overflowed
        return _not_solved(problem)


SOLVERS: dict[str, Solver] = {
    **{name: _of_way(name) for name in WAYS},
    "minimum_norm": minimum_norm,
    "refined": refined,
    "numpy pinv": _pinv,
    "scipy gelsd": _scipy_lstsq("gelsd"),
    "scipy gelsy": _scipy_lstsq("gelsy"),
    "scipy gelss": _scipy_lstsq("gelss"),
    "torch gels": _torch_lstsq("gels"),
    "torch gelsy": _torch_lstsq("gelsy"),
    "cholesky": _cholesky,
}
# A wrong answer of these is a failure of the project; of the others it is a result.
OURS = (*WAYS, "minimum_norm", "refined")


def solve(name: str, problem: LeastSquares) -> Solution:
    """Return what the solver finds; converged=False also where a library refuses."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return SOLVERS[name](problem)
        except (np.linalg.LinAlgError, RuntimeError):
            return _not_solved(problem)


def lstsq(problem: LeastSquares) -> object:
    """Solve as `numpy.linalg.lstsq` does, by the project's rule for the rank; nothing is judged."""
    return np.linalg.lstsq(problem.X, problem.y, rcond=problem.rcond)


def _found(w: Array, rank: int | None) -> Solution:
    return Solution(w, rank, "lstsq", 0.0)


def _not_solved(problem: LeastSquares) -> Solution:
    w: Any = np.full(problem.p, np.nan, problem.dtype)
    return Solution(w, None, "lstsq", 0.0, converged=False)

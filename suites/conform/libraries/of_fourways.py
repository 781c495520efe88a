"""This project: the four ways, and the solvers beside them."""

from kernels import WAYS, Array, LeastSquares, Solution, minimum_norm, refined
from suites.conform.routine import Answer, Claim, RefusedError, Routine, Solve


def way(name: str) -> Solve:
    return lambda X, y, rcond: _answer(WAYS[name](LeastSquares(X, y)).solve())


def least_norm(X: Array, y: Array, rcond: float | None) -> Answer:
    return _answer(minimum_norm(LeastSquares(X, y)))


def every_digit(X: Array, y: Array, rcond: float | None) -> Answer:
    return _answer(refined(LeastSquares(X, y)))


def _answer(found: Solution) -> Answer:
    if not found.converged:
        raise RefusedError
    return found.w, found.rank


_ANY = "the minimiser of least 2-norm, whatever the units of the columns"
ROUTINES = [
    *(
        Routine(
            f"fourways {name}",
            way(name),
            Claim(where=_ANY),
            f"kernels.WAYS[{name!r}](kernels.LeastSquares(X, y)).solve().w",
        )
        for name in WAYS
    ),
    Routine(
        "fourways minimum_norm",
        least_norm,
        Claim(where=_ANY),
        "kernels.minimum_norm(kernels.LeastSquares(X, y)).w",
    ),
    Routine(
        "fourways refined",
        every_digit,
        Claim(deficient=False, where="full rank, else converged=False"),
        "kernels.refined(kernels.LeastSquares(X, y)).w",
    ),
]

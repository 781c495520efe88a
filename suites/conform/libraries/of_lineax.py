"""lineax: direct solvers, as they are chosen by the user or by AutoLinearSolver."""

import jax
import jax.numpy as jnp
import lineax
import numpy as np

from kernels import Array
from suites.conform.routine import Answer, Claim, RefusedError, Routine, Solve

jax.config.update("jax_enable_x64", True)


def by(solver: type) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        chosen = solver() if rcond is None else solver(rcond=rcond)
        return _solved(X, y, chosen)

    return solve


def automatic(X: Array, y: Array, rcond: float | None) -> Answer:
    return _solved(X, y, lineax.AutoLinearSolver(well_posed=False))


def _solved(X: Array, y: Array, solver: object) -> Answer:
    operator = lineax.MatrixLinearOperator(jnp.asarray(X))
    found = lineax.linear_solve(operator, jnp.asarray(y), solver=solver, throw=False)
    if found.result != lineax.RESULTS.successful:
        raise RefusedError
    return np.asarray(found.value), None


def _paste(solver: str) -> str:
    operator = "lineax.MatrixLinearOperator(jax.numpy.asarray(X))"
    return f"lineax.linear_solve({operator}, jax.numpy.asarray(y), lineax.{solver}).value"


_FULL = "lineax.QR: full rank, tall or wide"
_ANY = "the pseudoinverse solution for any matrix"
ROUTINES = [
    Routine("lineax SVD", by(lineax.SVD), Claim(where=_ANY), _paste("SVD()"), by_rule=True),
    Routine("lineax QR", by(lineax.QR), Claim(deficient=False, where=_FULL), _paste("QR()")),
    Routine(
        "lineax AutoLinearSolver",
        automatic,
        Claim(where=f"well_posed=False: {_ANY}"),
        _paste("AutoLinearSolver(well_posed=False)"),
    ),
]

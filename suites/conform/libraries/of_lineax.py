"""lineax: direct solvers, as they are chosen by the user or by AutoLinearSolver."""

from typing import Any

import numpy as np

from kernels import Array
from suites.conform.libraries.of_jax import jax_numpy
from suites.conform.routine import Answer, Claim, RefusedError, Routine, Solve


def by(solver: str) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        return _solved(X, y, solver, {} if rcond is None else {"rcond": rcond})

    return solve


def automatic(X: Array, y: Array, rcond: float | None) -> Answer:
    return _solved(X, y, "AutoLinearSolver", {"well_posed": False})


def _solved(X: Array, y: Array, solver: str, options: dict[str, Any]) -> Answer:
    import lineax

    jnp = jax_numpy()
    chosen = getattr(lineax, solver)(**options)
    operator = lineax.MatrixLinearOperator(jnp.asarray(X))
    found = lineax.linear_solve(operator, jnp.asarray(y), solver=chosen, throw=False)
    if found.result != lineax.RESULTS.successful:
        raise RefusedError
    return np.asarray(found.value), None


def _paste(solver: str) -> str:
    operator = "lineax.MatrixLinearOperator(jax.numpy.asarray(X))"
    return f"lineax.linear_solve({operator}, jax.numpy.asarray(y), lineax.{solver}).value"


_FULL = "lineax.QR: full rank, tall or wide"
_ANY = "the pseudoinverse solution for any matrix"
ROUTINES = [
    Routine("lineax SVD", by("SVD"), Claim(where=_ANY), _paste("SVD()"), by_rule=True),
    Routine("lineax QR", by("QR"), Claim(deficient=False, where=_FULL), _paste("QR()")),
    Routine(
        "lineax AutoLinearSolver",
        automatic,
        Claim(where=f"well_posed=False: {_ANY}"),
        _paste("AutoLinearSolver(well_posed=False)"),
    ),
]

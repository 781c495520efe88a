"""scikit-learn, without an intercept of its own: least squares, and ridge by each solver."""

from typing import Any

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine, Solve

_ALPHA = 1.0  # the default


def linear_regression(X: Array, y: Array, rcond: float | None) -> Answer:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=False).fit(X, y)
    return model.coef_, int(model.rank_)


def ridge(solver: str) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        from sklearn.linear_model import Ridge

        chosen: Any = solver
        model = Ridge(alpha=_ALPHA, fit_intercept=False, solver=chosen, random_state=0)
        return model.fit(X, y).coef_, None

    return solve


_TOLERANCE = 1e-4  # the default of the solvers that iterate
ROUTINES = [
    Routine(
        "sklearn LinearRegression",
        linear_regression,
        Claim(where="minimises the residual sum of squares; as scipy.linalg.lstsq"),
        "sklearn.linear_model.LinearRegression(fit_intercept=False).fit(X, y).coef_",
    ),
    *(
        Routine(
            f"sklearn Ridge {solver}",
            ridge(solver),
            Claim(alpha=_ALPHA, tolerance=tolerance, where="minimises |y - Xw|² + alpha |w|²"),
            f"sklearn.linear_model.Ridge(solver={solver!r}, fit_intercept=False"
            f"{', random_state=0' * solver.startswith('sag')}).fit(X, y).coef_",
        )
        for solver, tolerance in (
            ("svd", 0.0),
            ("cholesky", 0.0),
            ("lsqr", _TOLERANCE),
            ("sparse_cg", _TOLERANCE),
            ("sag", _TOLERANCE),
            ("saga", _TOLERANCE),
        )
    ),
]

"""statsmodels: OLS by the pseudo-inverse, its default, and by QR."""

from typing import Any

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine, Solve


def ols(method: str) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        import statsmodels.api as sm

        chosen: Any = method
        found = sm.OLS(y, X).fit(method=chosen)
        return found.params, int(found.model.rank)

    return solve


ROUTINES = [
    Routine(
        "statsmodels OLS pinv",
        ols("pinv"),
        Claim(where="the Moore-Penrose pseudoinverse"),
        "statsmodels.api.OLS(y, X).fit().params",
    ),
    Routine(
        "statsmodels OLS qr",
        ols("qr"),
        Claim(deficient=False, wide=False, where="the QR factorization"),
        "statsmodels.api.OLS(y, X).fit(method='qr').params",
    ),
]

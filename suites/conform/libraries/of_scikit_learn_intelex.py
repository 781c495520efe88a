"""scikit-learn-intelex: least squares and ridge by Intel's oneDAL, as scikit-learn has them.

It brings TBB, which Numba takes for its threads then: it is in no environment that is timed.
"""

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine

_ALPHA = 1.0  # the default


def linear_regression(X: Array, y: Array, rcond: float | None) -> Answer:
    from sklearnex.linear_model import LinearRegression

    return LinearRegression(fit_intercept=False).fit(X, y).coef_, None


def ridge(X: Array, y: Array, rcond: float | None) -> Answer:
    from sklearnex.linear_model import Ridge

    return Ridge(alpha=_ALPHA, fit_intercept=False).fit(X, y).coef_, None


ROUTINES = [
    Routine(
        "sklearnex LinearRegression",
        linear_regression,
        Claim(where="as scikit-learn's LinearRegression"),
        "sklearnex.linear_model.LinearRegression(fit_intercept=False).fit(X, y).coef_",
    ),
    Routine(
        "sklearnex Ridge",
        ridge,
        Claim(alpha=_ALPHA, where="as scikit-learn's Ridge"),
        "sklearnex.linear_model.Ridge(fit_intercept=False).fit(X, y).coef_",
    ),
]

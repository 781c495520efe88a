"""polars_ds: linear regression as an expression of Polars."""

from kernels import Array
from suites.conform.routine import Answer, Claim, RefusedError, Routine, Solve


def lin_reg(solver: str) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        import polars
        import polars_ds

        frame = polars.DataFrame(X)
        fit = polars_ds.lin_reg(*frame.columns, target=polars.lit(polars.Series(y)), solver=solver)
        try:
            found = frame.select(fit).to_series()[0]
        except polars.exceptions.ComputeError as error:
            raise RefusedError from error
        if found is None:
            raise RefusedError
        return found.to_numpy(), None

    return solve


_PASTE = (
    "polars.DataFrame(X).select(polars_ds.lin_reg(*polars.DataFrame(X).columns,"
    " target=polars.lit(polars.Series(y)), solver='{}')).item().to_numpy()"
)
_WHERE = "null where XᵀX has a relative determinant of 1e-12 or less, else the solution"
ROUTINES = [
    Routine(
        f"polars_ds.lin_reg {solver}",
        lin_reg(solver),
        Claim(least_norm=False, where=_WHERE),
        _PASTE.format(solver),
    )
    for solver in ("qr", "svd")
]

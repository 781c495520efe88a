"""SciPy: three dense drivers, the pseudo-inverse, two iterations, and bounded least squares."""

from kernels import Array
from suites.conform.routine import Answer, Claim, RefusedError, Routine, Solve


def lstsq(driver: str) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        import scipy.linalg

        w, _, rank, _ = scipy.linalg.lstsq(X, y, cond=rcond, lapack_driver=driver)
        return w, int(rank)

    return solve


def pinv(X: Array, y: Array, rcond: float | None) -> Answer:
    import scipy.linalg

    return scipy.linalg.pinv(X, rtol=rcond) @ y, None


def lsqr(X: Array, y: Array, rcond: float | None) -> Answer:
    import scipy.sparse.linalg

    w, stopped, *_ = scipy.sparse.linalg.lsqr(X, y)
    if stopped not in (0, 1, 2, 4, 5):
        raise RefusedError
    return w, None


def lsmr(X: Array, y: Array, rcond: float | None) -> Answer:
    import scipy.sparse.linalg

    w, stopped, *_ = scipy.sparse.linalg.lsmr(X, y)
    if stopped not in (0, 1, 2, 4, 5):
        raise RefusedError
    return w, None


def lsq_linear(X: Array, y: Array, rcond: float | None) -> Answer:
    import scipy.optimize

    found = scipy.optimize.lsq_linear(X, y)
    if not found.success:
        raise RefusedError
    return found.x, None


_LSTSQ = "scipy.linalg.lstsq: the minimum norm solution for a rank-deficient matrix"
_ITERATED = "atol = btol = 1e-6; from x0 = 0 the solution of least norm"
ROUTINES = [
    *(
        Routine(
            f"scipy.linalg.lstsq {driver}",
            lstsq(driver),
            Claim(where=_LSTSQ),
            f"scipy.linalg.lstsq(X, y, lapack_driver={driver!r})[0]",
            by_rule=True,
        )
        for driver in ("gelsd", "gelsy", "gelss")
    ),
    Routine(
        "scipy.linalg.pinv",
        pinv,
        Claim(where="the Moore-Penrose inverse"),
        "scipy.linalg.pinv(X) @ y",
        by_rule=True,
    ),
    *(
        Routine(
            f"scipy.sparse.linalg.{name}",
            solve,
            Claim(tolerance=1e-6, where=_ITERATED),
            f"scipy.sparse.linalg.{name}(X, y)[0]",
        )
        for name, solve in (("lsqr", lsqr), ("lsmr", lsmr))
    ),
    Routine(
        "scipy.optimize.lsq_linear",
        lsq_linear,
        Claim(where="without bounds: numpy.linalg.lstsq of A, b"),
        "scipy.optimize.lsq_linear(X, y).x",
    ),
]

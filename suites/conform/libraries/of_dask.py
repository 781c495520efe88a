"""dask.array: QR of a tall matrix by blocks of rows."""

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine


def lstsq(X: Array, y: Array, rcond: float | None) -> Answer:
    import dask
    import dask.array as da

    rows = max(X.shape[1], len(X) // 4, 1)
    A = da.from_array(X, chunks=(rows, X.shape[1]))
    w, _, rank, _ = da.linalg.lstsq(A, da.from_array(y, chunks=rows))
    with dask.config.set(scheduler="synchronous"):
        found, counted = dask.compute(w, rank)
    return found, int(counted)


ROUTINES = [
    Routine(
        "dask.array.linalg.lstsq",
        lstsq,
        Claim(wide=False, where="as numpy.linalg.lstsq: the least-squares solution, and the rank"),
        "dask.array.linalg.lstsq(dask.array.asarray(X), dask.array.asarray(y))[0].compute()",
    )
]

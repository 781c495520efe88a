"""PyTorch on the CPU: LAPACK's four drivers, and the pseudo-inverse."""

from kernels import Array
from suites.conform.routine import Answer, Claim, Routine, Solve


def lstsq(driver: str | None) -> Solve:
    def solve(X: Array, y: Array, rcond: float | None) -> Answer:
        import torch

        A, b = torch.from_numpy(X), torch.from_numpy(y)
        found = torch.linalg.lstsq(A, b[:, None], rcond=rcond, driver=driver)
        return found.solution[:, 0].numpy(), int(found.rank) if found.rank.numel() else None

    return solve


def pinv(X: Array, y: Array, rcond: float | None) -> Answer:
    import torch

    A, b = torch.from_numpy(X), torch.from_numpy(y)
    return (torch.linalg.pinv(A, rtol=rcond) @ b).numpy(), None


_PASTE = (
    "torch.linalg.lstsq(torch.tensor(X), torch.tensor(y)[:, None], driver='{}')"
    ".solution[:, 0].numpy()"
)
_ANY = "torch.linalg.lstsq: gelsy, gelsd, gelss for any rank; the solution of least norm"
_FULL = "torch.linalg.lstsq: gels assumes that A is of full rank"
ROUTINES = [
    *(
        Routine(
            f"torch.linalg.lstsq {driver}",
            lstsq(driver),
            Claim(where=_ANY),
            _PASTE.format(driver),
            by_rule=True,
        )
        for driver in ("gelsy", "gelsd", "gelss")
    ),
    Routine(
        "torch.linalg.lstsq gels",
        lstsq("gels"),
        Claim(deficient=False, where=_FULL),
        _PASTE.format("gels"),
    ),
    Routine(
        "torch.linalg.pinv",
        pinv,
        Claim(where="the Moore-Penrose inverse"),
        "(torch.linalg.pinv(torch.tensor(X)) @ torch.tensor(y)).numpy()",
        by_rule=True,
    ),
]

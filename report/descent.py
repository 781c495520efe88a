"""Which descent is at the answer first, and whether a direct solver is there before it."""

from tabulate import tabulate

from report.results import Cell, Run, shown

_TIME = "descent.Descent.track_time"
_WAYS = ("numba", "torch", "numpy", "scipy")
_REDUCED = "reduced conjugate gradients by numba"


def winners(run: Run) -> str:
    """Return the fastest of each kind for each X and condition number; empty if not run."""
    cells = run.cells(_TIME)
    rows = []
    for size, condition in dict.fromkeys((key[2], key[1]) for key in cells):
        times = {
            solver: cell
            for (solver, *rest), cell in cells.items()
            if rest == [condition, size] and cell.measured
        }
        direct = [solver for solver in times if " by " not in solver or "direct by" in solver]
        descents = [solver for solver in times if solver not in direct and solver != _REDUCED]
        rows.append(
            [
                size,
                condition,
                *(_first(times, [d for d in descents if d.endswith(way)]) for way in _WAYS),
                shown(times[_REDUCED]) if _REDUCED in times else "-",
                _first(times, direct),
            ]
        )
    if not rows:
        return ""
    headers = ["X", "cond.", *_WAYS, "p x p", "direct"]
    table = tabulate(rows, headers, disable_numparse=True)
    return (
        "Fastest descent to a relative suboptimality of 1e-8, by the way that drives it\n"
        f"{table}\n"
        "Conjugate gradients where no other method is named (gd: gradient descent, bb:\n"
        "Barzilai-Borwein); p x p: the same on the Gram or QR factor, by numba; direct:\n"
        "the fastest direct solver (mn: minimum_norm, np: numpy.linalg.lstsq).\n"
        "Preparation, L and mu are included."
    )


_SHORT = {
    "conjugate gradients": "",
    "barzilai-borwein": "bb",
    "gradient descent": "gd",
    "gradient descent, 2/(L+mu)": "gd",
    "minimum_norm": "mn",
    "direct by numpy": "np",
}


def _first(times: dict[str, Cell], solvers: list[str]) -> str:
    """Return the fastest of some solvers, as "time method"."""
    if not solvers:
        return "-"
    best = min(solvers, key=lambda solver: times[solver].measured or 0)
    method = best if best.startswith("direct") else best.partition(" by ")[0]
    return f"{shown(times[best])} {_SHORT.get(method, method)}".rstrip()

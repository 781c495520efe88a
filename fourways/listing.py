"""What there is: the ways, and the families of problems."""

import inspect

from tabulate import tabulate

from kernels import WAYS


def ways() -> str:
    """Return each way with the first line of its documentation."""
    rows = [[name, (inspect.getdoc(way) or "").splitlines()[0]] for name, way in WAYS.items()]
    return str(tabulate(rows, tablefmt="plain"))


def problems() -> str:
    """Return each family of problems and each certified set."""
    from suites.data import nist
    from suites.data.families import FAMILIES

    posed = {name: make(24, 6) for name, make in FAMILIES.items()}
    rows = [
        [
            name,
            f"{p.problem.n} x {p.problem.p}",
            "decided by rounding" if p.rank is None else p.rank,
        ]
        for name, p in posed.items()
    ]
    table = tabulate(rows, ["family", "for example", "rank"], colalign=("left", "left", "left"))
    sets = ", ".join(nist.names())
    return f"{table}\n\nNIST's certified sets: {sets}"

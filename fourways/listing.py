"""What there is: the ways, and the families of problems."""

import inspect

from tabulate import tabulate

from kernels import WAYS


def ways() -> str:
    """Return each way with the first line of its documentation, or why it cannot be had here."""
    return str(tabulate([[name, _about(name)] for name in WAYS], tablefmt="plain"))


def _about(name: str) -> str:
    try:
        return (inspect.getdoc(WAYS[name]) or "").splitlines()[0]
    except ImportError as error:
        return f"not here: {error}"


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

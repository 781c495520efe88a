"""The cells of a comparison: what is called, of which way, on which data.

They are measured in lanes. A process of a lane measures all cells of it that are still open, and
evidence is counted in processes: it must be short, so what takes long to import has a lane of its
own, and what is measured beside it takes milliseconds.
"""

from typing import Literal, NamedTuple

What = Literal["gradient", "value and gradient", "prepare", "solve", "descent", "minimum norm"]


class Cell(NamedTuple):
    """One figure: ``what`` of a way on seeded data of n rows and p columns, float64."""

    what: What
    way: str
    n: int
    p: int
    order: Literal["C", "F"] = "C"
    threads: Literal["one", "all"] = "one"

    @property
    def name(self) -> str:
        threads = " all cores" if self.threads == "all" else ""
        return f"{self.what} {self.way} {self.n} x {self.p} {self.order}{threads}"


# X from 3 KiB to 24 MB: inside L1, L2, around L3. On one core: where threads wake moves a figure
# by more than what is to be found, and what is slower on one core is slower on all of them but
# for the threads themselves, which have cells of their own.
_KERNELS = [
    Cell("gradient", "numba", 100, 4),
    Cell("gradient", "numba", 100, 30),
    Cell("gradient", "numba", 1_000, 30),
    Cell("gradient", "numba", 1_000, 30, "F"),
    Cell("gradient", "numba", 10_000, 4),
    Cell("gradient", "numba", 1_000, 300),
    Cell("gradient", "numba", 10_000, 30),
    Cell("gradient", "numba", 10_000, 100),
    Cell("gradient", "numba", 10_000, 100, "F"),
    Cell("gradient", "numba", 100_000, 30),
    Cell("value and gradient", "numba", 1_000, 30),
    Cell("descent", "numba", 1_000, 30),
    Cell("minimum norm", "numpy", 1_000, 30),
    Cell("gradient", "numpy", 1_000, 30),
    Cell("solve", "numpy", 1_000, 30),
    Cell("gradient", "scipy", 1_000, 30),
    Cell("prepare", "scipy", 1_000, 30),
]
_THREADS = [
    Cell("gradient", "numba", 10_000, 100, threads="all"),
    Cell("gradient", "numba", 100_000, 30, threads="all"),
]
_TORCH = [Cell("gradient", "torch", 1_000, 30), Cell("solve", "torch", 1_000, 30)]

LANES: dict[str, list[Cell]] = {"kernels": _KERNELS, "threads": _THREADS, "torch": _TORCH}

# The share of the time that a lane has while all of them are open.
SHARES = {"kernels": 0.7, "threads": 0.15, "torch": 0.15}

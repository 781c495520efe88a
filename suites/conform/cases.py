"""What every routine is asked: families of known rank, plain matrices, real tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kernels import Array, LeastSquares
from suites.data import misjudged, tables
from suites.data.families import FAMILIES
from suites.data.problems import gaussian
from suites.judge import SolutionJudge, exact_rank

_SMALL = (40, 6)  # also in Fortran order
_SHAPES = [_SMALL, (200, 20)]
_LONG = (20_000, 8)
# Those that are worth 20 000 rows: sums of many roundings, and thresholds that grow with n.
_LONG_FAMILIES = ("duplicated column", "dummy trap", "collinear 1e-10", "columns x 1e8")
_PLAIN = {"tall": _SMALL, "square": (12, 12), "wide": (6, 40), "long": _LONG}
_UNITS, REAL = "tables with units", "real tables"
_WORK = 1e6  # of np²: of larger tables the iterations of some routines take minutes

# What is counted together: the columns of the table.
GROUPS = {
    "full rank": tuple(f"full rank, {name}" for name in _PLAIN),
    "dependent columns": (
        *("duplicated column", "zero column", "sum of the others", "dummy trap", "all zeros"),
        *("rank 2", "rank 3", "rank p/2"),
    ),
    "wide": ("wide",),
    "units of columns": ("columns x 1e8", _UNITS),
    "range": ("all x 1e150", "all x 1e-150"),
    "nearly dependent": ("collinear 1e-10", "collinear 2^-50"),
    "ill conditioned": ("Vandermonde", "Hilbert", "graded"),
    "real tables": (REAL,),
}


@dataclass(frozen=True, eq=False)
class Case:
    """A problem of a family; ``rank`` is the exact rank of X, None where rounding decides."""

    family: str
    problem: LeastSquares
    rank: int | None
    title: str = ""
    _judges: dict[tuple[float, bool], SolutionJudge] = field(default_factory=dict)

    @property
    def name(self) -> str:
        X = self.problem.X
        order = "C" if X.flags.c_contiguous else "F"
        return f"{self.title or self.family}, {X.shape[0]} x {X.shape[1]}, {X.dtype}, {order}"

    @property
    def is_deficient(self) -> bool:
        return self.rank is None or self.rank < self.problem.p

    @property
    def is_wide(self) -> bool:
        return self.problem.n < self.problem.p

    def judge(self, alpha: float, least_norm: bool = True) -> SolutionJudge:
        """Return what judges answers at a ridge penalty, of least norm or of any; made once."""
        if (alpha, least_norm) not in self._judges:
            posed = LeastSquares(self.problem.X, self.problem.y, alpha)
            judge = SolutionJudge(posed, self.rank if least_norm else None)
            self._judges[alpha, least_norm] = judge
        return self._judges[alpha, least_norm]


def cases() -> Iterator[Case]:
    """Yield every case, float64 first; the same ones in the same order at each call.

    Real tables are those of the packages that are installed, of the extra ``tables``.
    """
    for dtype in (np.float64, np.float32):
        for name, (n, p) in _PLAIN.items():
            problem = gaussian(n, p, dtype=dtype)
            yield Case(f"full rank, {name}", problem, min(n, p))
        for family, make in FAMILIES.items():
            if dtype == np.float32 and family.startswith("all x"):
                continue  # beyond its range
            for shape in [*_SHAPES, *[_LONG] * (family in _LONG_FAMILIES)]:
                found = make(*shape)
                if dtype == np.float32:
                    found = found.as_float32()
                yield Case(family, found.problem, found.rank)
                if shape == _SMALL and dtype == np.float64:
                    yield Case(family, _in_order_f(found.problem), found.rank)
    for name in misjudged.names():
        table = misjudged.load(name)
        yield Case(_UNITS, table.problem, table.rank)
    for name in tables.names():
        posed = tables.problem(name)
        if posed is not None and posed.n * posed.p**2 <= _WORK:
            yield Case(REAL, posed, exact_rank(posed), title=name)


def _in_order_f(problem: LeastSquares) -> LeastSquares:
    X: Array = np.asfortranarray(problem.X)
    return LeastSquares(X, problem.y)

"""Which columns depend on which, in relations as short and as whole as the data have them."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize

from fourways.reading.options import INTERCEPT
from kernels import Array

WIDTH = 96  # of a line
_NAME = 40  # of a name in it
_U = 2.0**-53
_TERM = 1e-7  # of the largest term of a relation on columns of one size: what is below is rounding
_SHORT = 3  # terms: no shorter relation is looked for
_LOOKED = 60  # relations at most that a shorter one is looked for
_COLUMNS = 400  # of X at most, for that
_LARGEST = 100_000  # a whole coefficient: years, and days of them
_WHOLE = 1e-6  # of a coefficient: how near a whole number it must be, before it is tried on X
_MULTIPLES = range(1, 13)  # of the coefficients, with one of them brought to 1
_NEAR = 1e-2  # of the largest singular value, and of the largest term: nearly a relation
_NEAR_TERM, _NEAR_WHOLE = 0.05, 0.02  # for these, in place of _TERM and _WHOLE
_NEAR_ONES = 3  # looked at
_HALF = 0.505  # of the unit of a printed digit, and what float64 makes of it
_DECIMALS = 9  # that a column may be printed with


@dataclass(frozen=True)
class Relation:
    """Σ_j terms[j] x_j = 0 on the data: to rounding, or within ``off`` in each row if not 0.

    ``left`` is the column that the relation is solved for where it is written down.
    """

    terms: dict[str, float]
    left: str
    off: float = 0.0

    def __str__(self) -> str:
        """Return the relation on one line of at most `WIDTH` characters."""
        factor = self.terms[self.left]
        if len(self.terms) == 1:
            return f"{_short(self.left)} is zero"
        sign = -1 if factor > 0 else 1
        left = _term(abs(factor), self.left).removeprefix("+ ")
        text = f"{left} {'is nearly' if self.off else '='} "
        end = f", within {self.off:.2g}" if self.off else ""
        right = [_term(sign * c, name) for name, c in self.terms.items() if name != self.left]
        first = next((k for k, term in enumerate(right) if term[0] == "+"), 0)
        right.insert(0, right.pop(first))
        for k, term in enumerate(right):
            more = f" and {len(right) - k} more terms"
            room = WIDTH - len(end) - (len(more) if k < len(right) - 1 else 0)
            if k and len(text) + len(term) > room:
                return text.rstrip() + more + end
            text += (term if k else term.removeprefix("+ ")) + " "
        return text.rstrip() + end


def _term(coefficient: float, name: str) -> str:
    """Return a signed term, its factor with as few digits as give the same number."""
    size, sign = abs(coefficient), "-" if coefficient < 0 else "+"
    digits = next(d for d in range(3, 18) if float(f"{size:.{d}g}") == size)
    factor = "" if size == 1 else f"{size:.{digits}g} "
    return f"{sign} {factor}{_short(name)}"


def _short(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 3] + "..."


def relations(X: Array, Z: Array, exponents: Array, rank: int, names: list[str]) -> list[Relation]:
    """Return p - rank independent relations of the columns of X, the shortest first.

    Z, (m, p), has the row space of X D⁻¹, columns of one size, D the powers of two of
    ``exponents``. From a QR with pivoting each column beyond the rank is a combination of those
    before it. Where that has more than a few terms, the z in the null space of Z with z_j = 1 and
    Σ|z_i| least is looked for, a vertex of a linear programme, which has few terms (D. L. Donoho,
    Comm. Pure Appl. Math. 59 (2006)). Terms are then those of the smallest singular vector of these
    columns alone, whole numbers if these hold on X as well, else with as many digits as it takes.
    """
    if rank == len(names):
        return []
    R, pivots = scipy.linalg.qr(Z, mode="r", pivoting=True, check_finite=False)
    solved = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    null = np.zeros((len(names), len(names) - rank))
    null[pivots[:rank]] = solved
    null[pivots[rank:]] = -np.eye(null.shape[1])
    candidates = list(null.T)
    if 1 < null.shape[1] <= _LOOKED and len(names) <= _COLUMNS:
        basis = scipy.linalg.orth(null)
        long = [k for k, z in enumerate(candidates) if len(_support(z, _TERM)) > _SHORT]
        candidates += [_sparsest(basis, int(pivots[rank + k])) for k in long]
    supports = _independent(candidates, null.shape[1])
    found = [_relation(X, Z, exponents, support, names) for support in supports]
    return sorted(found, key=lambda r: (len(r.terms), str(r)))


def _independent(candidates: list[Array], count: int) -> list[Array]:
    """Return the columns in each of so many independent relations, those of few terms first."""
    supports: list[Array] = []
    basis = np.zeros((len(candidates[0]), 0))
    for z in sorted(candidates, key=lambda z: len(_support(z, _TERM))):
        rest = z - basis @ (basis.T @ z)
        rest -= basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > _TERM * np.linalg.norm(z):
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
            supports.append(_support(z, _TERM))
        if len(supports) == count:
            break
    return supports


def _support(z: Array, tolerance: float) -> Array:
    return np.flatnonzero(np.abs(z) > tolerance * np.abs(z).max())


def _sparsest(basis: Array, j: int) -> Array:
    """Return the z in the span of a basis with z_j = 1 for which Σ|z_i| is least."""
    (p, k), identity = basis.shape, np.eye(len(basis))
    result = scipy.optimize.linprog(
        np.concatenate([np.zeros(k), np.ones(p)]),
        A_ub=np.block([[basis, -identity], [-basis, -identity]]),
        b_ub=np.zeros(2 * p),
        A_eq=np.concatenate([basis[j], np.zeros(p)])[None],
        b_eq=[1.0],
        bounds=[(None, None)] * k + [(0, None)] * p,
        method="highs",
    )
    z: Array = basis @ (basis[j] if result.x is None else result.x[:k])
    return z


def _relation(X: Array, Z: Array, exponents: Array, support: Array, names: list[str]) -> Relation:
    """Return the relation of columns that have one, with terms that hold on X."""
    z = np.linalg.svd(Z[:, support], full_matrices=True)[2][-1]
    w = np.ldexp(z, exponents.max(initial=0) - exponents[support])
    columns = X[:, support]
    sizes = np.linalg.norm(columns, axis=0)

    def off(c: Array) -> float:
        size = float(np.abs(c) @ sizes)
        return float(np.linalg.norm(columns @ c)) / size if size else 0.0

    enough = 4 * len(support) * _U
    whole = _whole(w, _WHOLE)
    if whole is not None and off(whole) <= enough:
        return _solved(whole, support, names)
    place = _last(support, names)
    w = w / w[place]
    enough = max(enough, 2 * off(w))
    for digits in range(2, 18):
        rounded = np.array([float(f"{c:.{digits}g}") for c in w])
        if off(rounded) <= enough:
            break
    return _solved(rounded, support, names, place)


def _whole(w: Array, tolerance: float) -> Array | None:
    """Return the smallest whole numbers in the ratios of w; None where there are none."""
    found = []
    for unit, times in itertools.product(np.abs(w), _MULTIPLES):
        scaled = w / unit * times
        whole = np.rint(scaled)
        near = np.abs(scaled - whole) <= tolerance * np.maximum(1, np.abs(whole))
        if near.all() and whole.all() and np.abs(whole).max() <= _LARGEST:
            found.append(whole)
    return min(found, key=lambda c: float(np.abs(c).sum()), default=None)


def _solved(
    c: Array, support: Array, names: list[str], place: int | None = None, off: float = 0.0
) -> Relation:
    """Return the relation, solved for its last column with a factor of 1, not for the intercept."""
    ones = [k for k in range(len(c)) if abs(c[k]) == 1 and names[support[k]] != INTERCEPT]
    if place is None:
        place = ones[-1] if ones else _last(support, names)
    terms = {names[j]: float(value) for j, value in zip(support, c, strict=True)}
    return Relation(terms, names[support[place]], off)


def _last(support: Array, names: list[str]) -> int:
    return max(range(len(support)), key=lambda k: (names[support[k]] != INTERCEPT, k))


def near_relations(
    X: Array, sigma: Array, Vt: Array, exponents: Array, rank: int, names: list[str]
) -> list[Relation]:
    """Return relations with whole terms that hold to the digits that the data are printed with.

    Column j is printed in units of d_j = 10⁻ᵏ, each entry within d_j / 2 of what it stands for. A
    relation of what they stand for then holds within Σ|c_j| d_j / 2 on the data.
    """
    small = [k for k in range(rank) if sigma[k] <= _NEAR * sigma[0]]
    found = []
    for k in small[-_NEAR_ONES:]:
        support = _support(Vt[k], _NEAR_TERM)
        if len(support) < 3:
            continue
        w = np.ldexp(Vt[k][support], exponents.max(initial=0) - exponents[support])
        columns: Any = X[:, support]
        units = np.array([_unit(column) for column in columns.T])
        c = _whole(w, _NEAR_WHOLE)
        if c is None or not np.isfinite(units).all():
            continue
        off = float(np.abs(columns @ c).max())
        largest = float((np.abs(c) * np.abs(columns).max(axis=0)).max())
        if off <= _HALF * float(np.abs(c) @ units) and off <= _NEAR * largest:
            found.append(_solved(c, support, names, off=off))
    return sorted(found, key=lambda r: (len(r.terms), str(r)))


def _unit(column: Array) -> float:
    """Return the unit that a column is printed in: 0 for a constant, infinity if none is seen."""
    if (column == column[0]).all():
        return 0.0
    for k in range(_DECIMALS):
        scaled = column * 10.0**k
        if (np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(1, np.abs(scaled))).all():
            return float(10.0**-k)
    return float("inf")

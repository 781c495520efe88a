"""Real tables, through the command and against exact arithmetic: rank, solution, verdict.

By `make tables`. What the judge says of an answer ŵ is held to what exact rationals say of it,
with Z = X D⁻¹ of columns of one size, ẑ = Dŵ, r̂ = y - Xŵ, σ_r the smallest singular value of Z
that is not zero, P the projection onto the null space of X, u the unit roundoff, norms Frobenius.

Right is the exact answer to Z + E, y + f with |E| <= ε|Z|, |f| <= ε|y|, ε = 30 u, and the part of
it in the null space is what ε in each column of Z turns w into, to first order:

    |X(ŵ - w)| <= |f| + |E||ẑ| + |E||r̂ + f - Eẑ|/σ_r,
    |Pŵ| <= ε |D⁻¹w|/σ_r Σ_j d_j |P e_j|,    as w = (X + ED)ᵀv with |v| <= |D⁻¹w|/σ_r.

An answer of the rank that X has is not right only if

    |X(ŵ - w)| > ε sqrt(|y|² + |Z|²|ẑ|²),    as E = -Z(ẑ - z)ẑᵀ/|ẑ|² or f = X(ŵ - w) make it right,

or if Pŵ is more than that. A factor of 2 on either side is for the estimate of the backward error,
which is known within sqrt(2), and for the powers of two in D.
"""

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from kernels import Array, LeastSquares, Solution
from suites.data import tables
from suites.judge import RIGHT, WrongAnswerError, check_solution, exact_solution, solution_ratio
from suites.judge.exact import column, normal_equations, null_space

pytestmark = [pytest.mark.tables, pytest.mark.usefixtures("untimed")]

_SLACK = 2.0
_EPSILON = RIGHT * 2.0**-53


class Truth:
    """What exact arithmetic says of a problem, and of answers to it."""

    def __init__(self, problem: LeastSquares) -> None:
        self.problem = problem
        self.exact = exact_solution(problem)
        self.gram = normal_equations(problem)[0]
        self.N = null_space(self.gram)
        self.w = np.array([float(entry) for entry in self.exact.w])
        self.norms = np.linalg.norm(problem.X, axis=0)
        self.d = np.exp2(np.rint(np.log2(np.where(self.norms, self.norms, 1))))

    @property
    def rank(self) -> int:
        return self.exact.rank

    @cached_property
    def sigma(self) -> float:
        """The smallest singular value of Z that is not zero."""
        return float(np.linalg.svd(self.problem.X / self.d, compute_uv=False)[self.rank - 1])

    @cached_property
    def projections(self) -> Array:
        """Return |P e_j| for each column, P = N(NᵀN)⁻¹Nᵀ."""
        if self.rank == self.problem.p:
            return np.zeros(self.problem.p)
        N = self.N
        P = N * (N.transpose() * N).solve(N.transpose())
        return np.array([_root(P[j, j]) for j in range(self.problem.p)])

    def fitted_error(self, w: Array) -> float:
        """Return |X(ŵ - w)|."""
        e = self._error(w)
        return _root((e.transpose() * self.gram * e)[0, 0])

    def null_part(self, w: Array) -> float:
        """Return |Pŵ|."""
        if self.rank == self.problem.p:
            return 0.0
        c = self.N.transpose() * self._error(w)
        return _root((c.transpose() * (self.N.transpose() * self.N).solve(c))[0, 0])

    def _error(self, w: Array) -> fmpq_mat:
        pairs = zip(w, self.exact.w, strict=True)
        return column(Fraction(float(computed)) - entry for computed, entry in pairs)

    def fitted_limits(self, w: Array) -> tuple[float, float]:
        """Return what |X(ŵ - w)| exceeds if ŵ is not right, and what it does not if it is."""
        y, Z = float(np.linalg.norm(self.problem.y)), float(np.linalg.norm(self.norms / self.d))
        z, r = np.linalg.norm(self.d * w), np.linalg.norm(self.problem.y - self.problem.X @ w)
        moved = _SLACK * _EPSILON * (y + Z * z)
        most = moved + _SLACK * _EPSILON * Z * (r + moved) / self.sigma
        return _EPSILON / _SLACK * math.hypot(y, Z * z), float(most)

    def null_limits(self) -> tuple[float, float]:
        """Return the same for |Pŵ|; the rounding of w is allowed to both."""
        v = np.linalg.norm(self.w / self.d) / self.sigma
        inverse = (self.gram + self.N * self.N.transpose()).solve(column(self.exact.w))
        shortest = _root((column(self.exact.w).transpose() * inverse)[0, 0])  # v of w = Xᵀv
        rounding = 2.0**-53 * np.linalg.norm(self.w)
        parts = self.projections * self.d
        least = _EPSILON / _SLACK * shortest * np.linalg.norm(parts)
        return max(float(least), float(rounding)), float(
            _SLACK * _EPSILON * v * parts.sum() + 4 * rounding
        )


def _root(square: fmpq) -> float:
    return float(arb(square).sqrt())


@dataclass(frozen=True)
class Answer:
    """An answer, and whether it was judged to be right."""

    name: str
    w: Array
    rank: int | None
    right: bool


def complaints(truth: Truth, answer: Answer) -> list[str]:
    """Return what exact arithmetic has against a verdict."""
    if not np.isfinite(answer.w).all():
        return [f"{answer.name}: not finite, and right"] if answer.right else []
    off, (least, most) = truth.fitted_error(answer.w), truth.fitted_limits(answer.w)
    null, (less, more) = truth.null_part(answer.w), truth.null_limits()
    found = []
    if answer.right:
        if answer.rank not in (None, truth.rank):
            found.append(f"right with rank {answer.rank} of {truth.rank}")
        if off > most:
            found.append(f"right, and |X(ŵ - w)| = {off:.2g} > {most:.2g}")
        if null > more:
            found.append(f"right, and |Pŵ| = {null:.2g} > {more:.2g}")
    elif answer.rank in (None, truth.rank) and off <= least and null <= less:
        found.append(f"not right, with |X(ŵ - w)| = {off:.2g}, |Pŵ| = {null:.2g}")
    return [f"{answer.name}: {line}" for line in found]


def compared(table: tables.Table, folder: Path) -> tuple[LeastSquares, dict[str, Any]]:
    """Return X and y as the command read them, and what it found."""
    from fourways.cli import main

    csv, saved, found = folder / "table.csv", folder / "table.npz", folder / "found.json"
    table.frame.to_csv(csv, index=False)
    options = ["--target", table.target, "--intercept", *["--dummies"] * table.has_text]
    options += ["--header", "first"]  # names can be years
    options += ["--missing", "drop"]  # of what pandas takes for text, as Stata's "."
    outputs = ["--json", str(found), "--save", str(saved)]
    assert main(["compare", str(csv), *options, *outputs]) == 0
    with np.load(saved) as archive:
        problem = LeastSquares(archive["X"], archive["y"])
    return problem, json.loads(found.read_text())


def loaded(name: str) -> tables.Table:
    table = tables.load(name)
    if table is None:
        pytest.skip("no table to be fitted")
    return table


def test_there_are_many_tables() -> None:
    assert len(tables.names()) >= 130


@pytest.mark.parametrize("name", tables.names())
def test_verdicts_are_those_of_exact_arithmetic(name: str, tmp_path: Path) -> None:
    problem, found = compared(loaded(name), tmp_path)
    truth = Truth(problem)
    against = []
    if found["rank"] != truth.rank:
        against.append(f"rank {found['rank']} of {truth.rank}")
    for way, said in found["ways"].items():
        w = np.array(said["found"]["w"], float)  # null for what is not finite becomes NaN
        rank, direct = said["found"]["rank"], not said["found"]["iterations"]
        right, refuses = said["solution"] == "right", said["solution"].startswith("says no")
        if not said["right"]:
            against.append(f"{way}: gradient {said['error']} times its bound off, {said['wrong']}")
        if not right and (direct or not refuses):
            against.append(f"{way}: {said['solution']}")
        if not refuses:
            against += complaints(truth, Answer(way, w, rank, right))
        if right and direct and truth.rank == problem.p:
            ratio = solution_ratio(problem, w, truth.exact)
            if not ratio < RIGHT:
                against.append(f"{way}: {ratio:.3g} times its bound off, digit by digit")
    against += [line for answer in others(truth) for line in complaints(truth, answer)]
    assert not against, "\n".join(against)


def others(truth: Truth) -> list[Answer]:
    """Judge the best answer that there is, worse ones, and NumPy's routine as it comes."""
    problem, rank = truth.problem, truth.rank
    w, _, numpys, _ = np.linalg.lstsq(problem.X, problem.y)
    given = {
        "exact": (truth.w, rank),
        "off by 1e-9": (truth.w * (1 + 1e-9), rank),
        "zero": (np.zeros(problem.p), rank),
        "numpy.linalg.lstsq": (w, int(numpys)),
    }
    return [
        Answer(name, w, found, _is_right(problem, rank, Solution(w, found, "lstsq", 0.0)))
        for name, (w, found) in given.items()
    ]


def _is_right(problem: LeastSquares, rank: int, found: Solution) -> bool:
    try:
        check_solution(problem, rank if rank < problem.p else None, found)
    except WrongAnswerError:
        return False
    return True

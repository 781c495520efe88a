"""Exact rationals: gradients and solutions of small problems."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kernels import Array, LeastSquares

Rational = list[Fraction]


def exact_gradient(problem: LeastSquares, w: Array) -> Rational:
    """Return ∇f(w) in exact rationals; for small problems."""
    X, y = _rationals(problem)
    v = [Fraction(float(entry)) for entry in w]
    r = [_dot(row, v) - target for row, target in zip(X, y, strict=True)]
    alpha = Fraction(problem.alpha)
    columns = zip(*X, strict=True)
    return [
        Fraction(2, problem.n) * (_dot(column, r) + alpha * entry)
        for column, entry in zip(columns, v, strict=True)
    ]


@dataclass(frozen=True)
class ExactSolution:
    """The minimiser of f of least 2-norm, in exact rationals, and the exact rank of X."""

    w: Rational
    rank: int


def exact_solution(problem: LeastSquares) -> ExactSolution:
    """Return the minimiser of least norm in exact rationals; for small problems.

    At alpha > 0 it solves (XᵀX + alpha I) w = Xᵀy. Else X = C F with C the pivot columns of X
    and F its reduced row echelon form, both of full rank r, and w = Fᵀ(FFᵀ)⁻¹(CᵀC)⁻¹Cᵀy
    (A. Ben-Israel, T. N. E. Greville, Generalized Inverses, 2nd ed., section 1.6).
    """
    X, y = _rationals(problem)
    F, pivots = _reduced_row_echelon([row[:] for row in X])
    if problem.alpha:
        columns = [list(column) for column in zip(*X, strict=True)]
        gram = _gram(columns)
        for k, row in enumerate(gram):
            row[k] += Fraction(problem.alpha)
        return ExactSolution(_solve(gram, [_dot(column, y) for column in columns]), len(pivots))
    C = [[row[k] for row in X] for k in pivots]
    z = _solve(_gram(C), [_dot(column, y) for column in C])
    v = _solve(_gram(F), z)
    w = [
        sum((row[j] * c for row, c in zip(F, v, strict=True)), Fraction(0))
        for j in range(problem.p)
    ]
    return ExactSolution(w, len(pivots))


def _rationals(problem: LeastSquares) -> tuple[list[Rational], Rational]:
    X = [[Fraction(float(entry)) for entry in row] for row in problem.X]
    return X, [Fraction(float(entry)) for entry in problem.y]


def _dot(a: Any, b: Any) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _gram(vectors: list[Rational]) -> list[Rational]:
    return [[_dot(a, b) for b in vectors] for a in vectors]


def _solve(matrix: list[Rational], right: Rational) -> Rational:
    """Solve a nonsingular system by Gauss-Jordan elimination."""
    if not matrix:
        return []
    reduced, _ = _reduced_row_echelon([[*row, b] for row, b in zip(matrix, right, strict=True)])
    return [row[-1] for row in reduced]


def _reduced_row_echelon(rows: list[Rational]) -> tuple[list[Rational], list[int]]:
    """Return the nonzero rows of the reduced row echelon form, and the pivot columns."""
    pivots: list[int] = []
    for column in range(len(rows[0])):
        rank = len(pivots)
        found = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[rank], rows[found] = rows[found], rows[rank]
        pivot = rows[rank][column]
        rows[rank] = [entry / pivot for entry in rows[rank]]
        for i, row in enumerate(rows):
            if i != rank and row[column]:
                factor = row[column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[rank], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots

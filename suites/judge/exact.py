"""Exact rationals: gradients and solutions, by FLINT's integer matrices."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpz_mat

from kernels import Array, LeastSquares

Rational = list[Fraction]


def exact_gradient(problem: LeastSquares, w: Array) -> Rational:
    """Return ∇f(w) = (2/n) ((XᵀX + alpha I) w - Xᵀy) in exact rationals.

    Cost: that of `normal_equations`.
    """
    gram, right, _ = normal_equations(problem)
    v = column(Fraction(float(entry)) for entry in w)
    return _fractions((penalised(gram, problem.alpha) * v - right) * fmpq(2, problem.n))


@dataclass(frozen=True)
class ExactSolution:
    """The minimiser of f of least 2-norm, in exact rationals, and the exact rank of X."""

    w: Rational
    rank: int


def exact_solution(problem: LeastSquares) -> ExactSolution:
    """Return the minimiser of least norm in exact rationals.

    At alpha > 0 it solves (XᵀX + alpha I) w = Xᵀy; else, with N a basis of the null space of X,

        (XᵀX + NNᵀ) w = Xᵀy,    as Nᵀ from the left gives NᵀN Nᵀw = 0 and so Nᵀw = 0.

    Cost: that of `normal_equations`, and two eliminations on p x p.
    """
    gram, right, _ = normal_equations(problem)
    N = null_space(gram)
    rank = problem.p - N.ncols()
    if problem.alpha:
        gram = penalised(gram, problem.alpha)
    elif rank < problem.p:
        gram += N * N.transpose()
    return ExactSolution(_fractions(gram.solve(right)), rank)


def exact_rank(problem: LeastSquares) -> int:
    """Return the rank of X in exact rationals. Cost: as `exact_solution`, without the solution."""
    gram, _, _ = normal_equations(problem)
    rank: int = gram.rref()[1]
    return rank


def normal_equations(problem: LeastSquares) -> tuple[fmpq_mat, fmpq_mat, fmpq]:
    """Return XᵀX, Xᵀy and yᵀy: (p, p), (p, 1) and a number.

    A double is an integer times a power of two. The columns of [X y] are brought to integers
    without a common divisor each, as small as they can be, and multiplied as such.

    Cost: np² products of integers, of one word where a column has one size, else as long as the
    range of its exponents.
    """
    p = problem.p
    integers, units = zip(*map(_integers, [*problem.X.T, problem.y]), strict=True)
    A = fmpz_mat(p + 1, problem.n, [entry for row in integers for entry in row])
    D = fmpq_mat(p + 1, p + 1)
    for j, unit in enumerate(units):
        D[j, j] = unit
    whole = (D * fmpq_mat(A * A.transpose()) * D).table()
    return (
        fmpq_mat([row[:p] for row in whole[:p]]),
        fmpq_mat([row[p:] for row in whole[:p]]),
        whole[p][p],
    )


def penalised(gram: fmpq_mat, alpha: float) -> fmpq_mat:
    """Return XᵀX + alpha I."""
    entries, penalty = gram.table(), rational(alpha)
    for j, row in enumerate(entries):
        row[j] += penalty
    return fmpq_mat(entries)


def null_space(gram: fmpq_mat) -> fmpq_mat:
    """Return a basis of the null space of X, that of XᵀX, as columns: (p, p - rank).

    With F the reduced row echelon form of XᵀX, and so of X, each column j without a pivot gives
    one: 1 at j, -F_ij at the pivot column of row i.
    """
    form, rank = gram.rref()
    rows = form.table()[:rank]
    pivots = [next(j for j, entry in enumerate(row) if entry) for row in rows]
    free = [j for j in range(gram.ncols()) if j not in pivots]
    N = fmpq_mat(gram.ncols(), len(free))
    for k, j in enumerate(free):
        N[j, k] = fmpq(1)
        for pivot, row in zip(pivots, rows, strict=True):
            N[pivot, k] = -row[j]
    return N


def column(entries: Iterable[Fraction]) -> fmpq_mat:
    """Return the entries as a matrix of one column."""
    return fmpq_mat([[fmpq(entry.numerator, entry.denominator)] for entry in entries])


def rational(value: float) -> fmpq:
    """Return the double or float32 as the rational that it is."""
    return fmpq(*float(value).as_integer_ratio())


def _integers(values: Array) -> tuple[list[int], fmpq]:
    """Return integers of greatest common divisor 1 and the unit that makes them the values."""
    ratios = [float(value).as_integer_ratio() for value in values]
    denominator = max(q for _, q in ratios)  # all are powers of two
    numerators = [p * (denominator // q) for p, q in ratios]
    divisor = math.gcd(*numerators) or 1
    return [numerator // divisor for numerator in numerators], fmpq(divisor, denominator)


def _fractions(vector: fmpq_mat) -> Rational:
    return [Fraction(int(entry.p), int(entry.q)) for entry in vector.entries()]

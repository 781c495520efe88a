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
    return _fractions((gram * v - right) * fmpq(2, problem.n))


@dataclass(frozen=True)
class ExactSolution:
    """The minimiser of f of least 2-norm, in exact rationals, and the exact rank of X."""

    w: Rational
    rank: int


def exact_solution(problem: LeastSquares) -> ExactSolution:
    """Return the minimiser of least norm in exact rationals.

    At alpha > 0 or full column rank it solves (XᵀX + alpha I) w = Xᵀy. Else X = C F with C the
    pivot columns of X and F its reduced row echelon form, which is that of XᵀX too, both of full
    rank r, and w = Fᵀ(FFᵀ)⁻¹(CᵀC)⁻¹Cᵀy (A. Ben-Israel, T. N. E. Greville, Generalized Inverses,
    2nd ed., section 1.6).

    Cost: that of `normal_equations`, and elimination on p x p.
    """
    gram, right, _ = normal_equations(problem, alpha=False)
    rank = gram.rank()
    if problem.alpha:
        gram, right, _ = normal_equations(problem)
    elif rank < problem.p:
        return ExactSolution(_fractions(_least_norm(gram, right, rank)), rank)
    return ExactSolution(_fractions(gram.solve(right)), rank)


def normal_equations(
    problem: LeastSquares, *, alpha: bool = True
) -> tuple[fmpq_mat, fmpq_mat, fmpq]:
    """Return XᵀX + alpha I, Xᵀy and yᵀy, (p, p), (p, 1) and a number; the penalty if ``alpha``.

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
    gram = fmpq_mat([row[:p] for row in whole[:p]])
    if alpha:
        for j in range(p):
            gram[j, j] += rational(problem.alpha)
    return gram, fmpq_mat([row[p:] for row in whole[:p]]), whole[p][p]


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


def _least_norm(gram: fmpq_mat, right: fmpq_mat, rank: int) -> fmpq_mat:
    rows = gram.rref()[0].table()[:rank]
    pivots = [next(j for j, entry in enumerate(row) if entry) for row in rows]
    if not pivots:
        return fmpq_mat(gram.ncols(), 1)
    F, G, b = fmpq_mat(rows), gram.table(), right.table()
    z = fmpq_mat([[G[i][j] for j in pivots] for i in pivots]).solve(
        fmpq_mat([b[i] for i in pivots])
    )
    return F.transpose() * (F * F.transpose()).solve(z)


def _fractions(vector: fmpq_mat) -> Rational:
    return [Fraction(int(entry.p), int(entry.q)) for entry in vector.entries()]

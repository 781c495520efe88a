"""Digits: the forward error against exact rationals or certified figures."""

import math
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from kernels import Array, LeastSquares
from suites.judge.errors import unit_roundoff
from suites.judge.exact import (
    ExactSolution,
    Rational,
    column,
    normal_equations,
    penalised,
    rational,
)


def solution_ratio(problem: LeastSquares, w: Array, exact: ExactSolution) -> float:
    """Return max_j |w_j - exact_j| / (u B_j); below 30 is right. Full column rank, or alpha > 0.

        B_j = |X⁺_j| ( |y| + Σ_k |a_k||w_k| ) + Σ_k |G_jk||a_k||r|,   G = (XᵀX)⁻¹

    is how far column by column perturbations of relative size u can move the solution
    (Higham, same book, section 20.1). Where alpha > 0, X stands for [X; sqrt(alpha) I]. G is
    exact, and the numbers made of it may be of any size: they are FLINT's, not doubles.
    """
    if not all(map(math.isfinite, w)):
        return math.inf
    gram, right, square = normal_equations(problem)
    gram = penalised(gram, problem.alpha)
    v, G = column(exact.w), gram.inv()
    norms = [arb(gram[k, k]).sqrt() for k in range(problem.p)]
    r = arb(square - (right.transpose() * v)[0, 0]).sqrt()  # |Xw - y|² = |y|² - wᵀXᵀy, exactly
    size = arb(square).sqrt() + _dot(norms, v.entries())
    ratio = 0.0
    for j, row in enumerate(G.table()):
        error = arb(abs(rational(w[j]) - v[j, 0]))
        bound = arb(row[j]).sqrt() * size + _dot(norms, row) * r
        if not error.is_zero():
            ratio = max(ratio, math.inf if bound.is_zero() else float(error / bound))
    return ratio / unit_roundoff(problem.dtype)


def _dot(norms: list[arb], entries: list[fmpq]) -> arb:
    """Return Σ_k |a_k||e_k|."""
    return sum((a * abs(arb(e)) for a, e in zip(norms, entries, strict=True)), arb(0))


def log_relative_error(w: Array, certified: Rational) -> float:
    """Return the digits of w that agree with the certified ones: min_j -log10 |w_j - c_j|/|c_j|.

    Between 0 and 15, as the certified figures are printed to 15 digits.
    """
    digits = 15.0
    for computed, exact in zip(w, certified, strict=True):
        if not math.isfinite(computed):
            return 0.0
        error = abs(Fraction(float(computed)) - exact) / abs(exact)
        if error:
            digits = min(digits, -math.log10(error))
    return max(0.0, digits)


def normwise_digits(w: Array, exact: Array) -> float:
    """Return -log10 of |w - exact| / |exact|, between 0 and 16."""
    distance = float(np.linalg.norm(w - exact) / np.linalg.norm(exact))
    if not math.isfinite(distance):
        return 0.0
    return min(16.0, max(0.0, -math.log10(distance))) if distance else 16.0

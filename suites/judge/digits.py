"""Digits: the forward error against exact rationals or certified figures."""

import math
from fractions import Fraction

import numpy as np

from kernels import Array, LeastSquares
from suites.judge.errors import unit_roundoff
from suites.judge.exact import ExactSolution, Rational, _dot, _gram, _rationals, _solve


def solution_ratio(problem: LeastSquares, w: Array, exact: ExactSolution) -> float:
    """Return max_j |w_j - exact_j| / (u B_j); below 30 is right. Full column rank, or alpha > 0.

        B_j = |X⁺_j| ( |y| + Σ_k |a_k||w_k| ) + Σ_k |G_jk||a_k||r|,   G = (XᵀX)⁻¹

    is how far column by column perturbations of relative size u can move the solution
    (Higham, same book, section 20.1). Where alpha > 0, X stands for [X; sqrt(alpha) I]. For small
    problems: G is formed in exact rationals.
    """
    X, y = _rationals(problem)
    columns = [list(column) for column in zip(*X, strict=True)]
    gram = _gram(columns)
    for k, row in enumerate(gram):
        row[k] += Fraction(problem.alpha)
    p = problem.p
    identity = [[Fraction(int(i == j)) for j in range(p)] for i in range(p)]
    G = np.array([[float(g) for g in _solve(gram, e)] for e in identity])
    norms = np.array([math.sqrt(gram[k][k]) for k in range(p)])
    r = [_dot(row, exact.w) - target for row, target in zip(X, y, strict=True)]
    r_norm = math.sqrt(_dot(r, r) + Fraction(problem.alpha) * _dot(exact.w, exact.w))
    size = math.sqrt(_dot(y, y)) + float(norms @ np.abs([float(c) for c in exact.w]))
    bound = np.sqrt(np.diag(G)) * size + np.abs(G) @ norms * r_norm
    error = _distance(w, exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0.0, error / (unit_roundoff(problem.dtype) * bound))
    return float(np.max(ratio))


def _distance(w: Array, exact: ExactSolution) -> Array:
    if not np.isfinite(w).all():
        return np.full(len(w), np.inf)
    return np.array([float(abs(Fraction(float(a)) - b)) for a, b in zip(w, exact.w, strict=True)])


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

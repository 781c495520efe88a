"""Conjugate gradients for least squares, compiled whole, with a certificate."""

from typing import Any

import numpy as np

from kernels.one_pass.compile import compiled
from kernels.problem import Array

_TOLERANCE = 10 * 2.0**-53
_PATIENCE = 100  # iterations


@compiled
def conjugate_gradients(Z: Array, b: Array, limit: int) -> Any:
    """Minimise |Zz - b| from z = 0 in the form CGLS; return z, the iterations, and a certificate.

    M. R. Hestenes and E. Stiefel, J. Res. Nat. Bur. Standards 49 (1952), section 10. The residual r
    is carried along, not ZᵀZz, so the condition number enters once.

    Write s = Zᵀr for the gradient of the residual carried along, and e for the difference between r
    and b - Zz computed afresh. The certificate, True or False, says that

        |e| <= 10 u S    and    ( |s_k| <= 10 u |a_k||r| for every k   or   |r| <= 10 u S )

    with a_k column k of Z and S = |b| + Σ|a_k||z_k|. Then z is exact for data that differ from
    Z and b by at most 10 u |Z|_F in the first case, 14 u in the second, and as much again for e.
    It also ends, without one, after p + 100 iterations that have not halved the least |s|² so far,
    with the z of that one: what is left is rounding, and along the null space of Z it grows.
    Two reads of Z an iteration.
    """
    n, p = Z.shape
    columns = np.zeros(p)
    for i in range(n):
        for j in range(p):
            columns[j] += Z[i, j] * Z[i, j]
    columns = np.sqrt(columns)
    b_norm = np.sqrt(np.dot(b, b))
    z = np.zeros(p)
    r = b.copy()
    s = np.dot(Z.T, r)
    direction = s.copy()
    gamma = np.dot(s, s)
    least, patience, best = gamma, p + _PATIENCE, z.copy()
    for iteration in range(limit + 1):
        r_norm = np.sqrt(np.dot(r, r))
        size = _TOLERANCE * (b_norm + np.dot(columns, np.abs(z)))
        if r_norm <= size or np.all(np.abs(s) <= _TOLERANCE * columns * r_norm):
            drift = r - (b - np.dot(Z, z))
            return z, iteration, np.sqrt(np.dot(drift, drift)) <= size
        if gamma <= least / 2:
            least, patience, best = gamma, p + _PATIENCE, z.copy()
        patience -= 1
        if iteration == limit or patience == 0:
            break
        q = np.dot(Z, direction)
        curvature = np.dot(q, q)
        if not curvature > 0:
            break
        step = gamma / curvature
        z += step * direction
        r -= step * q
        s = np.dot(Z.T, r)
        previous, gamma = gamma, np.dot(s, s)
        direction = s + (gamma / previous) * direction
    return best, iteration, False

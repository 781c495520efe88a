"""The smallest change of a problem for which an answer to it is exact."""

import math

import numpy as np

from kernels.problem import Array


def backward_error(
    squares: Array, rotated: Array, r_norm: float, z_norm: float, b_norm: float
) -> float:
    """Return η(z) / |Z|_F, of what is known of z: right is a modest multiple of u.

    η is the smallest change of Z and b, in Frobenius norm relative to theirs, for which z is an
    exact least squares solution, within a factor of sqrt(2). With Z = U diag(σ) Vᵀ, r = b - Zz,
    θ = |Z|_F / |b| (1 where b = 0), ω = θ / sqrt(1 + θ²|z|²),

        η(z) = ω | (σ² + ω²|r|²)^(-1/2) VᵀZᵀr |

    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 20.7).
    ``squares`` are the σ², ``rotated`` is VᵀZᵀr.
    """
    size = math.sqrt(float(squares.sum()))
    theta = size / b_norm if b_norm else 1.0
    omega = theta / math.hypot(1, theta * z_norm)
    some = rotated != 0
    damped = rotated[some] / np.sqrt(squares[some] + (omega * r_norm) ** 2)
    return omega * float(np.linalg.norm(damped)) / size

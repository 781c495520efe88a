"""Arithmetic in twice the working precision, vectorised.

A number is an unevaluated sum hi + lo of two float64 arrays, |lo| <= u|hi|. Error-free
transformations: T. J. Dekker, Numer. Math. 18 (1971); T. Ogita, S. M. Rump, S. Oishi, Accurate
sum and dot product, SIAM J. Sci. Comput. 26 (2005), algorithms 3.1 to 3.3 and 5.3. Inputs
are scaled by the caller so that nothing overflows.
"""

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Twofold = tuple[Float64, Float64]

# Of X at a time: temporaries of so many stay in cache, and below the 128 KiB that malloc maps anew
# each time where it is told to give back what it can, as it is in Dask's workers.
ENTRIES = 16_000
_SPLIT = 134217729.0  # 2²⁷ + 1


def two_sum(a: Float64, b: Float64) -> Twofold:
    """Return s, e with s = fl(a + b) and s + e = a + b exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Float64, b: Float64) -> Twofold:
    """Return q, e with q = fl(ab) and q + e = ab exactly."""
    q = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return q, ((a_high * b_high - q) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: Float64) -> Twofold:
    t = _SPLIT * a
    high = t - (t - a)
    return high, a - high


def add(a: Twofold, b: Twofold) -> Twofold:
    """Return a + b."""
    s, e = two_sum(a[0], b[0])
    return two_sum(s, e + (a[1] + b[1]))


def multiply(a: Twofold, b: Twofold) -> Twofold:
    """Return a * b."""
    q, e = two_product(a[0], b[0])
    return two_sum(q, e + (a[0] * b[1] + a[1] * b[0]))


def total(a: Twofold) -> Twofold:
    """Return the sum over the first axis, by halves: about 2 u² log2(n) relative to Σ|a|."""
    high, low = a
    while len(high) > 1:
        half = len(high) // 2
        odd = high[2 * half :], low[2 * half :]
        s, e = two_sum(high[:half], high[half : 2 * half])
        e += low[:half] + low[half : 2 * half]
        high, low = np.concatenate([s, odd[0]]), np.concatenate([e, odd[1]])
    return two_sum(high[0], low[0])

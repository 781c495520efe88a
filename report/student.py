"""Student's t, as an interval of a few figures and as the model of errors with heavy tails."""

import math
from functools import cache
from itertools import pairwise
from statistics import stdev

# Quantiles at 99.5 % for 1, 2, ... degrees of freedom: M. Abramowitz and I. A. Stegun, Handbook of
# Mathematical Functions, table 26.10. The last serves for more: it is a little large there.
_QUANTILES = (63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169)


def half_width(values: list[float]) -> float:
    """Return half the width of the 99 % interval of the mean of two values or more."""
    freedom = len(values) - 1
    quantile = _QUANTILES[min(freedom, len(_QUANTILES)) - 1]
    return quantile * stdev(values) / math.sqrt(len(values))


def upper_tail(x: float) -> float:
    """Return the probability that an error is above x, in units of its scale.

    Errors are taken to have Student's distribution with four degrees of freedom: nine in ten are
    within 2.13, one in a thousand is beyond 8.6, one in a million beyond 49. With s = x / sqrt(4 +
    x²) it is (1 - s)² (2 + s) / 4 (Abramowitz and Stegun, 26.7.4).
    """
    s = x / math.sqrt(4 + x * x)
    short = 4 / (4 + x * x) / (1 + s) if x > 0 else 1 - s  # 1 - s, without cancellation
    return short * short * (2 + s) / 4


def third(count: int) -> int:
    """Return the place of the lower third in order, from 0: the least of up to three."""
    return (count - 1) // 3


def _lower_third_above(count: int, x: float) -> float:
    """Return the probability that the lower third of errors is above x: two thirds of them are."""
    tail, below = upper_tail(x), upper_tail(-x)
    needed = count - third(count)
    return math.fsum(
        math.comb(count, k) * tail**k * below ** (count - k) for k in range(needed, count + 1)
    )


def chance(gap: float, before: int, after: int) -> float:
    """Return the probability that two sets of errors are this far apart in their thirds.

    With the lower third of those ``after`` and the upper one of those ``before``, it is that of
    the first being above the second by ``gap``: the integral over x of P(lower > x + gap)
    dP(upper < x), the errors being independent (H. A. David and H. N. Nagaraja, Order Statistics,
    3rd ed., section 2.1).
    """
    found = []
    for left, right in pairwise(_GRID):
        # The upper third is below x as often as the lower one is above -x.
        weight = _lower_third_above(before, -right) - _lower_third_above(before, -left)
        found.append(_lower_third_above(after, (left + right) / 2 + gap) * weight)
    return math.fsum(found)


_GRID = [math.sinh(k / 16) for k in range(-112, 113)]  # from -550 to 550, dense about 0


@cache
def critical(before: int, after: int, level: float) -> float:
    """Return the gap that has this chance, in units of the scale of an error."""
    low, high = 0.0, 1.0
    while chance(high, before, after) > level:
        low, high = high, 2 * high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle, before, after) > level else (low, middle)
    return high

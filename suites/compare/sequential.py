"""Is the one slower than the other? A test of paired processes that may be looked at at any time.

Pure: seconds in, verdicts out. `make compare`, its trials and its tests go through this alone.

**Evidence.** A pair is two processes, one of the base and one of the head, which of them first by
a coin: A B, B A, B A, A B. The log of the ratio of their seconds,

    D = log b - log a,

is one number. Processes are not independent of each other: the machine drifts, others use it. What
makes the test valid is the coin. Where head and base differ by a factor exp(μ) and by nothing
else, whatever the machine does meets D - μ with either sign alike: given |D - μ| and all the past,
its sign is a fair coin's, with no assumption about independence, spread, tails or drift. A fixed
order, A B B A, takes a drift out of a block of four, but is fair only if nothing that lasts two
processes or more meets them; and a block would count once where its two pairs count twice.

**The test** of "the location of D is at most m". With x_i = D_i - m and, for several h,

    E_h = Π_i ( 1 + c tanh(x_i / h) ),    c = 0.9,

each factor has mean 1 over a fair sign, as tanh is odd, and at most 1 where plus is less likely:
E_h is a nonnegative supermartingale, so is the mean E over the h, and the probability that E ever
reaches 1/level is at most level (J. Ville, Étude critique de la notion de collectif, 1939). So it
may be looked at after every pair. For normal D of mean μ and spread s the likelihood ratio of the
sign, given |x|, is that of c = 1 and h = s²/μ; for h → 0 it is a sign test. c < 1 bounds what a
pair that was disturbed takes away, and no pair counts more than a factor of 1.9, so that no
verdict comes from fewer than log(1/level) / log 1.9. Betting against symmetry: A. Ramdas, J. Ruf,
M. Larsson, W. Koolen, Admissible anytime-valid sequential inference must rely on nonnegative
martingales (arXiv:2009.03167).

Each factor falls with m, so what is rejected neither from below, nor by the same test of -D from
above, is an interval: a confidence sequence, right at all looks at once.

**δ**, within which two figures are called equal, is at least 2 %, and at least what the cell
differs from itself in this run. P = log a_i - log a_(i-1), and the same of b, are differences of
the cell from itself; a comparison of it with itself in n pairs would end up to two standard errors
from zero,

    δ = max(log 1.02, 2 · 1.48 median|P| / sqrt(n)).

What P cannot show is a difference between two builds of one source; for these there are the 2 %.

**Verdicts.** An interval wholly above δ: slower; below -δ: faster; inside: equal; else undecided.
The level, 5 %, is shared out equally among the cells and their two sides. A difference is
confirmed before it is told: the pairs that come after are a test of their own, at 5 %, against the
δ of the first. So what was chance at first is told in one of twenty of those cases.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

LEVEL = 0.05  # the probability of a wrong claim, one or more, among all cells
CONFIRMATION = 0.05
LEAST_DELTA = math.log(1.02)

_C = 0.9
_SCALES = 0.01, 0.05, 0.2  # h
_MAD = 1.4826  # of a normal distribution, its spread over its median magnitude
_PRECISION = 1e-5

Verdict = Literal["slower", "faster", "equal", "undecided"]


def evidence_above(differences: Sequence[float], m: float) -> float:
    """Return log E, the evidence against "the location is at most m"."""
    logs = [sum(math.log1p(_C * math.tanh((d - m) / h)) for d in differences) for h in _SCALES]
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))


def is_above(differences: Sequence[float], m: float, level: float) -> bool:
    """Return whether "the location is at most m" is rejected at the level."""
    return evidence_above(differences, m) >= math.log(1 / level)


def lower_bound(differences: Sequence[float], level: float) -> float:
    """Return the largest m that the location `is_above`; -inf where there is none."""
    if len(differences) * math.log1p(_C) <= math.log(1 / level):
        return -math.inf
    low, high = min(differences), max(differences)
    step = 0.01
    # Far below all differences every factor is 1 + c.
    while not is_above(differences, low, level):
        low, step = low - step, 2 * step
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if is_above(differences, middle, level):
            low = middle
        else:
            high = middle
    return low


def interval(differences: Sequence[float], level: float) -> tuple[float, float]:
    """Return the confidence sequence of the location, each side at half the level."""
    upper = -lower_bound([-d for d in differences], level / 2)
    return lower_bound(differences, level / 2), upper


@dataclass
class Evidence:
    """What is known of one cell of a comparison, pair by pair; all in logarithms."""

    level: float  # of this cell, both sides together
    base: list[float] = field(default_factory=list)
    head: list[float] = field(default_factory=list)
    verdict: Verdict = "undecided"
    _suspected: Verdict = "undecided"
    _since: int = 0
    _delta: float = 0.0  # of a verdict, or of a suspicion

    def add(self, base: float, head: float) -> None:
        """Take in the seconds of a pair, the two processes in an order that a coin has drawn."""
        self.base.append(math.log(base))
        self.head.append(math.log(head))
        if self._suspected == "undecided":
            self._look()
        else:
            self._confirm()

    @property
    def differences(self) -> list[float]:
        return [b - a for a, b in zip(self.base, self.head, strict=True)]

    @property
    def location(self) -> float:
        """The median of the differences: log of the ratio of head and base."""
        return statistics.median(self.differences) if self.base else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return interval(self.differences, self.level)

    @property
    def delta(self) -> float:
        return self._delta or self._delta_now()

    def _delta_now(self) -> float:
        own = [abs(x - y) for side in (self.base, self.head) for x, y in pairwise(side)]
        if not own:
            return LEAST_DELTA
        return max(LEAST_DELTA, 2 * _MAD * statistics.median(own) / math.sqrt(len(self.base)))

    def _look(self) -> None:
        delta, level, above = self._delta_now(), self.level / 2, self.differences
        below = [-d for d in above]
        if is_above(above, -delta, level) and is_above(below, -delta, level):
            self.verdict, self._delta = "equal", delta
            return
        sides: list[tuple[Verdict, list[float]]] = [("slower", above), ("faster", below)]
        for verdict, signed in sides:
            if is_above(signed, delta, level):
                self._suspected = verdict
                self._since, self._delta = len(above), delta

    def _confirm(self) -> None:
        sign = 1 if self._suspected == "slower" else -1
        fresh = [sign * d for d in self.differences[self._since :]]
        if is_above(fresh, self._delta, CONFIRMATION):
            self.verdict = self._suspected


class Comparison:
    """The cells of a comparison by name; the error of all of them together is `LEVEL`."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.cells = {cell: Evidence(LEVEL / len(cells)) for cell in cells}

    def open(self) -> list[str]:
        """Return the cells that more pairs may decide."""
        return [name for name, cell in self.cells.items() if cell.verdict == "undecided"]

"""Is the one slower than the other? A test of paired processes that may be looked at at any time.

Pure: seconds in, verdicts out; `make compare`, its trials and its tests go through this alone.

**Evidence.** A block is four processes, A B B A or B A A B by a coin, a of the base and b of the
head. Its difference, in which a linear drift cancels,

    D = (log b₁ + log b₂ - log a₁ - log a₂) / 2

is one number. The processes of a block are not independent of each other, nor are those of the
next block: the machine drifts, and others use it. What makes the test valid is the coin. Where head
and base differ by a factor exp(μ) and by nothing else, whatever the machine does meets D - μ with
either sign alike: given |D - μ| and all the past, its sign is a fair coin's, with no assumption
about independence, spread or tails.

**The test** of "the location is at most m". With x_i = D_i - m, for any h > 0,

    E_h = Π_i 2 / (1 + exp(-2 x_i / h))

has factors whose mean over a fair sign is 1, as 1/(1 + e^-t) + 1/(1 + e^t) = 1, and at most 1 where
the sign is less likely to be plus: E_h is a nonnegative supermartingale, so is the mean E over
several h, and E ever reaches 1/level with a probability of at most level (J. Ville, Étude critique
de la notion de collectif, 1939). So it may be looked at after every block. For h → 0 it is the sign
test; for normal D of spread s and mean μ the best is h = s²/μ (there the factor is the likelihood
ratio, given |x|), and the h below lie around those of spreads from 1 to 30 % and of differences
from 2 to 20 %. Betting on symmetry: A. Ramdas, J. Ruf, M. Larsson, W. Koolen, Admissible
anytime-valid sequential inference must rely on nonnegative martingales (arXiv:2009.03167, 2020).
No block counts more than a factor of two: an outlier can do no harm, and no verdict is had from
fewer than `log2(1/level)` blocks.

Each factor falls with m, so the m that are not rejected from below, nor by the same test of -D from
above, are an interval: a confidence sequence, which holds at all looks at once.

**δ**, within which two figures are called equal, is at least 2 %, and at least what the cell differs
from itself in this run: the contrast of the same four processes with the labels exchanged

    P = (log a₁ - log a₂ + log b₂ - log b₁) / 2

is a D of the cell against itself, and a comparison of n blocks ends up to two standard errors from
zero, 2 · 1.48 median|P| / sqrt(n). It matters while n is small; what it cannot see is a difference
between two builds of one source, for which there are the 2 %.

**Verdicts.** Of an interval wholly above δ slower, below -δ faster, inside equal, else undecided.
The level, 5 %, is shared out equally among the cells and their two sides. A difference is confirmed
before it is told: the blocks that come after are a test of their own, at 5 %, against the δ of the
first. So one that holds by chance in the first is told with a probability of 0.05 times that.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

LEVEL = 0.05  # the probability of one wrong claim or more, among all cells
CONFIRMATION = 0.05
LEAST_DELTA = math.log(1.02)

_SCALES = 0.005, 0.02, 0.08, 0.32  # h
_MAD = 1.4826  # of a normal distribution, its spread over its median magnitude
_PRECISION = 1e-5

Verdict = Literal["slower", "faster", "equal", "undecided"]
Pair = tuple[float, float]


def e_value(differences: Sequence[float], m: float) -> float:
    """Return the evidence against "the location is at most m"; log of it is at most n log 2."""
    logs = [-sum(_log_share(2 * (d - m) / h) for d in differences) for h in _SCALES]
    top = max(logs)
    total = sum(math.exp(log - top) for log in logs) / len(_SCALES)
    exponent = top + math.log(total)
    return math.exp(min(exponent, 700.0))


def _log_share(t: float) -> float:
    """Return log((1 + exp(-t)) / 2) for any t."""
    return max(-t, 0.0) + math.log1p(math.exp(-abs(t))) - math.log(2)


def lower_bound(differences: Sequence[float], level: float) -> float:
    """Return the largest m such that "at most m" is rejected at the level; -inf where none is."""
    if len(differences) * math.log(2) <= math.log(1 / level):
        return -math.inf
    low, high = min(differences), max(differences)
    step = max(high - low, 0.01)
    # Far below all differences every factor is two.
    while e_value(differences, low) < 1 / level:
        low, step = low - step, 2 * step
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if e_value(differences, middle) < 1 / level:
            high = middle
        else:
            low = middle
    return low


def interval(differences: Sequence[float], level: float) -> Pair:
    """Return the confidence sequence of the location, each side at half the level."""
    low = lower_bound(differences, level / 2)
    return low, -lower_bound([-d for d in differences], level / 2)


@dataclass
class Evidence:
    """What is known of one cell of a comparison, block by block; all in logarithms."""

    level: float  # of this cell, both sides together
    differences: list[float] = field(default_factory=list)
    placebos: list[float] = field(default_factory=list)
    verdict: Verdict = "undecided"
    _suspected: Verdict = "undecided"
    _since: int = 0
    _delta: float = 0.0  # of a verdict, or of a suspicion

    def add(self, base: Pair, head: Pair) -> None:
        """Take in the seconds of a block, each pair in the order in which it ran."""
        (a1, a2), (b1, b2) = ([math.log(seconds) for seconds in pair] for pair in (base, head))
        self.differences.append((b1 + b2 - a1 - a2) / 2)
        self.placebos.append((a1 - a2 + b2 - b1) / 2)
        self._look()

    @property
    def location(self) -> float:
        """The median of the differences: log of the ratio of head and base."""
        return statistics.median(self.differences) if self.differences else math.nan

    @property
    def interval(self) -> Pair:
        return interval(self.differences, self.level)

    @property
    def delta(self) -> float:
        return self._delta or self._delta_now()

    def _delta_now(self) -> float:
        if not self.placebos:
            return LEAST_DELTA
        spread = _MAD * statistics.median(map(abs, self.placebos))
        return max(LEAST_DELTA, 2 * spread / math.sqrt(len(self.placebos)))

    def _look(self) -> None:
        if self._suspected != "undecided":
            self._confirm()
            return
        delta = self._delta_now()
        low, high = self.interval
        if -delta < low and high < delta:
            self.verdict, self._delta = "equal", delta
        elif low > delta or high < -delta:
            self._suspected = "slower" if low > delta else "faster"
            self._since, self._delta = len(self.differences), delta

    def _confirm(self) -> None:
        sign = 1 if self._suspected == "slower" else -1
        fresh = [sign * d for d in self.differences[self._since :]]
        if lower_bound(fresh, CONFIRMATION) > self._delta:
            self.verdict = self._suspected


class Comparison:
    """The cells of a comparison by name; the error of all of them together is `LEVEL`."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.cells = {cell: Evidence(LEVEL / len(cells)) for cell in cells}

    def open(self) -> list[str]:
        """Return the cells that more blocks may decide."""
        return [name for name, cell in self.cells.items() if cell.verdict == "undecided"]

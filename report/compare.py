"""Whether a figure changed from one run to another, by more than the machine's own noise."""

from asv._stats import is_different

from report.results import Newest, Parameters, Run
from report.table import SPEEDUP, by_size

_MORE_IS_BETTER = ("speedup", "share", "digits", "scaling")
_P = 0.002  # asv's own threshold
_UNKNOWN = 0.05
_DIGITS = 1.0  # lost or won: less is another order of the same roundings


def aa_noise(runs: list[Run]) -> float:
    """Return how far numpy was from itself, the median over the sizes of the A/A runs."""
    rows = by_size(Newest(runs), SPEEDUP).values()
    cells = [row["numpy"] for row in rows if "numpy" in row and row["numpy"].measured]
    apart = sorted(max(abs(1 - cell.low), abs(cell.high - 1)) for cell in cells)
    return apart[len(apart) // 2] if apart else _UNKNOWN


def change(before: Run, after: Run, benchmark: str, key: Parameters, noise: float) -> float | None:
    """Return by what factor a figure is worse (above 1) or better, or None for no change.

    A change is one where the samples differ by the Mann-Whitney test (p < 0.002; where too few
    were taken, where the intervals are apart) and the medians by more than the noise. Digits are
    not sampled: there it is a digit or more, and the factor is that of the error.
    """
    old, new = before.cells(benchmark).get(key), after.cells(benchmark).get(key)
    if old is None or new is None or old.measured is None or new.measured is None:
        return None
    if "digits" in benchmark:
        lost = old.measured - new.measured
        return 10**lost if abs(lost) >= _DIGITS else None
    if not old.measured or not new.measured:
        return None
    worse = new.measured / old.measured
    if any(word in benchmark for word in _MORE_IS_BETTER):
        worse = 1 / worse
    if max(worse, 1 / worse) <= 1 + noise:
        return None
    samples = [run.samples(benchmark).get(key) or None for run in (before, after)]
    stats = [{"ci_99_a": cell.low, "ci_99_b": cell.high} for cell in (old, new)]
    return worse if is_different(*samples, *stats, p_threshold=_P) else None

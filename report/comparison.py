"""What is compared with what, and when a difference counts. Each is defined here and only here.

A *noise* is a relative difference of figures that are the same, as a share of 1: 0.03 is 3 %. None
is a noise that is not known. It is no noise of 0 and no infinite one: what depends on it is then
decided by the intervals alone.
"""

import math
from statistics import median_high

from report.results import Cell, Newest, Record
from report.ways import REFERENCE, factored

Row = dict[str, Cell]  # by way
Sizes = dict[tuple[int, int], Row]  # by n and p

TOLD = 1.25  # a factor that is to be told


def by_size(source: Record | Newest, benchmark: str) -> Sizes:
    """Return the cells of a benchmark of (way, n, p) as rows of ways, by size, p first."""
    sizes: Sizes = {}
    for (way, n, p), cell in source.cells(benchmark).items():
        sizes.setdefault((int(n), int(p)), {})[way] = cell
    return dict(sorted(sizes.items(), key=lambda item: (item[0][1], item[0][0])))


def reading_X(row: Row) -> Row:
    """Return the ways that read X for each gradient: those that are not factored."""
    return {way: cell for way, cell in row.items() if way not in factored()}


def noise(itself: Cell | None) -> float | None:
    """Return the noise that an A/A run shows: how far from 1 the interval of its ratio reaches.

    ``itself`` is the speed-up of numpy over numpy, two calls of one way that are timed as two ways
    are. With [low, high] the interval of the ratio, in a record that between processes, the noise
    is max(|1 - low|, |high - 1|).
    """
    if itself is None or itself.measured is None or itself.interval is None:
        return None
    low, high = itself.interval
    return max(abs(1 - low), abs(high - 1))


def noises(speedups: Sizes) -> list[float]:
    """Return the noise of each size at which it is known, the least first."""
    every = [noise(row.get(REFERENCE)) for row in speedups.values()]
    return sorted(value for value in every if value is not None)


def noise_in_words(speedups: Sizes) -> str:
    """Return the noise of a machine in one line, over all sizes, and what it rests on."""
    itself = [row[REFERENCE] for row in speedups.values() if REFERENCE in row]
    counts = sorted({cell.processes for cell in itself if cell.processes and cell.measured})
    of = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else "".join(map(str, counts))
    resting = f", of {of} process{'es' * (of != '1')} a size" if counts else ""
    known = noises(speedups)
    if not known:
        return f"Noise (numpy against itself): unknown{resting}."
    median, worst = median_high(known), known[-1]
    return f"Noise (numpy against itself): median {median:.1%}, worst {worst:.1%}{resting}."


def too_noisy(speedups: Sizes) -> str:
    """Return a line where the noise is too high to tell a way from another, "" where it is not.

    That is where at half of the sizes two ways a factor of `TOLD` apart would tie.
    """
    known = noises(speedups)
    if not known or is_beyond(TOLD, median_high(known)):
        return ""
    return (
        f"NOISY: the same call differs by {median_high(known):.0%} from process to process: no way"
        " can be told\nfrom another here. Run again on an idle machine."
    )


def is_beyond(ratio: float, noise: float | None) -> bool:
    """Return whether two figures of this ratio, or its inverse, are further apart than the noise.

    Where the noise is not known it excuses nothing.
    """
    return max(ratio, 1 / ratio) > 1 + (noise or 0.0)


def is_tie(a: Cell, b: Cell, noise: float | None) -> bool:
    """Return whether two figures above 0 tie: their intervals, widened by the noise, overlap.

    An interval that is not known is the figure itself.
    """
    slack = 1 + (noise or 0.0)
    (low, high), (other_low, other_high) = _interval(a), _interval(b)
    return low <= other_high * slack and other_low <= high * slack


def _interval(cell: Cell) -> tuple[float, float]:
    return cell.interval or (cell.value or math.nan, cell.value or math.nan)


def leaders(speedups: Row) -> tuple[list[str], float | None]:
    """Return the ways that no other beats, and the margin over the next if there is only one.

    Compared are speed-ups over numpy, each measured interleaved with numpy in one process; times
    of separate processes drift apart. The leaders are the way of the largest speed-up and those
    that tie with it, by the noise of this size. A wrong way is never among them.
    """
    measured = {way: cell for way, cell in speedups.items() if cell.measured}
    if not measured:
        return [], None
    best = max(measured, key=lambda way: measured[way].value or 0)
    slack = noise(measured.get(REFERENCE))
    tied = [way for way, cell in measured.items() if is_tie(measured[best], cell, slack)]
    margins = [_ratio(measured[best], cell) for way, cell in measured.items() if way != best]
    return tied, min(margins) if margins and len(tied) == 1 else None


def _ratio(a: Cell, b: Cell) -> float:
    return (a.value or math.nan) / (b.value or math.nan)

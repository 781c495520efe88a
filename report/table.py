"""The tables that end `make bench`: for each size the four times and the fastest correct way.

python -m report.table MACHINE COMMIT
"""

import math
import sys

from tabulate import tabulate

from report.autograd import breakdown
from report.descent import winners
from report.results import LIBRARIES, Cell, Newest, Run, runs, shown

_TIME = "gradient.Gradient.time_gradient"
SPEEDUP = "gradient.Gradient.track_speedup_over_numpy"
_PREPARE = "gradient.Preparation.time_prepare"
_FACTORED = "scipy"  # the way whose gradient does not read X

Row = dict[str, Cell]  # by way
Table = dict[tuple[int, int], Row]  # by n and p


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print("usage: python -m report.table MACHINE COMMIT [FOLDER]", file=sys.stderr)
        return 2
    found = list(runs(*arguments))
    if not found:
        print(f"no results of commit {arguments[1]} on {arguments[0]}", file=sys.stderr)
        return 2
    for run in found:
        print(summary(run))
    return 0


def summary(run: Run) -> str:
    """Return all that is shown of a run, at most 80 columns wide; suites not run are left out."""
    parts = [heading(run), *_gradients(run), winners(run), breakdown(run)]
    if failed := run.failures():
        parts.append("FAILED, never counted as fast:\n  " + "\n  ".join(failed))
    return "\n\n".join(part for part in parts if part) + "\n"


def _gradients(run: Run) -> list[str]:
    """Return the tables of the suite `gradient`, and what its marks mean."""
    times, speedups = by_size(run, _TIME), by_size(run, SPEEDUP)
    preparations = by_size(run, _PREPARE)
    if not times:
        return []
    gradients = [
        [*size, *map(shown, row.values()), fastest(ratios), fastest(reading_X(ratios))]
        for size, row in times.items()
        if _was_run(row)
        for ratios in [speedups.get(size, {})]
    ]
    prepared = [
        [*size, *map(shown, row.values()), pays_after(row, times.get(size, {}))]
        for size, row in preparations.items()
        if _was_run(row)
    ]
    ways = list(next(iter(times.values())))
    return [
        "One gradient, once prepared (median; float64, all cores)\n"
        + _grid(["n", "p", *ways, "fastest", "reading X"], gradients),
        "Preparation, once for each X, and after how many gradients it has paid\n"
        + _grid(["n", "p", *ways, f"{_FACTORED} pays after"], prepared),
        "fastest: with its margin over the next; reading X: the same among the ways that\n"
        "do not factor X. From speed-ups over numpy, interleaved in one process; = marks\n"
        "a tie, within the intervals or within the noise of numpy against itself.\n"
        + noise(speedups),
    ]


def heading(run: Run) -> str:
    here = run.environment
    versions = ", ".join(f"{name} {here[name]}" for name in LIBRARIES)
    return (
        f"commit {run.commit[:8]} on {here['cpu']}, {here['num_cpu']} cores, {here['ram']}\n"
        f"Python {here['python']}, {versions}"
    )


def by_size(run: Run | Newest, benchmark: str) -> Table:
    """Return a benchmark's cells as rows of ways, by size, p first."""
    table: Table = {}
    for (way, n, p), cell in run.cells(benchmark).items():
        table.setdefault((int(n), int(p)), {})[way] = cell
    return dict(sorted(table.items(), key=lambda item: (item[0][1], item[0][0])))


def fastest(speedups: Row) -> str:
    """Return the fastest correct way and its margin over the next, or the ways that tie for it."""
    ways, margin = leaders(speedups)
    if len(ways) != 1 or margin is None:
        return " = ".join(ways)
    return f"{ways[0]} {margin:.{1 if margin < 10 else 0}f}x"


def leaders(speedups: Row) -> tuple[list[str], float | None]:
    """Return the ways that no other beats, and the margin over the next if there is only one.

    Compared are speed-ups over numpy, each measured interleaved with numpy in one process;
    times of separate processes drift apart. Two ways tie where the intervals of their medians
    overlap, or where they are no further apart than numpy was from itself.
    """
    measured = {way: cell for way, cell in speedups.items() if cell.measured}
    if not measured:
        return [], None
    best = max(measured, key=lambda way: measured[way].value or 0)
    slack = 1 + _deviation(measured.get("numpy"))
    tied = [
        way
        for way, cell in measured.items()
        if cell.high >= measured[best].low or _ratio(measured[best], cell) <= slack
    ]
    margins = [_ratio(measured[best], cell) for way, cell in measured.items() if way != best]
    return tied, min(margins) if margins and len(tied) == 1 else None


def pays_after(preparation: Row, times: Row) -> str:
    """Return the number of gradients after which the factorisation has paid for itself."""
    factored, prepared = times.get(_FACTORED), preparation.get(_FACTORED)
    others = [cell.measured for cell in reading_X(times).values() if cell.measured]
    if not (others and factored and factored.measured and prepared and prepared.measured):
        return ""
    gain = min(others) - factored.measured
    return f"{math.ceil(prepared.measured / gain):,}" if gain > 0 else "never"


def noise(speedups: Table) -> str:
    """Return the noise of the machine in one line: numpy against itself, over all sizes."""
    deviations = [_deviation(row.get("numpy")) for row in speedups.values()]
    known = sorted(value for value in deviations if value)
    if not known:
        return "Noise: not measured."
    median = known[len(known) // 2]
    return f"Noise (A/A, numpy against itself): median {median:.1%}, worst {known[-1]:.1%}."


def _was_run(row: Row) -> bool:
    return any(cell.measured or cell.value is None for cell in row.values())


def reading_X(row: Row) -> Row:
    """Return the ways that read X for each gradient."""
    return {way: cell for way, cell in row.items() if way != _FACTORED}


def _deviation(numpy: Cell | None) -> float:
    """Return how far from 1 the interval of the A/A run reaches, 0 where it is not known."""
    if numpy is None or not numpy.measured or math.isinf(numpy.low):
        return 0.0
    return max(abs(1 - numpy.low), abs(numpy.high - 1))


def _ratio(best: Cell, other: Cell) -> float:
    return (best.value or math.nan) / (other.value or math.nan)


def _grid(headers: list[str], rows: list[list[object]]) -> str:
    rows = [[f"{n:,}", *rest] for n, *rest in rows]
    align = ["left" if header.startswith(("fastest", "reading")) else "right" for header in headers]
    table: str = tabulate(rows, headers, tablefmt="simple", colalign=align, disable_numparse=True)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

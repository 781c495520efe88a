"""For the terminal: the winners, what became slower or less accurate, and what failed.

python -m report.summary [FOLDER]
"""

import sys
from collections.abc import Iterator
from itertools import combinations

from asv._stats import is_different

from report.frames import newest, versions
from report.page import failures
from report.results import FOLDER, Cell, Run, by_machine
from report.table import by_size, heading, leaders, noise, reading_X

_SPEEDUP = "gradient.Gradient.track_speedup_over_numpy"
_MORE_IS_BETTER = ("speedup", "share", "digits", "scaling")
_P = 0.002  # asv's own threshold
_SHOWN = 10


def main(arguments: list[str]) -> int:
    for runs in by_machine(arguments[0] if arguments else FOLDER).values():
        if runs:
            print(summary(runs))
    return 0


def summary(runs: list[Run]) -> str:
    """Return what there is to say of one machine's runs, the oldest first."""
    parts = [heading(runs[-1]), winners(runs), regressions(runs)]
    if failed := failures(runs):
        parts.append("Failed or wrong, never counted as fast\n  " + "\n  ".join(failed))
    return "\n\n".join(parts) + "\n"


def winners(runs: list[Run]) -> str:
    """Return how often each way wins, and with which margins, and the noise beside it."""
    run = newest(runs, _SPEEDUP)
    if run is None:
        return "The ways have not been compared here."
    sizes = by_size(run, _SPEEDUP)
    count = sum(bool(leaders(row)[0]) for row in sizes.values())
    lines = [f"Fastest gradient, of {count} sizes n x p (commit {run.commit[:8]})"]
    for among, table in (
        ("all ways", sizes),
        ("ways that read X", {size: reading_X(row) for size, row in sizes.items()}),
    ):
        wins: dict[str, list[float]] = {}
        for row in table.values():
            ways, margin = leaders(row)
            if ways:
                wins.setdefault(" = ".join(ways), []).append(margin or 1.0)
        lines.append(
            f"  {among}: "
            + ", ".join(
                f"{name} {len(margins)} ({min(margins):.1f}x to {max(margins):,.1f}x)"
                for name, margins in wins.items()
            )
        )
    return "\n".join([*lines, "  " + noise(sizes)])


def regressions(runs: list[Run]) -> str:
    """Return what differs between the last two runs of each benchmark, by more than noise.

    A change counts where the samples differ by the Mann-Whitney test (p < 0.002; where too few
    were taken, where the intervals are apart) and the medians by more than the A/A noise of the
    machine, numpy timed against itself.
    """
    threshold = 1 + aa_noise(runs)
    changed = sorted(_changes(runs, threshold), key=lambda change: -change[0])
    title = f"Worse than the run before, by more than the noise ({threshold - 1:.0%})"
    if not changed:
        return f"{title}\n  nothing"
    lines = [text for _, text in changed[:_SHOWN]]
    if more := len(changed) - _SHOWN:
        lines += [f"  and {more} more"] * (more > 0)
    return "\n".join([title, *lines])


def aa_noise(runs: list[Run]) -> float:
    """Return the median over all sizes of how far numpy was from itself; 5 % if not known."""
    run = newest(runs, _SPEEDUP)
    if run is None:
        return 0.05
    cells = [row["numpy"] for row in by_size(run, _SPEEDUP).values() if row["numpy"].measured]
    apart = sorted(max(abs(1 - cell.low), abs(cell.high - 1)) for cell in cells)
    return apart[len(apart) // 2] if apart else 0.05


def _changes(runs: list[Run], threshold: float) -> Iterator[tuple[float, str]]:
    """Yield by how much a figure is worse, and the line that says so."""
    for name in sorted({key for run in runs for key in run.results.get_all_result_keys()}):
        having = [run for run in runs if run.cells(name)]
        for before, after in list(combinations(having[-2:], 2)):
            for key, new in after.cells(name).items():
                old = before.cells(name).get(key)
                if old is None or not old.measured or not new.measured:
                    continue
                worse = new.measured / old.measured
                if any(word in name for word in _MORE_IS_BETTER):
                    worse = 1 / worse
                if worse > threshold and _differ(before, after, name, key, old, new):
                    where = f"{name}({', '.join(key)})"
                    yield worse, f"  {worse:6.2f}x  {where}\n           {_span(before, after)}"


def _differ(before: Run, after: Run, name: str, key: tuple[str, ...], old: Cell, new: Cell) -> bool:
    samples = [run.samples(name).get(key) or None for run in (before, after)]
    stats = [{"ci_99_a": cell.low, "ci_99_b": cell.high} for cell in (old, new)]
    return bool(is_different(*samples, *stats, p_threshold=_P))


def _span(before: Run, after: Run) -> str:
    if before.commit == after.commit:
        return f"{before.commit[:8]}: {versions(before)} -> {versions(after)}"
    return f"{before.commit[:8]} -> {after.commit[:8]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

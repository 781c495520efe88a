"""For the terminal: the winners, what became slower or less accurate, and what failed.

python -m report.summary [FOLDER]
"""

import sys
from collections.abc import Iterator
from itertools import pairwise

from report.compare import aa_noise, change
from report.page import failures
from report.results import FOLDER, LIBRARIES, Newest, Run, by_machine
from report.table import SPEEDUP, by_size, heading, leaders, noise, reading_X

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
    newest = Newest(runs)
    sizes = by_size(newest, SPEEDUP)
    if not sizes:
        return "The ways have not been compared here."
    commits = ", ".join(sorted({run.commit[:8] for _, run in newest.points(SPEEDUP).values()}))
    count = sum(bool(leaders(row)[0]) for row in sizes.values())
    lines = [f"Fastest gradient, of {count} sizes n x p (commit {commits})"]
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
    """Return what is worse in the last run of each benchmark than in the one before."""
    noise = aa_noise(runs)
    worse = sorted(_worse(runs, noise), key=lambda found: -found[0])
    lines = [f"Worse than the run before, by more than the noise ({noise:.0%})"]
    lines += [text for _, text in worse[:_SHOWN]] or ["  nothing"]
    if len(worse) > _SHOWN:
        lines.append(f"  and {len(worse) - _SHOWN} more")
    return "\n".join(lines)


def _worse(runs: list[Run], noise: float) -> Iterator[tuple[float, str]]:
    """Yield by what factor a figure is worse, and the lines that say so."""
    for name in sorted({key for run in runs for key in run.results.get_all_result_keys()}):
        having = [run for run in runs if run.cells(name)]
        for before, after in pairwise(having[-2:]):
            for key in after.cells(name):
                factor = change(before, after, name, key, noise)
                if factor is not None and factor > 1:
                    line = f"  {factor:6.2f}x  {name}({', '.join(key)})"
                    yield factor, f"{line}\n    {_span(before, after)}"


def _span(before: Run, after: Run) -> str:
    if before.commit != after.commit:
        return f"{before.commit[:8]} -> {after.commit[:8]}"
    old, new = before.environment, after.environment
    changed = [name for name in LIBRARIES if old[name] != new[name]]
    was = ", ".join(f"{name} {old[name]}" for name in changed)
    return f"{before.commit[:8]}: {was} -> {', '.join(new[name] for name in changed)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

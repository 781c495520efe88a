"""For the terminal: the winners, what became slower or less accurate, and what failed.

python -m report.summary [FOLDER]
"""

import sys
from collections.abc import Iterator
from itertools import pairwise

from report.benchmarks import SPEEDUP
from report.comparison import (
    Sizes,
    by_size,
    change,
    leaders,
    noise_in_words,
    reading_X,
    typical_noise,
)
from report.results import FOLDER, LIBRARIES, Newest, Record, as_last_defined, by_machine

_SHOWN = 10


def main(arguments: list[str]) -> int:
    for records in by_machine(arguments[0] if arguments else FOLDER).values():
        if records:
            print(summary(records))
    return 0


def summary(records: list[Record]) -> str:
    """Return what there is to say of one machine's records, the oldest first."""
    parts = [records[-1].heading, winners(records), regressions(records)]
    if failed := Newest(records).failures():
        parts.append("Failed or wrong, never counted as fast\n  " + "\n  ".join(failed))
    return "\n\n".join(parts) + "\n"


def winners(records: list[Record]) -> str:
    """Return how often each way wins, and with which margins, and the noise beside it."""
    newest = Newest(records)
    sizes = by_size(newest, SPEEDUP)
    if not sizes:
        return "The ways have not been compared here."
    commits = ", ".join(newest.commits(SPEEDUP))
    count = sum(bool(leaders(row)[0]) for row in sizes.values())
    readers = {size: reading_X(row) for size, row in sizes.items()}
    return "\n".join(
        [
            f"Fastest gradient, of {count} sizes n x p (commit {commits})",
            f"  all ways: {_wins(sizes)}",
            f"  ways that read X: {_wins(readers)}",
            f"  {noise_in_words(sizes)}",
        ]
    )


def _wins(sizes: Sizes) -> str:
    """Return who leads at how many sizes, with the least and the largest margin."""
    wins: dict[str, list[float]] = {}
    for row in sizes.values():
        ways, margin = leaders(row)
        if ways:
            wins.setdefault(" = ".join(ways), []).append(margin or 1.0)
    return ", ".join(
        f"{name} {len(margins)} ({min(margins):.1f}x to {max(margins):,.1f}x)"
        for name, margins in wins.items()
    )


def regressions(records: list[Record]) -> str:
    """Return what is worse in the last record of each benchmark than in the one before."""
    noise = typical_noise(records)
    worse = sorted(_worse(records, noise), key=lambda found: -found[0])
    known = "unknown" if noise is None else f"{noise:.0%}"
    lines = [f"Worse than the run before, by more than the noise ({known})"]
    lines += [text for _, text in worse[:_SHOWN]] or ["  nothing"]
    if len(worse) > _SHOWN:
        lines.append(f"  and {len(worse) - _SHOWN} more")
    return "\n".join(lines)


def _worse(records: list[Record], noise: float | None) -> Iterator[tuple[float, str]]:
    """Yield by what factor a figure is worse, and the lines that say so."""
    for name in sorted({name for record in records for name in record.benchmarks()}):
        for before, after in pairwise(as_last_defined(records, name)[-2:]):
            for key in after.cells(name):
                factor = change(before, after, name, key, noise)
                if factor is not None and factor > 1:
                    line = f"  {factor:6.2f}x  {name}({', '.join(key)})"
                    yield factor, f"{line}\n    {_span(before, after)}"


def _span(before: Record, after: Record) -> str:
    if before.commit != after.commit:
        return f"{before.commit[:8]} -> {after.commit[:8]}"
    old, new = before.environment, after.environment
    changed = [name for name in LIBRARIES if old[name] != new[name]]
    was = ", ".join(f"{name} {old[name]}" for name in changed)
    return f"{before.commit[:8]}: {was} -> {', '.join(new[name] for name in changed)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

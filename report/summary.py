"""For the terminal: the winners, what changed over the history, and what failed.

python -m report.summary [FOLDER]
"""

import math
import sys
from collections import defaultdict

from report.benchmarks import SPEEDUP
from report.comparison import Sizes, by_size, leaders, noise_in_words, reading_X, too_noisy
from report.failures import failures, in_words
from report.results import FOLDER, Newest, Record, by_machine
from report.steps import Step, changes
from report.text import LEGEND, UNSURE

_SHOWN = 10


def main(arguments: list[str]) -> int:
    for records in by_machine(arguments[0] if arguments else FOLDER).values():
        if records:
            print(summary(records))
    return 0


def summary(records: list[Record]) -> str:
    """Return what there is to say of one machine's records, the oldest first."""
    noisy = too_noisy(by_size(Newest(records), SPEEDUP))
    parts = [noisy, records[-1].heading, winners(records), steps(changes(records).steps)]
    if failed := in_words(failures(records)):
        parts.append("Failed when last run, never counted as fast\n  " + "\n  ".join(failed))
    return "\n\n".join(part for part in parts if part) + "\n"


def winners(records: list[Record]) -> str:
    """Return how often each way wins, and with which margins, and the noise beside it."""
    newest = Newest(records)
    sizes = by_size(newest, SPEEDUP)
    if not sizes:
        return "The ways have not been compared here."
    commits = ", ".join(newest.commits(SPEEDUP))
    count = sum(bool(leaders(row)[0]) for row in sizes.values())
    unsure = [size for size, row in sizes.items() if any(c.is_unsure for c in row.values())]
    readers = {size: reading_X(row) for size, row in sizes.items()}
    lines = [
        f"Fastest gradient, of {count} sizes n x p (commit {commits})",
        f"  all ways: {_wins(sizes)}",
        f"  ways that read X: {_wins(readers)}",
        f"  {noise_in_words(sizes)}",
    ]
    if unsure:
        lines.append(f"  {LEGEND} ({len(unsure)} sizes)")
    return "\n".join(lines)


def _wins(sizes: Sizes) -> str:
    """Return who leads at how many sizes, with the least and the largest margin."""
    wins: dict[str, list[float]] = defaultdict(list)
    unsure: set[str] = set()
    for row in sizes.values():
        ways, margin = leaders(row)
        if ways:
            name = " = ".join(ways)
            wins[name].append(margin or 1.0)
            unsure |= {name for way in ways if row[way].is_unsure}
    return ", ".join(
        f"{name} {len(margins)} ({min(margins):.1f}x to {max(margins):,.1f}x)"
        + (UNSURE if name in unsure else "")
        for name, margins in wins.items()
    )


def steps(found: list[Step]) -> str:
    """Return what is faster or slower, and what is more or less accurate, in the history."""
    accuracy = [step for step in found if _is_of_accuracy(step)]
    times = [step for step in found if not _is_of_accuracy(step)]
    return "\n\n".join(
        [
            "Faster or slower (where nothing has changed, one such list in 100 names anything)\n"
            + _listed(times),
            "More or less accurate, by a digit at least, or wrong\n" + _listed(accuracy),
        ]
    )


def _is_of_accuracy(step: Step) -> bool:
    return "digits" in step.benchmark or step.worse in (0, math.inf)


def _listed(found: list[Step]) -> str:
    """Return a line for the steps between the same records in one direction, with the largest."""
    groups: dict[tuple[str, bool], list[Step]] = defaultdict(list)
    for step in found:
        groups[step.span, step.worse > 1].append(step)
    lines = [_line(group) for group in list(groups.values())[:_SHOWN]] or ["  nothing"]
    if len(groups) > _SHOWN:
        lines.append(f"  and {len(groups) - _SHOWN} more")
    return "\n".join(lines)


def _line(group: list[Step]) -> str:
    most = max(group, key=lambda step: max(step.worse, 1 / step.worse if step.worse else math.inf))
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"  {_in_words(most)}  {most.name}{more}\n    {most.span}"


def _in_words(step: Step) -> str:
    if step.worse in (0, math.inf):
        return "right -> wrong" if step.worse else "wrong -> right"
    if "digits" in step.benchmark:
        digits = math.log10(step.worse)
        return f"{abs(digits):.1f} digits {'lost' if digits > 0 else 'won'}"
    return f"{step.worse:.2f}x worse" if step.worse > 1 else f"{1 / step.worse:.2f}x better"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

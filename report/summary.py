"""For the terminal: the winners, what changed over the history, and what failed.

python -m report.summary [FOLDER]
"""

import math
import sys
from collections import defaultdict
from textwrap import fill

from report.benchmarks import SPEEDUP
from report.comparison import Sizes, by_size, leaders, noise_in_words, reading_X, too_noisy
from report.failures import failures, in_words
from report.machines import by_machine
from report.results import FOLDER, Newest, Record
from report.steps import Step, changes, run
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
    """Return what changed in the history: an entry for each change, with the largest of each kind.

    A change is one between the same kernels and versions, named by the first record after it. Its
    kinds are slower, faster, less accurate and more accurate, in this order.
    """
    groups: dict[object, list[Step]] = defaultdict(list)
    for step in found:
        groups[run(step.before), run(step.after)].append(step)
    lines = ["What changed (where nothing has, one list in 100 names anything but digits)"]
    for of_change in list(groups.values())[:_SHOWN]:
        first = min(of_change, key=lambda step: step.after.date)
        lines += [f"  {first.span}", *_kinds(of_change)]
    if len(groups) > _SHOWN:
        lines.append(f"  and {len(groups) - _SHOWN} changes more")
    return "\n".join(lines if groups else [*lines, "  nothing"])


def _kinds(found: list[Step]) -> list[str]:
    kinds: dict[tuple[bool, bool], list[Step]] = defaultdict(list)
    for step in found:
        kinds[_is_of_accuracy(step), step.worse < 1].append(step)
    return [_line(kinds[kind]) for kind in sorted(kinds)]


def _is_of_accuracy(step: Step) -> bool:
    return "digits" in step.benchmark or step.worse in (0, math.inf)


def _line(group: list[Step]) -> str:
    most = max(group, key=lambda step: max(step.worse, 1 / step.worse if step.worse else math.inf))
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    line = f"{_in_words(most)}  {most.name}{more}"
    return fill(line, 79, initial_indent=" " * 4, subsequent_indent=" " * 6, break_on_hyphens=False)


def _in_words(step: Step) -> str:
    if step.worse in (0, math.inf):
        return "right -> wrong" if step.worse else "wrong -> right"
    if "digits" in step.benchmark:
        digits = math.log10(step.worse)
        return f"{abs(digits):.1f} digits {'lost' if digits > 0 else 'won'}"
    return f"{step.worse:.2f}x worse" if step.worse > 1 else f"{1 / step.worse:.2f}x better"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

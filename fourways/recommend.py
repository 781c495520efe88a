"""`fourways recommend`: which way for n rows and p columns, from what is recorded."""

import math

from fourways.advice import seconds
from fourways.errors import InputError
from report.benchmarks import GRADIENT, PREPARATION, SPEEDUP
from report.comparison import by_size, leaders, reading_X
from report.machines import by_machine, foremost
from report.results import Newest, Record
from suites.harness.machine import describe


def recommend(n: int, p: int) -> str:
    """Return a paragraph for each machine: the nearest recorded size, its winners, the times.

    This machine comes first, if it has records, then the one that pages speak of. Nearest is least
    |log n - log n'| + |log p - log p'|. Raises InputError for n or p below 1 and where nothing is
    recorded.
    """
    for name, value in (("--n", n), ("--p", p)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    machines = by_machine()
    here, first = describe()["machine"], foremost(machines) if machines else ""
    names = sorted(machines, key=lambda name: (name != here, name != first))
    parts = [_on(machines[name], n, p, " (this one)" * (name == here)) for name in names]
    if not any(parts):
        raise InputError("nothing is recorded here: run it in a clone that has results/")
    return "\n\n".join(filter(None, parts))


def _on(records: list[Record], n: int, p: int, remark: str) -> str:
    newest = Newest(records)
    sizes = by_size(newest, SPEEDUP)
    if not sizes:
        return ""
    near = min(sizes, key=lambda size: _apart(size[0], n) + _apart(size[1], p))
    key = str(near[0]), str(near[1])
    points = newest.points(SPEEDUP).items()
    commits = {record.commit[:8] for k, (_, record) in points if k[1:] == key}
    times, prepared = (by_size(newest, name).get(near, {}) for name in (GRADIENT, PREPARATION))
    lines = [
        records[-1].machine + remark,
        f"  commit {', '.join(sorted(commits))}; nearest is {near[0]:,} x {near[1]}",
    ]
    for what, row in (
        ("gradients of an X that changes, first calls aside", reading_X(sizes[near])),
        ("many gradients of one X", sizes[near]),
    ):
        ways, margin = leaders(row)
        text = " or ".join(ways) + (" (a tie)" if len(ways) > 1 else "")
        if margin:
            text += f", {margin:.1f} times as fast as the next"
        if len(ways) == 1 and ways[0] in times and times[ways[0]].measured:
            text += f", {seconds(times[ways[0]].measured or 0)} each"
            if (cost := prepared.get(ways[0])) and cost.measured:
                text += f" after {seconds(cost.measured)}"
        lines += [f"  {what}:", f"    {text}"]
    return "\n".join(lines)


def _apart(a: int, b: int) -> float:
    return abs(math.log(a) - math.log(b))

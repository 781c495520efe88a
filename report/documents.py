"""Writes the figures of the Markdown files from results/.

    python -m report.documents [--check] [FILE ...]

rewrites README.md and docs/*.md, or the files that are given. With --check it writes nothing, names
each marker whose figures are stale, and its status is then 1; it is 2 where a marker asks for what
there is not.

Figures stand between markers, which a reader of the rendered page does not see. A table, with the
machine and the commits below it:

    <!-- figures: gradient -->
    ...
    <!-- end -->

by the names in `BLOCKS`, with ` at COMMIT` or ` on PART` of a machine's name after it if need be.
A figure in prose, by the requests that `report.figures` reads:

    minimum_norm is
    <!--= rank_deficient.Tall.track_speedup_over_lstsq X=100000 x 50|50000 x 100 -->4.1 to
    7.3<!--/--> times as fast as lstsq (commit <!--= commit roofline.Threads.track_scaling
    -->d77b3b23<!--/-->).

A marker may be broken over lines as prose is. One in a block of code is a marker like any other.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report.benchmarks import (
    ADVANTAGE,
    AUTOGRAD,
    CERTIFIED,
    CLUSTER_TIME,
    CONFORMANCE,
    DESCENT,
    DIGITS_LOST,
    GRADIENT,
    MESSAGES,
    ONE_THREAD,
    PEERS_SPEEDUP,
    PEERS_TALL,
    PEERS_TIME,
    PREPARATION,
    READ_SHARE,
    SCHEDULER,
    SPEEDUP,
    Benchmark,
)
from report.figures import FigureError, figure, scoped
from report.machines import Machines, by_machine
from report.results import FOLDER, Newest
from report.table import of_gradients
from report.text import LEGEND, Table
from report.views.autograd import parts_and_others
from report.views.certified import coefficients
from report.views.conformance import by_our_rule, releases, routines
from report.views.convergence import fastest_descents
from report.views.deficient import verdicts
from report.views.peers import beside_gradients, beside_minimum_norm
from report.views.roofline import beyond_the_caches, regimes
from report.views.scaling import weak_scaling
from report.views.times import gradients, preparations

_BLOCK = re.compile(r"<!-- figures: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)
_INLINE = re.compile(r"<!--=\s+([^>]+?)\s+-->(.*?)<!--/-->", re.DOTALL)
_OPENING = re.compile(r"<!-- figures:|<!--=")


@dataclass(frozen=True)
class Block:
    """A table and the benchmarks it reads.

    Elsewhere a figure is that of the newest record that has it. A table is ``of_one_record`` where
    having none is a verdict, as of a solver that does not get there: no older figure stands in.
    """

    table: Callable[[Any], Table]
    benchmarks: tuple[Benchmark, ...]
    of_one_record: bool = False

    def markdown(self, newest: Newest) -> str:
        """Return the table with the commits below it; raises FigureError where there is none."""
        last = newest.last(self.benchmarks[0])
        if last is None:
            raise FigureError("nothing was recorded")
        table = self.table(last if self.of_one_record else newest)
        commits = (
            [last.commit[:8]]
            if self.of_one_record
            else sorted({c for name in self.benchmarks for c in newest.commits(name)})
        )
        named = f"commit{'s' * (len(commits) > 1)} {', '.join(commits)}"
        legend = f" {LEGEND}." if table.is_unsure else ""
        return f"{table.markdown()}\n\n{last.machine}; {named}.{legend}"


class Screen(Block):
    """What is printed of the newest record, as it is printed."""

    def markdown(self, newest: Newest) -> str:
        last = newest.last(self.benchmarks[0])
        if last is None:
            raise FigureError("nothing was recorded")
        return f"```\n{last.heading}\n\n{of_gradients(last)}\n```"


BLOCKS = {
    "last screen": Screen(gradients, (GRADIENT, SPEEDUP)),
    "gradient": Block(gradients, (GRADIENT, SPEEDUP)),
    "preparation": Block(preparations, (PREPARATION, GRADIENT)),
    "roofline": Block(beyond_the_caches, (READ_SHARE, ONE_THREAD, ADVANTAGE)),
    "regimes": Block(regimes, (READ_SHARE,)),
    "deficient": Block(verdicts, (DIGITS_LOST,), of_one_record=True),
    "conformance": Block(routines, (CONFORMANCE,)),
    "conformance by our rule": Block(by_our_rule, (CONFORMANCE,)),
    "releases": Block(releases, (CONFORMANCE,)),
    "peers": Block(beside_gradients, (PEERS_TIME, PEERS_SPEEDUP)),
    "peers of minimum_norm": Block(beside_minimum_norm, (PEERS_TALL,), of_one_record=True),
    "weak scaling": Block(weak_scaling, (MESSAGES, SCHEDULER, CLUSTER_TIME)),
    "certified": Block(coefficients, (CERTIFIED,), of_one_record=True),
    "descent": Block(fastest_descents, (DESCENT,), of_one_record=True),
    "autograd": Block(parts_and_others, (AUTOGRAD,)),
}


def block(text: str, machines: Machines) -> str:
    """Return the table that is asked for as NAME [at COMMIT] [on PART]."""
    name, records = scoped(text, machines)
    if name not in BLOCKS:
        raise FigureError(f"no block {name}: they are {', '.join(BLOCKS)}")
    return BLOCKS[name].markdown(Newest(records))


def written(text: str, machines: Machines) -> tuple[str, list[str], list[str]]:
    """Return a text with its figures as recorded, the markers that were stale, the errors."""
    stale: list[str] = []
    errors: list[str] = []

    def renewed(found: re.Match[str], answer: Callable[[str, Machines], str], form: str) -> str:
        request = " ".join(found[1].split())
        try:
            new = form.format(answer(request, machines))
        except FigureError as error:
            errors.append(f"{request}: {error}")
            return found[0]
        if found[2].split() == new.split():  # another line break is the same figure
            return found[0]
        stale.append(request)
        start, end = found.start(2) - found.start(), found.end(2) - found.start()
        return found[0][:start] + new + found[0][end:]

    count = len(_BLOCK.findall(text)) + len(_INLINE.findall(text))
    if count != len(_OPENING.findall(text)):
        errors.append("a marker that is not closed: <!-- end --> ends a block, <!--/--> a figure")
    else:
        text = _BLOCK.sub(lambda found: renewed(found, block, "\n{}\n\n"), text)
        text = _INLINE.sub(lambda found: renewed(found, figure, "{}"), text)
    return text, stale, errors


def documents() -> list[Path]:
    """Return the Markdown files of the project that may hold figures."""
    root = FOLDER.parent
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def main(arguments: list[str]) -> int:
    checks = "--check" in arguments
    paths = [Path(name) for name in arguments if name != "--check"] or documents()
    if unread := [path for path in paths if not path.is_file()]:
        usage = "usage: python -m report.documents [--check] [FILE ...]"
        print(f"{usage}; no file {unread[0]}", file=sys.stderr)
        return 2
    machines = by_machine()
    status = 0
    for path in paths:
        text = path.read_text()
        new, stale, errors = written(text, machines)
        for error in errors:
            print(f"{path}: {error}", file=sys.stderr)
        for request in stale if checks else []:
            print(f"{path}: {request}: not as recorded", file=sys.stderr)
        if errors:
            status = 2
        elif stale and checks:
            status = max(status, 1)
        elif new != text:
            path.write_text(new)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The tables that end `make bench`: for each size the times of the ways and the fastest right one.

python -m report.table MACHINE COMMIT [FOLDER]
"""

import sys

from report.benchmarks import SPEEDUP
from report.comparison import by_size, noise_in_words
from report.results import Record, records
from report.text import Table
from report.views.autograd import others, parts
from report.views.convergence import fastest_descents
from report.views.times import gradients, preparations


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print("usage: python -m report.table MACHINE COMMIT [FOLDER]", file=sys.stderr)
        return 2
    found = list(records(*arguments))
    if not found:
        print(f"no results of commit {arguments[1]} on {arguments[0]}", file=sys.stderr)
        return 2
    for record in found:
        print(tables(record))
    return 0


def tables(record: Record) -> str:
    """Return all that is shown of a record, at most 80 columns wide.

    Suites that were not run are left out.
    """
    parts = [record.heading, of_gradients(record), of_descent(record), of_autograd(record)]
    if failed := record.failures():
        parts.append("FAILED, never counted as fast:\n  " + "\n  ".join(failed))
    return "\n\n".join(part for part in parts if part) + "\n"


def of_gradients(record: Record) -> str:
    """Return the tables of the suite `gradient`, and what their marks mean."""
    return _titled(
        ("One gradient, once prepared (median; float64, all cores)", gradients(record)),
        (
            "Preparation, once for each X, and after how many gradients it has paid",
            preparations(record),
        ),
        note="fastest: with its margin over the next; reading X: the same among the ways that\n"
        "do not factor X. From speed-ups over numpy, interleaved in one process; = marks\n"
        "a tie, within the intervals or within the noise of numpy against itself.\n"
        + noise_in_words(by_size(record, SPEEDUP)),
    )


def of_descent(record: Record) -> str:
    """Return which descent is at the answer first, and whether a direct solver is before it."""
    title = "Fastest descent to a relative suboptimality of 1e-8, by the way that drives it"
    return _titled(
        (title, fastest_descents(record)),
        note="Conjugate gradients where no other method is named (gd: gradient descent, bb:\n"
        "Barzilai-Borwein); p x p: the same on the Gram or QR factor, by numba; direct:\n"
        "the fastest direct solver (mn: minimum_norm, np: numpy.linalg.lstsq).\n"
        "Preparation, L and mu are included.",
    )


def of_autograd(record: Record) -> str:
    """Return the parts of the torch way's time, and other calls."""
    return _titled(
        (
            "Where the time of an autograd gradient goes (medians; -: lost in the noise)",
            parts(record),
        ),
        ("The same gradient, or value, otherwise", others(record)),
    )


def _titled(*tables: tuple[str, Table], note: str = "") -> str:
    """Return tables under their titles, and a note below; nothing where there are no rows."""
    shown = [f"{title}\n{table.plain()}" for title, table in tables if table.rows]
    return "\n\n".join([*shown, note] if shown and note else shown)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The tables that end `make bench`; the last screen says which way is fastest at each size.

python -m report.table MACHINE COMMIT [FOLDER]
"""

import sys

from report.benchmarks import DESCENT, SPEEDUP
from report.comparison import by_size, noise_in_words, too_noisy
from report.failures import CRASHED, TIMED_OUT, WRONG, failures
from report.machines import records
from report.results import ENOUGH, Record
from report.text import LEGEND, Table
from report.views.autograd import others, parts
from report.views.certified import coefficients
from report.views.convergence import fastest_descents
from report.views.deficient import counts
from report.views.times import gradients, preparations, read_shares


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print("usage: python -m report.table MACHINE COMMIT [FOLDER]", file=sys.stderr)
        return 2
    found = list(records(*arguments))
    if not found:
        print(f"no results of commit {arguments[1]} on {arguments[0]}", file=sys.stderr)
        return 2
    print(tables(max(found, key=lambda record: record.run_at)))
    return 0


def tables(record: Record) -> str:
    """Return all that is shown of a record, at most 80 columns wide.

    Suites that were not run are left out.
    """
    parts = [
        too_noisy(by_size(record, SPEEDUP)),
        record.heading,
        of_descent(record),
        of_autograd(record),
        of_solvers(record),
        beside_gradients(record),
        of_gradients(record),
    ]
    failed = failures([record])
    for kind, title in _FAILED.items():
        if kind in failed:
            parts.append(f"{title}:\n  " + "\n  ".join(failed[kind]))
    return "\n\n".join(part for part in parts if part) + "\n"


_FAILED = {
    TIMED_OUT: "TIMED OUT, as on a busy machine; figures are of the other processes",
    CRASHED: "CRASHED, no figure",
    WRONG: "WRONG, never counted as fast",
}


def of_gradients(record: Record) -> str:
    """Return which way gives a gradient first, and what the marks mean: the last screen."""
    return _titled(
        ("One gradient, once prepared (median; float64, all cores)", gradients(record)),
        note="fastest: with its margin over the next; reading X: the same among the ways that\n"
        "do not factor X. From speed-ups over numpy, interleaved in one process; = marks\n"
        "a tie, within the intervals between processes or the noise of numpy itself.\n"
        + noise_in_words(by_size(record, SPEEDUP)),
    )


def beside_gradients(record: Record) -> str:
    """Return what comes before a gradient, and how near to the read limit it is."""
    return _titled(
        (
            "Preparation, once for each X, and after how many gradients it has paid",
            preparations(record),
        ),
        (
            "Share of the read limit: time of the fastest sum over X over that of a gradient",
            read_shares(record),
        ),
    )


def of_solvers(record: Record) -> str:
    """Return the verdicts on solvers: rank-deficient families, certified digits."""
    return _titled(
        ("Rank-deficient families: how often a solver is right", counts(record)),
        (
            "Digits of NIST's certified coefficients, the worst of a set",
            _narrow(coefficients(record)),
        ),
    )


def _narrow(table: Table) -> Table:
    """Return a table with its longest headers abbreviated, so that it fits into 80 columns."""
    headers = [header.replace("Wampler", "W") for header in table.headers]
    return Table(headers, table.rows, table.left)


def of_descent(record: Record) -> str:
    """Return which descent is at the answer first, and whether a direct solver is before it."""
    unsure = any(cell.is_unsure for cell in record.cells(DESCENT).values())
    title = "Fastest descent to a relative suboptimality of 1e-8, by the way that drives it"
    return _titled(
        (title, fastest_descents(record)),
        note="Conjugate gradients where no other method is named (gd: gradient descent, bb:\n"
        "Barzilai-Borwein); p x p: the same on the Gram or QR factor, by numba; direct:\n"
        "the fastest direct solver (mn: minimum_norm, np: numpy.linalg.lstsq).\n"
        "Preparation, L and mu are included."
        + f"\nOf fewer than {ENOUGH} processes: their spread is unknown."
        * unsure,
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
    if any(table.is_unsure for _, table in tables):
        note = "\n".join(filter(None, [note, LEGEND]))
    return "\n\n".join([*shown, note] if shown and note else shown)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

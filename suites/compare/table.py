"""What a comparison found, as a table in 80 columns or in Markdown."""

import math
from textwrap import fill
from typing import NamedTuple

from suites.compare.sequential import LEVEL
from suites.compare.session import Session

_ORDER = ["wrong", "fails", "slower", "faster", "undecided", "equal"]
_WIDTH = 80
_WIDTHS = 38, 5, 11, 5, 9, 5
_HEADINGS = "cell", "ratio", "interval", "δ", "verdict", "pairs"


class Row(NamedTuple):
    """A cell: head over base, between which ratios it lies, and what that means."""

    cell: str
    ratio: str
    interval: str
    delta: str
    verdict: str
    pairs: str


def rows(session: Session) -> list[Row]:
    """Return the cells, what calls for attention first."""
    found = []
    for lane in session.lanes.values():
        for cell in lane:
            if cell.name in session.broken:
                (how, _), *_ = session.broken[cell.name].values()
                found.append(Row(cell.name, "", "", "", how, ""))
            elif cell.name in session.comparison.cells:
                found.append(_row(session, cell.name))
    return sorted(found, key=lambda row: _ORDER.index(row.verdict))


def _row(session: Session, name: str) -> Row:
    cell = session.comparison.cells[name]
    low, high = cell.interval
    known = math.isfinite(low) and math.isfinite(high)
    return Row(
        name,
        _ratio(cell.location) if cell.base else "",
        f"{_ratio(low)}-{_ratio(high)}" if known else "",
        f"{100 * math.expm1(cell.delta):.1f}%" if cell.delta < 0.69 else ">99%",
        cell.verdict,
        str(len(cell.base)),
    )


def _ratio(log: float) -> str:
    ratio = math.exp(log)
    return f"{ratio:.3f}" if ratio < 10 else f"{ratio:#.4g}"


def is_worse(session: Session) -> bool:
    """Return whether head is slower somewhere, or wrong, or fails."""
    slower = any(cell.verdict == "slower" for cell in session.comparison.cells.values())
    return slower or any("head" in sides for sides in session.broken.values())


def notes(session: Session) -> list[str]:
    """Return what is wrong and what fails, in which build, and why."""
    return [
        f"{how} in {session.builds[side].label}: {name}: {why}"
        for name, sides in session.broken.items()
        for side, (how, why) in sides.items()
    ]


def summary(session: Session) -> str:
    verdicts = [row.verdict for row in rows(session)]
    counts = [f"{verdicts.count(v)} {v}" for v in _ORDER if v in verdicts]
    return (
        f"{', '.join(counts)} of {len(verdicts)} cells"
        f" in {session.seconds / 60:.1f} minutes, at {100 * LEVEL:.0f} % for all together"
    )


def text(session: Session) -> str:
    base, head = session.builds["base"].label, session.builds["head"].label
    lines = [f"{head} over {base}", _line(_HEADINGS), *map(_line, rows(session)), ""]
    said = [fill(line, _WIDTH) for line in [*notes(session), summary(session)]]
    return "\n".join(lines + said)


def _line(row: tuple[str, ...]) -> str:
    first, *others = zip(row, _WIDTHS, strict=True)
    return " ".join([first[0].ljust(first[1]), *(value.rjust(w) for value, w in others)])


def markdown(session: Session) -> str:
    base, head = session.builds["base"].label, session.builds["head"].label
    lines = [
        f"**{head}** over **{base}**: {summary(session)}",
        "",
        _markdown(_HEADINGS),
        "| --- | ---: | ---: | ---: | --- | ---: |",
        *(_markdown(_emphasised(row)) for row in rows(session)),
    ]
    said = notes(session)
    return "\n".join(lines + ([""] + [f"- {note}" for note in said] if said else []))


def _emphasised(row: Row) -> Row:
    is_calm = row.verdict in ("equal", "undecided")
    return row if is_calm else row._replace(verdict=f"**{row.verdict}**")


def _markdown(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(row)} |"

"""Recorded figures for prose, by benchmark and parameters.

A figure is asked for in one line:

    [inverse] BENCHMARK [NAME=VALUE|VALUE; NAME=VALUE ...] [over NAME=VALUE; ...] [as FORMAT]

with asv's name of the benchmark and its parameters' names; a parameter that is not named, and one
that is `*`, takes all its values. Of several figures the range is given:

    compilation.FirstCall.track_cold_compile dtype=float64; order=C       3.71 s
    rank_deficient.Tall.track_speedup_over_lstsq X=100000 x 50|50000 x 100
                                                                          4.1 to 7.3
    inverse roofline.SinglePrecision.track_float32_speedup as .2f         0.40 to 0.51
    autograd.Autograd.track_time call=way torch; X=100 x 4 over call=way numba
                                                                          47

`over` divides each figure by that with these parameters changed; `inverse` gives 1 over it. FORMAT
is Python's (`.2f`, `.0%`, `,.0f`). Without one, times have a unit and three digits, others two.

    commit BENCHMARK    the commits that the benchmark's newest figures come from
    machine             the machine in words
    noise               the noise of the suite gradient, in a sentence

A figure is that of the newest record that has it: where the newest skipped a point, an older one
answers. Each request may end in ` at COMMIT` and in ` on PART`: figures of one commit, not the
newest, and of the first machine with PART in its name, not the one last recorded in full.
"""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

from report.benchmarks import SPEEDUP
from report.comparison import by_size, noise_in_words
from report.machines import Machines, foremost
from report.results import Cell, Newest, Parameters, Record, listed
from report.text import shown


class FigureError(Exception):
    """No such figure: the message says what there is instead."""


def scoped(text: str, machines: Machines) -> tuple[str, list[Record]]:
    """Return a request without its ` at COMMIT` and ` on PART`, and the records it is about."""
    found = re.fullmatch(r"(.+?)(?: at (\S+))?(?: on (\S+))?", text)
    request, commit, part = found.groups() if found else (text, None, None)
    names = [name for name in machines if machines[name] and (part is None or part in name)]
    if not names:
        raise FigureError(f"no machine with {part!r} in its name")
    records = machines[foremost(machines) if part is None else names[0]]
    if commit:
        records = [record for record in records if record.commit.startswith(commit)]
        if not records:
            raise FigureError(f"no record of commit {commit}")
    return request, records


def figure(text: str, machines: Machines) -> str:
    """Return what is asked for as text; raises FigureError where there is none."""
    request, records = scoped(text, machines)
    newest = Newest(records)
    if request == "machine":
        return records[-1].machine
    if request == "noise":
        return noise_in_words(by_size(newest, SPEEDUP))
    if request.startswith("commit "):
        return ", ".join(newest.commits(_known(request.removeprefix("commit "))["name"]))
    return _Request.of(request).answer(newest)


@dataclass(frozen=True)
class _Request:
    benchmark: str
    unit: str
    chosen: list[Parameters]
    over: list[Parameters] | None
    is_inverse: bool
    format: str | None

    @classmethod
    def of(cls, text: str) -> "_Request":
        """Read a request for figures."""
        found = re.fullmatch(
            r"(inverse )?(\S+)(?: (?!over )(.*?=.*?))?(?: over (.+?))?(?: as (\S+))?", text
        )
        if not found:
            raise FigureError("not of the form [inverse] BENCHMARK [NAME=VALUE; ...] [as FORMAT]")
        inverse, name, choice, other, form = found.groups()
        known = _known(name)
        names, values = known["param_names"], [[v.strip("'") for v in p] for p in known["params"]]
        chosen = list(product(*_choices(choice, names, values)))
        over = None
        if other:
            changed = _choices(other, names, [[""]] * len(names), checked=values)
            if any(len(options) > 1 for options in changed):
                raise FigureError("over: one value for each name")
            new = [options[0] for options in changed]
            over = [tuple(b or a for a, b in zip(key, new, strict=True)) for key in chosen]
        return cls(name, known["unit"], chosen, over, bool(inverse), form)

    def answer(self, newest: Newest) -> str:
        """Return the figure, or the least and the largest of several."""
        cells = newest.cells(self.benchmark)
        values = [_measured(cells, key) for key in self.chosen]
        if self.over is not None:
            others = [_measured(cells, key) for key in self.over]
            values = [a / b if a and b else None for a, b in zip(values, others, strict=True)]
        if self.is_inverse:
            values = [1 / value if value else None for value in values]
        known = [value for value in values if value is not None]
        if not known:
            raise FigureError("nothing was measured there")
        return _span(*(self._text(value) for value in (min(known), max(known))))

    def _text(self, value: float) -> str:
        if self.format is not None:
            try:
                return format(value, self.format)
            except ValueError:
                raise FigureError(f"{self.format!r} is no format of a number") from None
        is_time = self.unit == "seconds" and self.over is None and not self.is_inverse
        return shown(Cell(value)) if is_time else _two_digits(value)


def _known(benchmark: str) -> dict[str, Any]:
    """Return what asv has recorded of a benchmark: its name, its unit, its parameters."""
    if benchmark not in listed():
        raise FigureError(f"no benchmark {benchmark}")
    return listed()[benchmark]


def _choices(
    text: str | None,
    names: list[str],
    default: list[list[str]],
    checked: list[list[str]] | None = None,
) -> list[list[str]]:
    """Return the values that "NAME=VALUE|VALUE; ..." chooses of each name, else the default."""
    chosen = dict(zip(names, default, strict=True))
    allowed = dict(zip(names, checked or default, strict=True))
    for part in filter(None, map(str.strip, (text or "").split(";"))):
        name, _, values = part.partition("=")
        if name not in allowed:
            raise FigureError(f"no parameter {name!r}: they are {', '.join(names)}")
        wanted = allowed[name] if values == "*" else values.split("|")
        if unknown := [value for value in wanted if value not in allowed[name]]:
            raise FigureError(f"no {name} {unknown[0]!r}: they are {', '.join(allowed[name])}")
        chosen[name] = wanted
    return list(chosen.values())


def _measured(cells: dict[Parameters, Cell], key: Parameters) -> float | None:
    return cells[key].measured if key in cells else None


def _two_digits(value: float) -> str:
    """Return a number of two significant digits, with no exponent where it is large."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:#.2g}"


def _span(low: str, high: str) -> str:
    """Return "low to high", with the unit once where it is one."""
    if low == high:
        return low
    (number, _, unit), (_, _, other) = low.partition(" "), high.partition(" ")
    return f"{number if unit == other else low} to {high}"

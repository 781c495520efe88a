"""The page "Four ways": one file that needs no server and no network."""

import json
from pathlib import Path
from typing import Any

from report.benchmarks import SPEEDUP
from report.comparison import by_size, noise_in_words, too_noisy
from report.failures import failures, in_words
from report.machines import Machines, foremost
from report.results import Newest, Record
from report.text import LEGEND
from report.views import VIEWS, Colours
from report.ways import recorded

_HERE = Path(__file__).parent / "site"
_NAV = (
    '<p><a href="index.html#/">Benchmark grid</a> ·'
    ' <a href="index.html#/summarylist">Benchmark list</a> ·'
    ' <a href="index.html#/regressions">Regressions</a></p>'
)


def page(machines: Machines, *, in_site: bool) -> str:
    """Return the page for the records of each machine, oldest first; in the site it links to asv's.

    A way has one colour on the whole page, whichever machine has recorded it. The page opens on the
    machine that the documents speak of.
    """
    import vl_convert

    first = [foremost(machines)] if machines else []
    machines = {name: machines[name] for name in [*first, *machines]}
    colours = Colours(recorded([record for records in machines.values() for record in records]))
    parts = {
        "css": (_HERE / "page.css").read_text(),
        "nav": _NAV if in_site else "",
        "data": _embedded(
            {
                "machines": {name: machine(found) for name, found in machines.items() if found},
                "legend": LEGEND,
                "colours": {"known": colours.known, "others": colours.others},
                "sections": [
                    {
                        "id": view.id,
                        "title": view.title,
                        "note": view.note,
                        "frame": view.frame,
                        "choose": view.choose,
                        "spec": view.chart(colours),
                    }
                    for view in VIEWS
                ],
            }
        ),
        "vega": vl_convert.javascript_bundle(),  # type: ignore[call-arg]
        "js": (_HERE / "page.js").read_text(),
    }
    text = (_HERE / "page.html").read_text()
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def machine(records: list[Record]) -> dict[str, Any]:
    """Return what the page knows of a machine: its name, its noise, what failed, the rows."""
    sizes = by_size(Newest(records), SPEEDUP)
    return {
        "title": records[-1].machine,
        "facts": "Newest: " + records[-1].heading.replace("\n", ". ") + ".",
        "noise": noise_in_words(sizes),
        "noisy": too_noisy(sizes),
        "failures": in_words(failures(records)),
        "frames": {view.frame: view.rows(records) for view in VIEWS if view.frame == view.id},
    }


def _embedded(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")

"""The page "Four ways": one file that needs no server and no network."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from report.charts import COLOURS, OTHERS, SECTIONS
from report.frames import FRAMES
from report.results import Newest, Run
from report.table import SPEEDUP, by_size, heading, noise

_HERE = Path(__file__).parent / "site"
_NAV = (
    '<p><a href="index.html#/">Benchmark grid</a> ·'
    ' <a href="index.html#/summarylist">Benchmark list</a> ·'
    ' <a href="index.html#/regressions">Regressions</a></p>'
)


def page(machines: dict[str, list[Run]], *, in_site: bool) -> str:
    """Return the page for the runs of each machine, oldest first; in the site it links to asv's."""
    import vl_convert

    parts = {
        "css": (_HERE / "page.css").read_text(),
        "nav": _NAV if in_site else "",
        "data": _embedded(
            {
                "machines": {name: machine(runs) for name, runs in machines.items() if runs},
                "colours": {"known": COLOURS, "others": OTHERS},
                "sections": [asdict(section) for section in SECTIONS],
            }
        ),
        "vega": vl_convert.javascript_bundle(),  # type: ignore[call-arg]
        "js": (_HERE / "page.js").read_text(),
    }
    text = (_HERE / "page.html").read_text()
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def machine(runs: list[Run]) -> dict[str, Any]:
    """Return what the page knows of a machine: its name, its noise, what failed, the rows."""
    latest = runs[-1]
    here = latest.environment
    return {
        "title": f"{here['cpu']}, {here['num_cpu']} cores, {here['ram']}",
        "facts": "Newest: " + heading(latest).replace("\n", ". ") + ".",
        "noise": noise(by_size(Newest(runs), SPEEDUP)),
        "failures": failures(runs),
        "frames": {name: frame(runs) for name, frame in FRAMES.items()},
    }


def failures(runs: list[Run]) -> list[str]:
    """Return a line for each benchmark that failed at some points when these were last run."""
    newest, lines = Newest(runs), []
    for name in sorted({name for run in runs for name in run.failures()}):
        points = newest.points(name).values()
        if failed := [run.commit[:8] for cell, run in points if cell.value is None]:
            commits = ", ".join(sorted(set(failed)))
            lines.append(f"{name}: wrong or failed at {len(failed)} of {len(points)} ({commits})")
    return lines


def _embedded(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")

"""The page "Four ways": one file that needs no server and no network."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from report.charts import COLOURS, OTHERS, SECTIONS
from report.frames import FRAMES, newest
from report.results import Run
from report.table import by_size, heading, noise

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
    speedups = "gradient.Gradient.track_speedup_over_numpy"
    compared = newest(runs, speedups)
    known = noise(by_size(compared, speedups)) if compared else noise({})
    return {
        "title": f"{here['cpu']}, {here['num_cpu']} cores, {here['ram']}",
        "facts": "Newest: " + heading(latest).replace("\n", ". ") + f". {known}",
        "failures": failures(runs),
        "frames": {name: frame(runs) for name, frame in FRAMES.items()},
    }


def failures(runs: list[Run]) -> list[str]:
    """Return a line for each benchmark that failed at some points when it was last run."""
    names = sorted({name for run in runs for name in run.failures()})
    found = {name: newest(runs, name) for name in names}
    lines = []
    for name, run in found.items():
        assert run is not None  # it failed there
        cells = run.cells(name).values()
        if failed := sum(cell.value is None for cell in cells):
            lines.append(f"{name}: wrong or failed at {failed} of {len(cells)} ({run.commit[:8]})")
    return lines


def _embedded(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")

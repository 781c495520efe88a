"""asv's tab of regressions, made to agree with the steps that `report.steps` finds.

asv holds each series to a threshold in per cent, takes every increase for the worse, and has no
word for noise. Of what it lists, in regressions.json and in the feed regressions.xml, stays what is
worse by a step of ours.
"""

import json
from pathlib import Path
from xml.etree import ElementTree

from report.results import Record
from report.steps import changes

_ATOM = "http://www.w3.org/2005/Atom"


def agree(html: Path, machines: dict[str, list[Record]]) -> None:
    """Leave in the files that `asv publish` has written what is a step of ours too."""
    worse = {
        (machine, step.name)
        for machine, records in machines.items()
        for step in changes(records).steps
        if step.worse > 1
    }
    path = html / "regressions.json"
    found = json.loads(path.read_text())
    kept = [
        entry
        for entry in found["regressions"]
        if (_machine(entry[1]), entry[0].replace("'", "")) in worse
    ]
    path.write_text(json.dumps({**found, "regressions": kept}))
    _leave_in_feed(html / "regressions.xml", {entry[0] for entry in kept})


def _machine(graph: str) -> str:
    """Return the machine of a graph, whose path has a folder machine-NAME."""
    return graph.partition("/machine-")[2].partition("/")[0]


def _leave_in_feed(path: Path, names: set[str]) -> None:
    """Leave the entries of the feed whose title, "12.00% NAME", is of one of these."""
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.parse(path)
    root = feed.getroot()
    for entry in root.findall(f"{{{_ATOM}}}entry"):
        title = entry.findtext(f"{{{_ATOM}}}title") or ""
        if title.partition(" ")[2] not in names:
            root.remove(entry)
    feed.write(path, encoding="utf-8", xml_declaration=True)

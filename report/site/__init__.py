"""Finishes the site that asv publishes: the first tab, its regressions, scripts, bars.

python -m report.site HTML_FOLDER
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from report.machines import by_machine
from report.page import page
from report.site.regressions import agree
from suites.record import kernels_of

_HERE = Path(__file__).parent

# What asv's pages load from elsewhere, by the end of its address, and where npm puts it.
_VENDORED = {
    "jquery-3.3.1.min.js": "jquery/dist/jquery.min.js",
    "jquery.flot.min.js": "flot/jquery.flot.js",
    "jquery.flot.time.min.js": "flot/jquery.flot.time.js",
    "jquery.flot.selection.min.js": "flot/jquery.flot.selection.js",
    "jquery.flot.categories.min.js": "flot/jquery.flot.categories.js",
    "stupidtable.min.js": "stupid-table-plugin/stupidtable.min.js",
    "md5.min.js": "blueimp-md5/js/md5.min.js",
    "bootstrap.min.js": "bootstrap/dist/js/bootstrap.min.js",
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
}
_FONTS = "bootstrap/dist/fonts"
_BARS = "jquery.flot.orderBars.js"
_ELSEWHERE = re.compile(r'(src|href)="https://[^"]*/([^/"]+\.(?:js|css))"(?: [a-z]+="[^"]*")*')
_GRID = '<li id="nav-li-" class="active">'
_TAB = '<li id="nav-li-four-ways"><a href="four-ways.html">Four ways</a></li>\n\t'


def finish(html: Path) -> list[str]:
    """Finish the site in a folder and return what there is to say."""
    index = html / "index.html"
    text = index.read_text()
    said = []
    modules = installed(html.parent / "npm")
    shutil.copy(_HERE / "order_bars.js", html)
    known = {_BARS: "order_bars.js"}
    if modules is None:
        said.append("npm is not here: asv's own pages load their scripts from the network")
    else:
        known |= {name: f"vendor/{path}" for name, path in _VENDORED.items()}
        for path in (*_VENDORED.values(), _FONTS):
            _copy(modules / path, html / "vendor" / path)
    text = _ELSEWHERE.sub(lambda match: _local(match, known), text)
    if "four-ways.html" not in text:
        text = text.replace(_GRID, _TAB + _GRID)
    index.write_text(text)
    machines = by_machine()
    commits = {record.commit for records in machines.values() for record in records}
    if lacking := sum(not kernels_of(commit) for commit in commits):
        said.append(
            f"asv's own pages leave out {lacking} of {len(commits)} recorded commits, which this"
            " clone lacks: git fetch --unshallow brings them"
        )
    agree(html, machines)
    (html / "four-ways.html").write_text(page(machines, in_site=True))
    (html.parent / "four-ways.html").write_text(page(machines, in_site=False))
    return said


def installed(folder: Path) -> Path | None:
    """Return where npm has put asv's scripts, installing them if need be; None without npm."""
    if shutil.which("npm") is None:
        return None
    lock = folder / "package-lock.json"
    if not lock.exists() or lock.read_text() != (_HERE / lock.name).read_text():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, folder)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=folder, check=True)
    return folder / "node_modules"


def _local(match: re.Match[str], known: dict[str, str]) -> str:
    """Return the reference to a file of ours, or as it was where there is none."""
    attribute, name = match[1], match[2]
    return f'{attribute}="{known[name]}"' if name in known else match[0]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not (Path(arguments[0]) / "index.html").exists():
        print(
            "usage: python -m report.site FOLDER, one that asv publish has written", file=sys.stderr
        )
        return 2
    for line in finish(Path(arguments[0])):
        print(line)
    return 0

"""The picture of the page in README, docs/page.png, as Chromium draws it.

    python -m report.picture

What it shows, the machine and the commit of the gradients, is kept in the file as a comment: so a
test finds a picture that is stale without drawing it. Needs playwright and a Chromium.
"""

import re
import shutil
import struct
import sys
import tempfile
import zlib
from pathlib import Path

from report.benchmarks import SPEEDUP
from report.figures import figure
from report.machines import Machines, by_machine
from report.page import page
from report.results import FOLDER

PICTURE = FOLDER.parent / "docs" / "page.png"
_WIDTH, _HEIGHT = 1400, 1300  # pixels
_FIRST_CHUNK = 33  # bytes of a PNG file: its signature, and the header that must come first
_COMMENT = b"tEXtComment\0"


def browser() -> str:
    """Return the path of Chromium, "" where there is none."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
    )


def shown(machines: Machines) -> str:
    """Return what the page shows first: the machine, and the commit of the gradients on it."""
    return f"{figure('machine', machines)}; {figure(f'commit {SPEEDUP}', machines)}"


def drawn(machines: Machines) -> bytes:
    """Return the top of the page as PNG, with `shown` as its comment."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_text(page(machines, in_site=False))
        running = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        tab = running.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        tab.goto(file.as_uri())
        tab.wait_for_selector("body[data-ready=yes]")
        png = tab.screenshot()
        running.close()
    return commented(png, shown(machines))


def commented(png: bytes, comment: str) -> bytes:
    """Return a PNG file with a comment (W3C, PNG, third edition, 11.3.3.2)."""
    chunk = _COMMENT + comment.encode("latin-1")
    packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:_FIRST_CHUNK] + packed + png[_FIRST_CHUNK:]


def comment_of(png: bytes) -> str:
    """Return the comment of a PNG file, "" where it has none."""
    found = re.search(rb"(....)" + _COMMENT, png, re.DOTALL)
    if not found:
        return ""
    length = struct.unpack(">I", found[1])[0] - len(_COMMENT) + 4
    return png[found.end() : found.end() + length].decode("latin-1")


def main() -> int:
    if not browser():
        print("no Chromium here", file=sys.stderr)
        return 2
    PICTURE.write_bytes(drawn(by_machine()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

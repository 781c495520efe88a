"""All trials of a library, in a process of its own that may crash or hang."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from suites.conform.trial import CRASHES, Trial
from suites.harness import process

_PATIENCE = 60.0  # seconds for one routine on one case, three times; the import included
Runner = Callable[[str, int, Path], list[str]]


def _command(library: str, first: int, path: Path) -> list[str]:
    return process.command(
        "suites.conform.trial:run", [library, first], path, python=sys.executable
    )


def survey(library: str, runner: Runner = _command) -> Iterator[Trial]:
    """Yield each trial. What crashes or hangs is one, and the next case is gone on with.

    ``runner`` gives the command for a library, the number of the first trial, and a free path.
    """
    first = 0
    while True:
        begun: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as said:
            command = runner(library, first, Path(folder) / "done.json")
            with subprocess.Popen(
                command, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True
            ) as trying:
                for line in _lines(trying):
                    found = json.loads(line)
                    if "number" in found:
                        begun = found
                    else:
                        begun = {}
                        yield Trial(**found)
                trying.kill()
            if trying.returncode == 0:
                return
            if not begun:
                said.seek(0)
                raise RuntimeError(f"{library} does not start: {said.read()[-400:]}")
        first = begun.pop("number") + 1
        yield Trial(**begun | {"verdict": CRASHES})


def _lines(trying: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield the lines of a process until it ends, or says nothing for too long."""
    queue: Queue[str | None] = Queue()

    def read() -> None:
        for line in trying.stdout or []:
            queue.put(line)
        queue.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = queue.get(timeout=_PATIENCE)
        except Empty:
            return
        if line is None:
            return
        yield line

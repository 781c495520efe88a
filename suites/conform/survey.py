"""All trials of a library, in a process of its own that may crash or hang."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from suites.conform.trial import CRASHES, Trial

_PATIENCE = 60.0  # seconds for one routine on one case, three times; the import included
_RUNNER = (sys.executable, "-m", "suites.conform.trial")
_ROOT = Path(__file__).parents[2]


def survey(library: str, runner: Sequence[str] = _RUNNER) -> Iterator[Trial]:
    """Yield each trial. What crashes or hangs is one, and the next case is gone on with.

    ``runner`` is called with the library and the number of the first trial.
    """
    first = 0
    while True:
        begun: dict[str, Any] = {}
        with tempfile.TemporaryFile("w+") as said:
            command = [*runner, library, str(first)]
            with subprocess.Popen(
                command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=said, text=True
            ) as process:
                for line in _lines(process):
                    found = json.loads(line)
                    if "number" in found:
                        begun = found
                    else:
                        begun = {}
                        yield Trial(**found)
                process.kill()
            if process.returncode == 0:
                return
            if not begun:
                said.seek(0)
                raise RuntimeError(f"{library} does not start: {said.read()[-400:]}")
        first = begun.pop("number") + 1
        yield Trial(**begun | {"verdict": CRASHES})


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield the lines of a process until it ends, or says nothing for too long."""
    queue: Queue[str | None] = Queue()

    def read() -> None:
        for line in process.stdout or []:
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

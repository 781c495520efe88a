"""A function called in a process of its own: the unit of evidence.

What is measured twice in one process shares its memory layout, its threads and where they woke, so
that samples of one process are not independent. A figure is one of a process, and several
processes are what a figure of the history rests on.

As asv has it, `suites` is the working tree's, whatever is installed: what judges a kernel must not
come from the commit being judged.
"""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

_SUITES = Path(__file__).parents[1]

# Where the processes of a run are kept until it is recorded, and the variables that change it.
MEASURED = _SUITES.parent / ".asv" / "measured"
FOLDER = "FOURWAYS_MEASURED"  # elsewhere
FEWER = "FOURWAYS_PROCESSES"  # no more than so many at each point
SMALLEST = "FOURWAYS_SMALLEST"  # of the sizes that share a process only the first

# The kernels are those that are installed, or lie in a folder that holds nothing else.
_SCRIPT = """
import importlib.util, sys
suites, kernels, *arguments = sys.argv[1:]
if kernels:
    sys.path.insert(0, kernels)
spec = importlib.util.spec_from_file_location(
    "suites", suites + "/__init__.py", submodule_search_locations=[suites]
)
sys.modules["suites"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["suites"])
from suites.harness.process import answer
answer(*arguments)
"""


class Outcome(NamedTuple):
    """What a process returned, or how it failed ("" if it did not), and the seconds it took."""

    value: Any
    failure: str
    seconds: float

    @property
    def timed_out(self) -> bool:
        return is_time_out(self.failure)


_SIGNAL_AT_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_TIMED_OUT = "timed out"
_SHOWN = 300  # characters of an error


def is_time_out(failure: str) -> bool:
    """Return whether a process failed by running into its limit, and not by crashing."""
    return failure.startswith(_TIMED_OUT)


def call(
    function: str,
    arguments: Sequence[Any],
    *,
    timeout: float,
    python: str = sys.executable,
    kernels: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Outcome:
    """Return what a function ("suites.module:Class.method") returns in a fresh process.

    ``arguments`` and the result are what JSON holds, NaN and infinity too. ``kernels`` is a folder
    that has the package; without it, the one that is installed for ``python`` is measured. Raises
    nothing but what interrupts the caller: then the process and its children are ended too.
    """
    began = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path, said = Path(folder) / "value.json", Path(folder) / "stderr"
        given = command(function, arguments, path, python=python, kernels=kernels)
        with said.open("wb") as stderr:
            process = subprocess.Popen(
                given,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
            )
            try:
                status = process.wait(timeout)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _end(process)
        seconds = perf_counter() - began
        if status is None:
            return Outcome(None, f"{_TIMED_OUT} after {timeout:.0f} s", seconds)
        if status or not path.exists():
            return Outcome(None, f"ended with {status}: {_last_line(said)}", seconds)
        return Outcome(json.loads(path.read_text()), "", seconds)


def command(
    function: str, arguments: Sequence[Any], path: Path, *, python: str, kernels: Path | None = None
) -> list[str]:
    """Return the command that calls a function and writes what it returns to a file, as JSON.

    The arguments lie in a file beside that one: a command line may not hold them.
    """
    given = path.with_suffix(".arguments")
    given.write_text(json.dumps(list(arguments)))
    of = [str(_SUITES), str(kernels or ""), function, str(given), str(path)]
    return [python, "-P", "-c", _SCRIPT, *of]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and those that it has begun."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_with_caller() -> None:
    """Let Linux end this process, and it those that it has begun, when its caller is gone.

    What goes on after that nobody waits for, and it is in the way of whatever is timed next.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGTERM)


def _last_line(said: Path) -> str:
    lines = said.read_text(errors="replace").strip().splitlines()
    return lines[-1][:_SHOWN] if lines else "nothing said"


def answer(function: str, arguments: str, path: str) -> None:
    """Call the function and write what it returns, whole or not at all."""
    _end_with_caller()
    module, _, name = function.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    value = json.dumps(found(*json.loads(Path(arguments).read_text())))
    partial = Path(path + ".partial")
    partial.write_text(value)
    partial.rename(path)

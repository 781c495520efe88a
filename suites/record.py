"""A record of HEAD: measured by processes spread over the run, handed out by asv's benchmarks.

Beside asv's file of results stands one of the same name that ends in .processes.json.gz: every
process of the run, apart, with its raw samples (`suites.harness.processes`). Earlier records of the
same commit stay: they are numbered.

Imports neither NumPy nor the kernels, as `suites.run`.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from suites.harness import process

ROOT = Path(__file__).parents[1]
RAW = ".processes.json.gz"

Benchmark = dict[str, Any]  # as asv describes it: "name", "param_names", "params" as Python text


class Environment(NamedTuple):
    """asv's environment: its name in the history, its Python, the variables of a run."""

    name: str
    python: str
    variables: dict[str, str]


def environment(configuration: Path) -> Environment:
    """Return the one environment of a configuration of asv's; it is made if need be."""
    from asv.config import Config
    from asv.environment import get_environments

    given = Config.load(str(configuration))
    given.env_dir = str(configuration.parent / given.env_dir)
    os.chdir(ROOT)  # asv looks for the project's requirements there
    (found,) = get_environments(given, None)
    found.create()
    return Environment(found.name, found.find_executable("python"), found.env_vars)


def classes(benchmarks: Iterable[Benchmark], of: Sequence[str]) -> list[str]:
    """Return the classes of benchmarks whose names begin as one of those given."""
    names = dict.fromkeys(benchmark["name"].rpartition(".")[0] for benchmark in benchmarks)
    return [name for name in names if any(f"{name}.".startswith(start) for start in of)]


def campaign(where: Environment, benchmarks: Sequence[str]) -> dict[str, Any]:
    """Measure in the environment; return every process by group and point.

    Exits as it does if it is interrupted.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.json"
        run = "suites.harness.campaign:run"
        command = process.command(run, [list(benchmarks)], path, python=where.python)
        try:
            done = subprocess.run(
                command, cwd=folder, env={**os.environ, **where.variables}, check=False
            )
        except KeyboardInterrupt:  # which the process has met as well, and says so
            sys.exit(130)
        if done.returncode:
            sys.exit(done.returncode)
        found: dict[str, Any] = json.loads(path.read_text())
    return found


def make_way(results: Path) -> None:
    """Give an earlier record of the same commit a number, so that both are kept."""
    if not results.exists():
        return
    number = 1
    while (numbered := results.with_name(f"{results.stem}-{number}.json")).exists():
        number += 1
    results.rename(numbered)
    raw = beside(results)
    if raw.exists():
        raw.rename(beside(numbered))


def beside(results: Path) -> Path:
    """Return the file of the processes that belongs to a file of asv's results."""
    return results.with_name(results.stem + RAW)


def keep(results: Path, found: dict[str, Any]) -> None:
    """Write the processes beside asv's results, and empty the folder of what was measured."""
    text = json.dumps({"groups": found}, separators=(",", ":"))
    beside(results).write_bytes(gzip.compress(text.encode(), mtime=0))
    shutil.rmtree(process.MEASURED, ignore_errors=True)


@cache
def kernels_of(commit: str) -> str:
    """Return git's hash of the kernels of a commit; empty where it has none: in a shallow clone."""
    asked = ["git", "rev-parse", "--verify", "--quiet", f"{commit}:kernels"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    except OSError:  # no git
        return ""
    return done.stdout.strip()

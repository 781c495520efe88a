"""What is compared: the kernels of a commit or of the working tree, in a folder of their own.

Kernels are pure Python and compile at their first call, beside their source, so to build is to
copy. Base and head never share a folder, even where they are the same tree: what two builds of one
source differ by must meet both alike.
"""

import hashlib
import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from suites import record
from suites.configurations import derived

ROOT = Path(__file__).parents[2]


class BuildError(Exception):
    """What was asked for is not there, in one line."""


class Python(NamedTuple):
    """An interpreter with the libraries that are measured, and what it runs under."""

    executable: str
    environment: dict[str, str]


class Build(NamedTuple):
    """Kernels, and what runs them."""

    label: str
    kernels: Path  # the folder that the package lies in
    python: Python


def source(side: str, revision: str | None) -> tuple[str, Path]:
    """Return a label and the kernels of a commit, or without one of the working tree as it is."""
    if revision is None:
        digest, write = _digest(ROOT / "kernels"), _copy_working_tree
        label = "working tree"
    else:
        commit = _git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"
        )
        if not commit:
            raise BuildError(f"no commit {revision}")
        digest = _git("rev-parse", "--verify", "--quiet", f"{commit}:kernels")
        if not digest:
            raise BuildError(f"no kernels in {revision}")
        label = f"{revision} ({commit[:8]})"

        def write(folder: Path) -> None:
            command = ["git", "archive", "--format=zip", commit, "kernels"]
            archive = subprocess.check_output(command, cwd=ROOT)
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(folder)

    return label, folder_of(f"{side}-{digest[:16]}", write)


def folder_of(name: str, write: Callable[[Path], None]) -> Path:
    """Return .asv/compare/NAME, written once: whole, or not at all."""
    folder = ROOT / ".asv" / "compare" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            write(Path(partial) / "whole")
            (Path(partial) / "whole").rename(folder)
    return folder


def _copy_working_tree(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "kernels", folder / "kernels", ignore=ignored)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def interpreter(side: str, pins: dict[str, str]) -> Python:
    """Return asv's environment for the versions of asv.conf.json, but for these; made if need be.

    The environments are those of `make bench`, of which one is made in a minute. Raises
    `BuildError` where a library or a version is not known.
    """
    from asv.util import ProcessError

    try:
        path = derived(f"compare-{side}", pins=pins)
    except ValueError as error:
        raise BuildError(str(error)) from None
    try:
        made = record.environment(path)
        _install_judge(made.python)
    except (ProcessError, subprocess.CalledProcessError):
        versions = " ".join(f"{name}={version}" for name, version in pins.items())
        raise BuildError(f"no environment with {versions or 'the pinned versions'}") from None
    return Python(made.python, made.variables)


def _install_judge(executable: str) -> None:
    """FLINT judges and is not measured: asv installs it with a commit, and not before."""
    if subprocess.run([executable, "-c", "import flint"], capture_output=True).returncode:
        command = "-m pip install --quiet --disable-pip-version-check -c constraints.txt"
        subprocess.run([executable, *command.split(), "python-flint"], cwd=ROOT, check=True)

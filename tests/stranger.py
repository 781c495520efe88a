"""README's commands as a stranger runs them, where there are git, make and Python, and little else.

    python -m tests.stranger [--short] [--python PYTHON] [--keep]

A clone of HEAD in a folder whose name has a blank and an accent, an empty home, the locale C, and
on the PATH a shell and its tools: no compiler, browser, npm or Graphviz. Where root runs this, the
stranger is nobody. Each command of README runs in its order and is timed; with --short, those that
take minutes on a part of what they do. Then some again: without a network, with results/ that
cannot be written to, with a full disk for compiled code, and without PyTorch. Each must end with
success or with one line that says what is missing.

Without root, or `unshare` of util-linux, what needs them is left out and said.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

ROOT = Path(__file__).parents[1]
_FOLDER = "une clé à lire"
_TOOLS = """
bash sh git make cat chmod cp cut date dirname env find grep head id ls mkdir mv rm sed sleep sort
tail touch tr uname wc
"""
_NOBODY = 65534
_SECONDS = 3600.0

# With --short: what a command is given as well, and None for one that is left out.
SHORT: dict[str, dict[str, str] | None] = {
    "make test": {"PYTEST_ADDOPTS": "tests/test_contract.py"},
    "make bench": {"SUITES": "accuracy.Variance"},
    "make compare BASE=main~3": None,
    "make bench-all": None,
    "make tables": None,
}


@dataclass
class Done:
    """How a command ended, what it wrote, and after how many seconds."""

    command: str
    status: int
    output: str
    seconds: float

    @property
    def complaint(self) -> str:
        """What is wrong with it, for one that should have done its work."""
        if self.status:
            return f"status {self.status}"
        return "a traceback" if "Traceback (most recent call last)" in self.output else ""

    @property
    def refusal(self) -> str:
        """What is wrong with it, for one that should have said in a line why it could not."""
        if not self.status:
            return "it says that it could"
        if "Traceback (most recent call last)" in self.output:
            return "a traceback"
        return "" if "cannot be written to" in self.output else "it does not say why"


@dataclass
class Stranger:
    """Somebody with a clone in a folder, and with next to nothing on the PATH."""

    folder: Path
    python: str
    found: list[tuple[Done, str]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, folder: Path, python: str) -> Iterator["Stranger"]:
        """Lay out clone, home and PATH in a folder."""
        stranger = cls(folder, python)
        for name in ("home", "bin", "tmp"):
            (folder / name).mkdir()
        for tool in _TOOLS.split():
            if place := shutil.which(tool):
                (folder / "bin" / tool).symlink_to(place)
        for name in ("python3", "python"):
            (folder / "bin" / name).symlink_to(python)
        subprocess.run(["git", "clone", "--quiet", ROOT, stranger.clone], check=True)
        if is_root():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
        yield stranger

    @property
    def clone(self) -> Path:
        return self.folder / "fourways"

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """Return nothing of ours but how pip finds its index."""
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        own = self.folder / "own" / "bin"
        return pip | {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": f"{own}{os.pathsep}{self.folder / 'bin'}",
            "LC_ALL": "C",
            **more,
        }

    def run(
        self, command: str, more: dict[str, str] | None = None, within: Sequence[str] = ()
    ) -> Done:
        """Run a line of a shell in the clone, ``within`` another command of root's."""
        began = perf_counter()
        done = subprocess.run(
            [*within, *as_nobody(), str(self.folder / "bin" / "bash"), "-c", command],
            cwd=self.clone,
            env=self.environment(more or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
        output = done.stdout.decode("utf-8", "replace")
        return Done(command, done.returncode, output, perf_counter() - began)

    def tell(self, done: Done, complaint: str, under: str = "") -> None:
        """Keep and print how a command went."""
        self.found.append((done, complaint))
        name = f"{done.command}  {under}".strip()
        print(f"{done.seconds:7.1f} s  {name}  {complaint or 'ok'}", flush=True)
        if complaint:
            print("\n".join("    " + line for line in done.output.splitlines()[-25:]), flush=True)


def is_root() -> bool:
    """Return whether this process may become another user."""
    return os.name == "posix" and os.geteuid() == 0


def as_nobody() -> list[str]:
    """Return what makes a command nobody's, where root runs it."""
    if not is_root():
        return []
    return [
        shutil.which("setpriv") or "setpriv",
        f"--reuid={_NOBODY}",
        f"--regid={_NOBODY}",
        "--clear-groups",
    ]


def _unshare() -> str:
    return shutil.which("unshare") or ""


def commands() -> list[str]:
    """Return what README tells a reader to type, in its order."""
    lines = re.findall(r"(?m)^    ((?:make|pip|fourways) .+)$", (ROOT / "README.md").read_text())
    return [re.split(r"  +#", line)[0].rstrip() for line in lines]


def first_minutes(stranger: Stranger, *, short: bool) -> None:
    """Run README's commands in their order."""
    _write_prices(stranger)
    for command in commands():
        more = SHORT.get(command, {}) if short else {}
        if more is None:
            continue
        if command.startswith("pip"):  # as README says, into an environment of one's own
            made = stranger.run("python3 -m venv ../own")
            stranger.tell(made, made.complaint)
        done = preview(stranger) if command == "make preview" else stranger.run(command, more)
        stranger.tell(done, done.complaint)


def _write_prices(stranger: Stranger) -> None:
    """Write the table that README's example is about: docs/your_own_data.md has it."""
    text = (ROOT / "docs" / "your_own_data.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    subprocess.run([sys.executable, "-c", snippet], cwd=stranger.clone, check=True)


def preview(stranger: Stranger) -> Done:
    """Serve the site, ask for its first page, and end it as Ctrl-C does."""
    began = perf_counter()
    with subprocess.Popen(
        [*as_nobody(), "make", "preview", "PORT=8097"],
        cwd=stranger.clone,
        env=stranger.environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as server:
        status, why = 1, ""
        for _ in range(50):
            try:
                with urllib.request.urlopen("http://127.0.0.1:8097/", timeout=5) as page:
                    status = 0 if page.status == 200 else 1
                break
            except OSError as error:
                why = str(error)
                sleep(0.2)
        os.killpg(server.pid, signal.SIGINT)
        server.communicate()
    return Done("make preview", status, why, perf_counter() - began)


_AGAIN = [
    "make html",
    "make report",
    "fourways compare prices.csv --target price --intercept --dummies",
    "fourways recommend --n 200000 --p 40",
]


def without_a_network(stranger: Stranger) -> None:
    """Once all is set up nothing asks the network for anything."""
    for command in ["make test", "make bench", *_AGAIN]:
        done = stranger.run(command, SHORT.get(command), within=[_unshare(), "--net"])
        stranger.tell(done, done.complaint, "without a network")


def with_results_read_only(stranger: Stranger) -> None:
    """What reads the records works; what would write there says so."""
    results = stranger.clone / "results"
    paths = [results, *results.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    for command in _AGAIN:
        done = stranger.run(command)
        stranger.tell(done, done.complaint, "with results/ read-only")
    done = stranger.run("make bench", SHORT["make bench"])
    stranger.tell(done, done.refusal, "with results/ read-only, refused")
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)


def with_a_full_disk(stranger: Stranger) -> None:
    """Compiled code that cannot be kept is compiled in each process."""
    full = stranger.folder / "full"
    full.mkdir()
    mounted = f'{shutil.which("mount")} -t tmpfs -o size=16k,mode=777 tmpfs "$0" && exec "$@"'
    within = [_unshare(), "--mount", "/bin/sh", "-c", mounted, str(full)]
    command = "fourways compare prices.csv --target price --intercept --dummies"
    done = stranger.run(command, {"NUMBA_CACHE_DIR": str(full)}, within)
    stranger.tell(done, done.complaint, "with a full disk for compiled code")


def without_torch(stranger: Stranger) -> None:
    """Where PyTorch cannot be had the other ways go on."""
    command = "fourways compare prices.csv --target price --intercept --dummies"
    for before in ("pip uninstall --quiet --yes torch", command):
        done = stranger.run(before)
        stranger.tell(done, done.complaint, "without PyTorch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all of it; the status is 1 if anything went otherwise than it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.stranger", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--short", action="store_true", help="a part of what takes minutes")
    parser.add_argument("--python", default="/usr/bin/python3", help="the stranger's Python")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    given = parser.parse_args(arguments)
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    folder = top / _FOLDER
    folder.mkdir()
    try:
        with Stranger.at(folder, given.python) as stranger:
            first_minutes(stranger, short=given.short)
            with_results_read_only(stranger)
            if is_root() and _unshare():
                without_a_network(stranger)
                with_a_full_disk(stranger)
            else:
                print("left out, as they need root and unshare: no network, a full disk")
            without_torch(stranger)
    finally:
        if given.keep:
            print(folder)
        else:
            shutil.rmtree(top)
    return int(any(complaint for _, complaint in stranger.found))


if __name__ == "__main__":
    sys.exit(main())

"""README's commands as a stranger runs them, where there are git, make and Python, and little else.

    python -m tests.stranger [--short] [--python PYTHON]

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
from collections.abc import Sequence
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
    # Beside the contract, what asks the system and the standard library for most.
    "make test": {
        "PYTEST_ADDOPTS": "tests/test_contract.py tests/test_processes.py tests/test_two_builds.py"
    },
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

    def complaint(self, refused: str = "") -> str:
        """What is wrong with it: it had to succeed, or to fail and say so by the words ``refused``.

        Never with a traceback.
        """
        if "Traceback (most recent call last)" in self.output:
            return "a traceback"
        if bool(self.status) != bool(refused):
            return f"status {self.status}"
        return "" if refused in self.output else "it does not say why"


@dataclass
class Stranger:
    """Somebody with a clone in a folder, and with next to nothing on the PATH."""

    folder: Path
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, folder: Path, python: str) -> "Stranger":
        """Lay out clone, home and PATH in a folder."""
        stranger = cls(folder)
        for name in ("home", "bin", "tmp"):
            (folder / name).mkdir()
        for tool in _TOOLS.split():
            if place := shutil.which(tool):
                (folder / "bin" / tool).symlink_to(place)
        for name in ("python3", "python"):
            (folder / "bin" / name).symlink_to(python)
        subprocess.run(["git", "clone", "--quiet", ROOT, stranger.clone], check=True)
        write_prices(stranger.clone)
        if is_root():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
        return stranger

    @property
    def clone(self) -> Path:
        return self.folder / "fourways"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours but how pip finds its index."""
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        own = self.folder / "own" / "bin"
        return pip | {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": f"{own}{os.pathsep}{self.folder / 'bin'}",
            "LC_ALL": "C",
        }

    def run(
        self,
        command: str,
        under: str = "",
        *,
        more: dict[str, str] | None = None,
        within: Sequence[str] = (),
        refused: str = "",
    ) -> None:
        """Run a line of a shell in the clone, and tell how it went ``under`` which circumstances.

        ``within`` another command, of root's; ``refused`` as `Done.complaint` has it.
        """
        began = perf_counter()
        done = subprocess.run(
            [*within, *as_nobody(), str(self.folder / "bin" / "bash"), "-c", command],
            cwd=self.clone,
            env=self.environment | (more or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
        output = done.stdout.decode("utf-8", "replace")
        self.tell(Done(command, done.returncode, output, perf_counter() - began), under, refused)

    def tell(self, done: Done, under: str = "", refused: str = "") -> None:
        """Keep and print how a command went."""
        complaint = done.complaint(refused)
        name = f"{done.command}  {under}".strip()
        print(f"{done.seconds:7.1f} s  {name}  {complaint or 'ok'}", flush=True)
        if complaint:
            self.complaints.append(f"{name}: {complaint}")
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


def unshared(what: str) -> list[str]:
    """Return what runs a command with a ``what`` of its own, nothing where that may not be."""
    command = [shutil.which("unshare") or "unshare", f"--{what}"]
    try:
        may = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        may = False
    return command if may else []


def reachable_python() -> str:
    """Return a Python that the stranger may run, and that can make environments."""
    ours = Path(sys.base_prefix) / "bin" / "python3"
    for python in (str(ours), "/usr/bin/python3"):
        # From the stranger's shell: what setpriv itself starts may still be found by root's right.
        asked = [*as_nobody(), "/bin/sh", "-c", f"'{python}' -c 'import ensurepip, venv'"]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return python
    raise RuntimeError(f"neither {ours} nor /usr/bin/python3 can be run by the stranger")


def commands() -> list[str]:
    """Return what README tells a reader to type, in its order."""
    lines = re.findall(r"(?m)^    ((?:make|pip|fourways) .+)$", (ROOT / "README.md").read_text())
    return [re.split(r"  +#", line)[0].rstrip() for line in lines]


def write_prices(folder: Path) -> None:
    """Write the table that README's example is about: docs/your_own_data.md has it."""
    text = (ROOT / "docs" / "your_own_data.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    subprocess.run([sys.executable, "-c", snippet], cwd=folder, check=True)


def first_minutes(stranger: Stranger, *, short: bool) -> None:
    """Run README's commands in their order."""
    for command in commands():
        more = SHORT.get(command, {}) if short else {}
        if command.startswith("pip"):  # as README says, into an environment of one's own
            stranger.run("python3 -m venv ../own")
        if command == "make preview":
            stranger.tell(preview(stranger))
        elif more is not None:
            stranger.run(command, more=more)


def preview(stranger: Stranger) -> Done:
    """Serve the site, ask for its first page, and end it as Ctrl-C does."""
    began = perf_counter()
    with subprocess.Popen(
        [*as_nobody(), "make", "preview", "PORT=8097"],
        cwd=stranger.clone,
        env=stranger.environment,
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
        # Ctrl-C; whoever runs this in the background ignores it, and so do all that it starts.
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGTERM)
    return Done("make preview", status, why, perf_counter() - began)


_COMPARE = "fourways compare prices.csv --target price --intercept --dummies"
_AGAIN = ["make html", "make report", _COMPARE, "fourways recommend --n 200000 --p 40"]


def without_a_network(stranger: Stranger) -> None:
    """Once all is set up nothing asks the network for anything."""
    if not (within := unshared("net")):
        print("left out, as it needs root and unshare: without a network")
        return
    for command in ["make test", "make bench", *_AGAIN]:
        stranger.run(command, "without a network", more=SHORT.get(command), within=within)


def with_results_read_only(stranger: Stranger) -> None:
    """What reads the records works; what would write there says so."""
    results = stranger.clone / "results"
    paths = [results, *results.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    under = "with results/ read-only"
    for command in _AGAIN:
        stranger.run(command, under)
    stranger.run("make bench", under, more=SHORT["make bench"], refused="cannot be written to")
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)


def with_a_full_disk(stranger: Stranger) -> None:
    """Compiled code that cannot be kept is compiled in each process."""
    if not (within := unshared("mount")):
        print("left out, as it needs root and unshare: a full disk")
        return
    full = stranger.folder / "full"
    full.mkdir()
    mounted = f'{shutil.which("mount")} -t tmpfs -o size=16k,mode=777 tmpfs "$0" && exec "$@"'
    within += ["/bin/sh", "-c", mounted, str(full)]
    cache = {"NUMBA_CACHE_DIR": str(full)}
    stranger.run(_COMPARE, "with a full disk for compiled code", more=cache, within=within)


def without_torch(stranger: Stranger) -> None:
    """Where PyTorch cannot be had the other ways go on."""
    for command in ("pip uninstall --quiet --yes torch", _COMPARE):
        stranger.run(command, "without PyTorch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all of it; the status is 1 if anything went otherwise than it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.stranger", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--short", action="store_true", help="a part of what takes minutes")
    parser.add_argument("--python", help="the stranger's (default: the one that runs this)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        folder = Path(top) / _FOLDER
        folder.mkdir()
        stranger = Stranger.at(folder, given.python or reachable_python())
        first_minutes(stranger, short=given.short)
        with_results_read_only(stranger)
        without_a_network(stranger)
        with_a_full_disk(stranger)
        without_torch(stranger)
    return int(bool(stranger.complaints))


if __name__ == "__main__":
    sys.exit(main())

"""Compare the kernels of two commits, or of one on two sets of library versions.

    python -m suites.compare BASE [HEAD]                    # without HEAD: the working tree
    python -m suites.compare --versions "numpy=2.2.6" [COMMIT]    # against the pinned versions

Exit status: 1 where the head is slower, wrong or fails; 2 where nothing can be compared; else 0.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from suites.compare import builds, table
from suites.compare.builds import Build, BuildError
from suites.compare.session import Session

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        base, head = _sides(given.revisions, given.versions)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    session, status = Session(base, head), 0
    try:
        session.verify(_tell)
        session.run(given.minutes, _tell)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    _tell("")
    print(table.markdown(session) if given.markdown == "-" else table.text(session))
    if given.markdown not in (None, "-"):
        Path(given.markdown).write_text(table.markdown(session) + "\n")
    return 1 if table.is_worse(session) else status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m suites.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("revisions", nargs="*", metavar="COMMIT")
    parser.add_argument("--versions", default="", help='of libraries: "numpy=2.2.6 scipy=1.15.3"')
    parser.add_argument("--minutes", type=float, default=5.0, help="to measure in (default: 5)")
    parser.add_argument("--markdown", metavar="FILE", help="write the table to it; - to print it")
    return parser


def _sides(revisions: list[str], versions: str) -> tuple[Build, Build]:
    """Return base and head; raise `BuildError` where there are none."""
    if versions:
        if len(revisions) > 1:
            raise BuildError("versions are compared on the kernels of one commit")
        if not all("=" in pin for pin in versions.split()):
            raise BuildError('say which versions: "numpy=2.2.6 scipy=1.15.3"')
        pins = dict(pin.split("=", 1) for pin in versions.split())
        revision = revisions[0] if revisions else None
        _, base = builds.source("base", revision)
        _, head = builds.source("head", revision)
        return (
            Build("the pinned versions", base, builds.interpreter("base", {})),
            Build(versions, head, builds.interpreter("head", pins)),
        )
    if len(revisions) not in (1, 2):
        raise BuildError("say against which commit: make compare BASE=main~3 [HEAD=...]")
    base_revision, head_revision = [*revisions, None][:2]
    sources = builds.source("base", base_revision), builds.source("head", head_revision)
    python = builds.interpreter("base", {})
    return Build(*sources[0], python), Build(*sources[1], python)


def _tell(line: str) -> None:
    """Write over the last line of a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

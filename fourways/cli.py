"""The command line: what it accepts. What it does is imported when it is asked for."""

import argparse
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

from fourways import PACKAGES
from fourways.errors import InputError

_EXAMPLES = """examples:
  fourways compare data.csv --target price
  fourways compare data.csv --target price --features area,rooms --intercept
  fourways compare messy.csv.gz --target price --exclude id --dummies --missing drop
  fourways compare X.npy y.npy --json found.json
  fourways compare 'data/*.parquet' --target price --workers 4
  fourways recommend --n 200000 --p 40
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="fourways",
        description="Which way to take for the gradient of linear regression, with proof.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare", help="check and time the four ways on your own X and y"
    )
    _add_reading(compare)
    compare.add_argument(
        "--alpha", type=float, default=0.0, help="ridge penalty (default: %(default)s)"
    )
    compare.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    compare.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    compare.add_argument(
        "--seconds", type=float, metavar="S", help="to time gradients for, together (default: 0.3)"
    )
    compare.add_argument("--json", type=Path, metavar="FILE", help="write all of it, for scripts")
    compare.add_argument(
        "--save", type=Path, metavar="FILE.npz", help="write X and y as read, for FOURWAYS_DATA"
    )
    compare.add_argument(
        "--workers", type=int, metavar="N", help="on a cluster of so many processes here"
    )
    compare.add_argument(
        "--scheduler", metavar="ADDRESS", help="on a Dask cluster, tcp://host:8786"
    )
    recommend = commands.add_parser(
        "recommend", help="which way for n rows and p columns, from the recorded results"
    )
    recommend.add_argument("--n", type=int, required=True, help="rows")
    recommend.add_argument("--p", type=int, required=True, help="columns")
    conform = commands.add_parser(
        "conform", help="which least squares routine of which library can be trusted"
    )
    conform.add_argument("libraries", nargs="*", metavar="LIBRARY", help="default: all installed")
    conform.add_argument("--json", type=Path, metavar="FILE", help="write every trial")
    commands.add_parser("ways", help="what the four ways are")
    commands.add_parser("problems", help="the families of problems that solvers are judged on")
    commands.add_parser("report", help="winners, regressions and failures, as recorded")
    graph = commands.add_parser("graph", help="the graph that PyTorch records of the loss")
    graph.add_argument("--format", choices=["text", "mermaid", "dot", "svg", "png"], default="text")
    completion = commands.add_parser("completion", help="print the completion of a shell")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    return top


def _add_reading(compare: argparse.ArgumentParser) -> None:
    """Add what says how the files are to be read."""
    compare.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="one .csv, .tsv, .txt, .dat, packed or not, or .parquet; X.npy and y.npy; or one .npz"
        " with X and y. On a cluster also folders, patterns ('data/*.parquet'), addresses, X.zarr"
        " and y.zarr",
    )
    compare.add_argument("--target", metavar="COLUMN", help="the column to fit, of a table")
    for option, what in (
        ("--features", "the columns to fit it with (default: all others)"),
        ("--exclude", "columns to leave out"),
    ):
        compare.add_argument(
            option,
            metavar="A,B,C",
            action="append",
            default=[],
            help=f"{what}; again for each name that has a comma",
        )
    compare.add_argument("--intercept", action="store_true", help="add a column of ones")
    compare.add_argument("--dummies", action="store_true", help="turn columns of text into dummies")
    compare.add_argument("--dates", action="store_true", help="read dates as days since 1970-01-01")
    compare.add_argument(
        "--missing",
        choices=["error", "drop"],
        default="error",
        help="rows with missing values: an error, or left out (default: %(default)s)",
    )
    found = compare.add_argument_group("how a text file is written (default: found out)")
    found.add_argument("--separator", metavar="C", help="one character, or tab or blank")
    found.add_argument("--decimal", choices=[".", ","], help="the decimal mark")
    found.add_argument("--encoding", help="utf-8, utf-16, cp1252, ...")
    found.add_argument(
        "--header", choices=["first", "none"], help="whether the first line holds the names"
    )
    found.add_argument(
        "--null",
        metavar="VALUE",
        action="append",
        default=[],
        help="a value that stands for a missing one, besides NA, NaN, ?, - and the like",
    )


def main(arguments: list[str] | None = None) -> int:
    # Before NumPy is loaded. OpenBLAS's idle threads spin through the next way's turn otherwise, as
    # suites/harness/timing.py says; the benchmarks have it from asv.conf.json.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    try:
        _require_own_packages()
        status = _run(parser().parse_args(arguments))
        sys.stdout.flush()
        return status
    except InputError as error:
        print(f"fourways: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in PACKAGES:
            raise
        print(f"fourways: this needs {error.name}, which is not installed", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # nothing is known yet
        print("fourways: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as by `| head`, which has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at exit
        return 141


def _require_own_packages() -> None:
    """Raise InputError where a package that is not beside this one would be imported as ours.

    The folders have names that others use too, and what comes first on Python's path is imported.
    Nothing is imported here.
    """
    root = Path(__file__).resolve().parents[1]
    for name in PACKAGES:
        found = find_spec(name)
        if found is None:
            raise InputError(f"there is no package named {name} beside {root / 'fourways'}")
        places = [Path(place) for place in found.submodule_search_locations or [found.origin or ""]]
        if places[0].resolve() != root / name:
            raise InputError(f"another package named {name} stands before ours: {places[0]}")


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    return f"fourways: {message}\n"


def _run(given: argparse.Namespace) -> int:
    warnings.formatwarning = _one_line
    if given.command == "compare":
        from fourways.compare import compare

        return compare(given)
    if given.command == "conform":
        from fourways.conform import conform

        return conform(given.libraries, given.json)
    if given.command == "recommend":
        from fourways.recommend import recommend

        print(recommend(given.n, given.p))
        return 0
    if given.command == "graph":
        from kernels.autograd.graph import main as graph

        return graph(["--format", given.format])
    if given.command == "report":
        from report.summary import main as report

        return report([])
    if given.command == "completion":
        import shtab

        print(shtab.complete(parser(), given.shell))
        return 0
    from fourways.listing import problems, ways

    print(ways() if given.command == "ways" else problems())
    return 0


if __name__ == "__main__":
    sys.exit(main())

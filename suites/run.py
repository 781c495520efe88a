"""asv's runs, as the Makefile calls them: which benchmarks, into which folder, on which versions.

    python -m suites.run bench                        # HEAD, kept in results/: what the table has
    python -m suites.run bench-all                    # HEAD, kept in results/: all but the peers
    python -m suites.run bench roofline               # HEAD, kept in results/: some suites
    python -m suites.run bench --versions "numpy=2.2.6 scipy=1.15.3"    # the same on others
    python -m suites.run peers                        # HEAD, kept: other libraries beside ours
    python -m suites.run quick                        # four sizes of the gradient, in .asv/quick
    python -m suites.run smoke                        # each benchmark at its smallest, not kept
    python -m suites.run check                        # asv imports the suites and checks them

Each registers this machine with asv, and ends with asv's exit status. Needs asv and neither NumPy
nor the kernels: which benchmarks there are is asked in the environment that asv makes.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import IO, Any

from suites import configurations, record
from suites.configurations import CONFIGURATION, ROOT
from suites.harness import machine, process

_ASV = [sys.executable, "-m", "asv"]

# What the main job holds.
MAIN = ["gradient.Gradient.", "gradient.Preparation.", "gradient.ReadLimit."]
MAIN += ["rank_deficient.Accuracy.", "rank_deficient.Time."]
MAIN += ["accuracy.Certified.", "accuracy.Variance."]

# Other libraries, in an environment of their own: neither `bench` nor `bench-all` has them.
PEERS = ["peers.", "conformance."]
# Measured there too, when it is asked for: it takes a quarter of an hour and most of the memory.
_ASKED_FOR = ["cluster."]

# What a first look shows, and at which sizes.
_QUICK = [
    "gradient.Gradient.track_time",
    "gradient.Gradient.track_speedup_over_numpy",
    "gradient.Preparation.track_time",
]
_QUICK_SIZES = {"n": ("100", "10000"), "p": ("4", "30")}

# What `smoke` leaves out: what has no small size, and what there is no file for.
LEFT_OUT = {
    "rank_deficient.Accuracy": "it is of 2000 x 50; rank_deficient.Time does the same on 200 x 10",
    "conformance.Conformance": "its processes are whole libraries; tests/test_conform.py",
    "peers.Gradient": "torch.compile takes half a minute; tests/test_conform.py",
    "peers.Tall": "its smallest is large; tests/test_conform.py",
    "user_data.UserData": "skipped without FOURWAYS_DATA; tests/test_suites.py makes a file",
}

Benchmark = dict[str, Any]  # as asv describes it: "name", "param_names", "params" as Python text


def combinations(benchmark: Benchmark) -> list[tuple[str, ...]]:
    """Return the combinations of parameters that `smoke` runs: the smallest, with all else in turn.

    Values that all begin with a digit are sizes, in order: n, "256 KiB", "100 x 4". Of them the
    first is taken. Each other value (way, solver, order) has its turn, beside any of the others.
    """
    axes = [axis[:1] if _are_sizes(axis) else axis for axis in benchmark["params"]]
    turns = max(map(len, axes), default=1)
    return [tuple(axis[turn % len(axis)] for axis in axes) for turn in range(turns)]


def _are_sizes(axis: Sequence[str]) -> bool:
    return all(value.lstrip("'")[:1].isdigit() for value in axis)


def smoke_selection(benchmarks: Iterable[Benchmark]) -> list[str]:
    """Return what `smoke` runs, as asv's regular expressions."""
    return [
        _pattern(benchmark["name"], combination)
        for benchmark in benchmarks
        if benchmark["name"].rpartition(".")[0] not in LEFT_OUT
        for combination in combinations(benchmark)
    ]


def quick_selection(benchmarks: Iterable[Benchmark]) -> list[str]:
    """Return what `quick` runs, as asv's regular expressions."""
    return [
        _pattern(benchmark["name"], combination)
        for benchmark in benchmarks
        if benchmark["name"] in _QUICK
        for combination in product(
            *(
                [value for value in axis if value in _QUICK_SIZES.get(name, axis)]
                for name, axis in zip(benchmark["param_names"], benchmark["params"], strict=True)
            )
        )
    ]


def _pattern(name: str, combination: tuple[str, ...]) -> str:
    """Return the expression that matches one combination alone, as asv writes it."""
    parameters = f"({', '.join(combination)})" if combination else ""
    return f"^{re.escape(name + parameters)}$"


def discovered(path: Path, results: str, name: str) -> list[Benchmark]:
    """Return the benchmarks that asv finds, each as it describes them; raise if it finds none."""
    _asv(path, *_of_head(name), "--bench", "just-discover", check=True)
    found = json.loads((ROOT / results / "benchmarks.json").read_text())
    return [benchmark for key, benchmark in found.items() if key != "version"]


def bench(
    name: str,
    of: Sequence[str] = MAIN,
    without: Sequence[str] = (),
    *,
    versions: str = "",
    peers: bool = False,
) -> int:
    """Measure HEAD and keep the record; what was interrupted goes on where it was.

    ``of`` is how the names of the benchmarks begin, and ``without`` how those do that are left out;
    ``versions`` are other than the pinned ones, as "numpy=2.2.6 scipy=1.15.3"; with ``peers`` other
    libraries are installed beside ours.

    What takes long is measured by processes of their own; asv's benchmarks hand that out. The
    status is 1 where one of them fails: a way or solver of ours is wrong, or a process crashed,
    which `report.table` says. Other solvers' wrong answers are results.
    """
    from asv.results import get_filename

    if unwritable := _unwritable(name):
        print(f"{unwritable} cannot be written to: there would be no record", file=sys.stderr)
        return 2
    try:
        path = _configuration(versions, peers)
    except ValueError as error:
        print(f'versions are given as "numpy=2.2.6 scipy=1.15.3": {error}', file=sys.stderr)
        return 2
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    print(f"Benchmarking commit {commit} on {name}", flush=True)
    benchmarks = discovered(path, "results", name)
    chosen = [
        found for found in record.classes(benchmarks, of) if not found.startswith(tuple(without))
    ]
    if not chosen:
        print(f"no suite {', '.join(of)} in suites/", file=sys.stderr)
        return 2
    where = record.environment(path)
    found = record.campaign(where, chosen)
    results = ROOT / "results" / get_filename(name, commit, where.name)
    record.make_way(results)
    patterns = [rf"^{re.escape(benchmark)}\." for benchmark in chosen]
    log = configurations.FOLDER / "bench.log"
    with log.open("w") as written:
        command = [*_of_head(name), "--record-samples", *_chosen(patterns)]
        status = _asv(path, *command, output=written)
    if status not in (0, 2):
        print(f"asv ended with {status}: see {log}", file=sys.stderr)
        return status
    record.keep(results, found)
    return 1 if status else 0


def _configuration(versions: str, peers: bool) -> Path:
    """Return the configuration with these versions; raise ValueError if there are none such."""
    if not (versions or peers):
        return CONFIGURATION
    pins = dict(given.split("=", 1) for given in versions.split())
    return configurations.derived("peers" if peers else "versions", pins=pins, peers=peers)


def _unwritable(name: str) -> str:
    """Return what of results/ asv could not write to, relative to the root, "" if all is well."""
    for path in ("results", "results/benchmarks.json", f"results/{name}"):
        if (ROOT / path).exists() and not os.access(ROOT / path, os.W_OK):
            return path
    return ""


def quick(name: str) -> int:
    """Benchmark gradient and preparation at four sizes, in a results folder of its own."""
    results = ".asv/quick"
    path = configurations.derived("quick", results=results)
    selection = quick_selection(discovered(path, results, name))
    by = _with_processes(2)
    return _asv(path, *_of_head(name), *_chosen(selection), only_chosen=True, environment=by)


def smoke(name: str) -> int:
    """Run what `smoke_selection` chooses, once each; nothing is kept."""
    results = ".asv/smoke"
    path = configurations.derived("smoke", results=results)
    selection = smoke_selection(discovered(path, results, name))
    arguments = ["--quick", "--dry-run", *_chosen(selection)]
    by = _with_processes(1) | {process.SMALLEST: "1"}
    return _asv(path, *_of_head(name), *arguments, only_chosen=True, environment=by)


def _with_processes(count: int) -> dict[str, str]:
    """Return the variables that let benchmarks measure what they hand out, by so few processes."""
    folder = configurations.FOLDER / "passing"
    shutil.rmtree(folder, ignore_errors=True)
    return {process.FOLDER: str(folder), process.FEWER: str(count)}


def check(name: str) -> int:
    """Let asv import the suites and check them."""
    print(name, flush=True)
    return _asv(CONFIGURATION, "check")


def _of_head(name: str) -> list[str]:
    return ["run", "HEAD^!", "--machine", name, "--show-stderr"]


def _chosen(selection: Iterable[str]) -> list[str]:
    return [argument for pattern in selection for argument in ("--bench", pattern)]


def _asv(
    path: Path,
    *arguments: str,
    only_chosen: bool = False,
    environment: dict[str, str] | None = None,
    output: IO[str] | None = None,
    check: bool = False,
) -> int:
    """Run asv and return its exit status.

    ``only_chosen`` shows asv's tables without the combinations of parameters that were not chosen.
    """
    command = [*_ASV, "--config", str(path), *arguments]
    env = {**os.environ, **(environment or {})}
    if not only_chosen:
        return subprocess.run(command, cwd=ROOT, env=env, stdout=output, check=check).returncode
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in without_empty_rows(process.stdout):
            print(line, end="", flush=True)
    return process.returncode


def without_empty_rows(lines: Iterable[str]) -> Iterator[str]:
    """Leave out the rows of asv's tables in which every value is n/a.

    A line of = spans the columns, and the last group of dashes those that hold values: the last
    parameter may have a column for each of its own.
    """
    columns: list[slice] = []
    first = 0
    for line in lines:
        if "==" in line:
            columns = [slice(*found.span()) for found in re.finditer("==+", line)]
        elif re.fullmatch(r"[- ]+", line.strip()):
            first = line.rstrip().rfind(" -") + 1
        elif {line[column].strip() for column in columns if column.start >= first} == {"n/a"}:
            continue
        yield line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m suites.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    some = commands.add_parser("bench")
    some.add_argument("suites", nargs="*", default=MAIN, help="such as roofline, descent.Descent")
    beside = commands.add_parser("peers")
    beside.add_argument("suites", nargs="*", default=PEERS, help="such as conformance")
    every = commands.add_parser("bench-all")
    for kept in (some, beside, every):
        kept.add_argument("--versions", default="", help='other than the pinned: "numpy=2.2.6"')
    for command in ("quick", "smoke", "check"):
        commands.add_parser(command)
    given = parser.parse_args(arguments)
    name = machine.register()
    run: dict[str, Callable[[str], int]] = {
        "bench": lambda name: bench(name, given.suites, versions=given.versions),
        "bench-all": lambda name: bench(name, [""], [*PEERS, *_ASKED_FOR], versions=given.versions),
        "peers": lambda name: bench(name, given.suites, versions=given.versions, peers=True),
        "quick": quick,
        "smoke": smoke,
        "check": check,
    }
    return run[given.command](name)


if __name__ == "__main__":
    sys.exit(main())

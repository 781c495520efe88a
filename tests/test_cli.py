"""The command, on real files and on defective ones: installed, in a process of its own, and here.

What only a process shows is asked of one: exit status, streams, what is imported, times. The rest
calls the same `main` (the fixture `fourways`): a process takes four seconds to start.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fourways import by_blocks
from fourways.advice import advice, interval, seconds
from fourways.diagnosis import diagnose
from fourways.measure import Findings, Measured, measure
from fourways.output import tables
from kernels import WAYS, LeastSquares, Solution
from kernels.blocks import engine
from kernels.blocks.problem import BlockedLeastSquares
from kernels.blocks.ways import WayOverBlocks
from report.machines import by_machine
from suites.data import families, nist, problems
from suites.judge import WrongAnswerError, check_solution

COMMAND = Path(sys.executable).parent / "fourways"
ROWS = 60
Command = Callable[..., Any]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prices with a column that is the sum of two others, and a city."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "prices.csv"
    lines = ["area,rooms,both,city,price"]
    for k in range(ROWS):
        area, rooms = rng.integers(20, 200), rng.integers(1, 9)
        city = ("Oslo", "Rome", "Paris")[k % 3]
        lines.append(f"{area},{rooms},{area + rooms},{city},{3 * area + rooms + rng.normal()}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_compare_finds_the_dependent_columns_and_judges_every_way(
    table: Path, tmp_path: Path
) -> None:
    found = tmp_path / "found.json"
    done = run(
        "compare", table, "--target", "price", "--features", "area,rooms,both", "--json", found
    )
    assert done.returncode == 0, done.stderr
    assert "X is 60 x 3, float64" in done.stdout
    assert "rank 2 of 3" in done.stdout
    assert re.search(r"(both = area \+ rooms|rooms = both - area|area = both - rooms)", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 100
    read = json.loads(found.read_text())
    assert read["rank"] == 2
    assert set(read["ways"]) == set(WAYS)
    for way in read["ways"].values():
        assert way["right"]
        assert way["solution"] == "right"
        assert way["times"].keys() == {"gradient", "value and gradient", "solve"}
    assert len(read["advice"]) == 3


def test_the_trap_of_dummies_beside_an_intercept_is_named(table: Path, fourways: Command) -> None:
    done = fourways(
        "compare", table, "--target", "price", "--features", "area,city", "--intercept", "--dummies"
    )
    assert done.returncode == 0, done.stderr
    assert "rank 4 of 5" in done.stdout
    dependency = next(line for line in done.stdout.splitlines() if "city=" in line)
    assert all(name in dependency for name in ("intercept", "city=Oslo", "city=Rome", "city=Paris"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_are_read_as_they_are(tmp_path: Path, dtype: str, fourways: Command) -> None:
    problem = problems.gaussian(40, 3, dtype=dtype)
    np.save(tmp_path / "X.npy", problem.X)
    np.save(tmp_path / "y.npy", problem.y)
    np.savez(tmp_path / "both.npz", X=problem.X, y=problem.y)
    for files in (["X.npy", "y.npy"], ["both.npz"]):
        paths = [tmp_path / file for file in files]
        done = fourways("compare", *paths, "--dtype", dtype, "--threads", 1)
        assert done.returncode == 0, done.stderr
        assert f"X is 40 x 3, {dtype}, alpha 0, on 1 thread" in done.stdout


def test_parquet_is_read_and_saved_for_the_suites(
    table: Path, tmp_path: Path, fourways: Command
) -> None:
    import polars as pl

    pl.read_csv(table).drop("city", "both").write_parquet(tmp_path / "prices.parquet")
    saved = tmp_path / "mine.npz"
    done = fourways("compare", tmp_path / "prices.parquet", "--target", "price", "--save", saved)
    assert done.returncode == 0, done.stderr
    with np.load(saved) as archive:
        assert archive["X"].shape == (ROWS, 2)


@pytest.mark.parametrize("name", ["Longley", "Norris"])
def test_certified_data_are_judged(tmp_path: Path, name: str, fourways: Command) -> None:
    problem = nist.load(name).problem()
    np.savez(tmp_path / "set.npz", X=problem.X, y=problem.y)
    done = fourways("compare", tmp_path / "set.npz", "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    ways = json.loads((tmp_path / "found.json").read_text())["ways"]
    assert all(way["right"] for way in ways.values())
    assert {way["solution"] for way in ways.values()} == {"right"}


def with_line(table: Path, path: Path, number: int, line: str) -> Path:
    lines = table.read_text().splitlines()
    lines[number] = line
    path.write_text("\n".join(lines) + "\n")
    return path


DEFECTS: list[tuple[str, list[str], str]] = [
    ("none.csv", ["--target", "price"], "none.csv: no such file"),
    ("notes.doc", [], "expected one .csv, .tsv, .txt"),
    ("prices.csv", [], "--target must name a column"),
    ("prices.csv", ["--target", "cost"], "has no column 'cost'; it has area, rooms, both, city"),
    ("prices.csv", ["--target", "price", "--features", "area,size"], "has no column 'size'"),
    ("prices.csv", ["--target", "price"], "column 'city' must be numeric; row 1 holds 'Oslo'"),
    ("prices.csv", ["--target", "city"], "column 'city' must be numeric"),
    (
        "text.csv",
        ["--target", "price", "--features", "area"],
        "column 'area' holds numbers, and in row 7 'many'",
    ),
    ("missing.csv", ["--target", "price", "--features", "area"], "'area' has no value in row 5"),
    ("constant.csv", ["--target", "y"], "the target is constant: every value is 3"),
    ("header.csv", ["--target", "y"], "header.csv has no rows"),
    ("alone.csv", ["--target", "y"], "there is nothing to fit: X has shape (2, 0)"),
    ("empty.csv", ["--target", "y"], "empty.csv is empty"),
    ("broken.npz", [], "broken.npz cannot be read"),
    ("other.npz", [], "other.npz must hold X and y"),
    ("cube.npz", [], "X must be (n, p), got shape (2, 2, 2)"),
    ("nan.npz", [], "X[1, 0] is nan: every entry must be finite"),
    ("prices.csv", ["--target", "price", "--features", "area", "--alpha", "-1"], "alpha must be"),
    ("prices.csv", ["--target", "price", "--json", "none/found.json"], "--json: none is no folder"),
    ("prices.csv", ["--target", "price", "--save", "none/mine.npz"], "--save: none is no folder"),
    ("prices.csv", ["--target", "price", "--features", "area", "--threads", "0"], "must be 1 to"),
    ("prices.csv", ["--target", "price", "--threads", "9999"], "--threads must be 1 to"),
    ("prices.csv", ["--target", "price", "--features", "area,area"], "names 'area' twice"),
    ("prices.csv", ["--target", "price", "--json", "."], "--json: . is a folder"),
    ("prices.csv", ["--target", "price", "--save", "mine"], "--save: mine must end in .npz"),
    ("clash.csv", ["--target", "y", "--dummies"], "'city=Rome' is a column and a dummy"),
    ("void.csv", ["--target", "y", "--missing", "drop"], "has no rows that lack nothing"),
    ("complex.npz", [], "must hold real numbers, got dtype complex128"),
    ("shapes.npz", [], "got shapes (4, 1) and (3,)"),
    ("array.npz", [], "array.npz holds one array"),
]


@pytest.fixture(scope="module")
def defects(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("defects")
    (folder / "prices.csv").write_text(table.read_text())
    (folder / "notes.doc").write_text("a,b\n1,2\n")
    with_line(table, folder / "text.csv", 7, "many,1,2,Rome,3")
    with_line(table, folder / "missing.csv", 5, ",1,2,Rome,3")
    (folder / "constant.csv").write_text("x,y\n1,3\n2,3\n")
    (folder / "header.csv").write_text("x,y\n")
    (folder / "alone.csv").write_text("y\n1\n2\n")
    (folder / "empty.csv").write_text("")
    (folder / "broken.npz").write_bytes(b"PK not a zip")
    np.savez(folder / "other.npz", A=np.ones(3))
    np.savez(folder / "cube.npz", X=np.ones((2, 2, 2)), y=np.arange(2.0))
    (folder / "clash.csv").write_text("city=Rome,city,y\n1,Rome,3\n2,Oslo,5\n")
    (folder / "void.csv").write_text("x,z,y\n1,,3\n,2,4\n")
    np.savez(folder / "complex.npz", X=np.ones((4, 1)), y=np.arange(4) * 1j)
    np.savez(folder / "shapes.npz", X=np.ones((4, 1)), y=np.ones(3))
    np.save(folder / "array.npy", np.ones(4))
    (folder / "array.npy").rename(folder / "array.npz")
    whole = (folder / "shapes.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(folder / "nan.npz", X=np.array([[1.0], [np.nan]]), y=np.arange(2.0))
    return folder


@pytest.mark.parametrize(("name", "options", "message"), DEFECTS)
def test_what_a_user_can_put_right_is_one_line(
    defects: Path,
    name: str,
    options: list[str],
    message: str,
    fourways: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(defects)
    is_one_line(fourways("compare", name, *options), message)


def test_a_process_says_it_in_one_line_too(defects: Path) -> None:
    done = run("compare", "truncated.npz", cwd=defects)
    is_one_line(done, "truncated.npz cannot be read")


def is_one_line(done: Any, message: str) -> None:
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("fourways: ")
    assert message in line


def test_rows_with_missing_values_are_left_out_on_request(defects: Path, fourways: Command) -> None:
    options = ["--target", "price", "--features", "area", "--missing", "drop"]
    done = fourways("compare", defects / "missing.csv", *options)
    assert done.returncode == 0, done.stderr
    assert "rows with missing values, left out: 1" in done.stdout
    assert "X is 59 x 1" in done.stdout


def test_a_matrix_beyond_memory_says_how_much_is_needed(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways.cli import main
    from suites.harness import machine

    monkeypatch.setattr(machine, "memory", lambda: 1000)
    assert main(["compare", str(table), "--target", "price", "--features", "area"]) == 2
    assert (
        "60 x 2 needs 0.0 GB for 4 copies of X; this machine has 0.0 GB" in capsys.readouterr().err
    )


def test_help_loads_nothing_heavy() -> None:
    assert "examples:" in run("--help").stdout
    heavy = "import sys, fourways.cli; print({'numpy', 'torch', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_idle_threads_are_told_to_sleep_before_numpy_is_loaded() -> None:
    watched = """
import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "numpy":
            print(os.environ["OPENBLAS_THREAD_TIMEOUT"])
sys.meta_path.insert(0, Watch())
from fourways.cli import main
main(["ways"])
"""
    unset = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    command = [sys.executable, "-c", watched]
    done = subprocess.run(command, env=unset, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("20\n")


def test_lists_reports_and_completion(fourways: Command) -> None:
    for arguments, word in [
        *((["ways"], name) for name in WAYS),
        (["problems"], "dummy trap"),
        (["graph"], "MseLossBackward0"),
        (["report"], "Fastest gradient"),
        (["completion", "bash"], "fourways"),
        (["recommend", "--n", "200000", "--p", "40"], "nearest is 100,000 x 30"),
    ]:
        done = fourways(*arguments)
        assert done.returncode == 0, done.stderr
        assert word in done.stdout
    assert fourways("recommend", "--n", "0", "--p", "4").returncode == 2


def test_this_machine_is_recommended_for_first(
    monkeypatch: pytest.MonkeyPatch, fourways: Command
) -> None:
    for name in sorted(by_machine()):
        monkeypatch.setattr("fourways.recommend.describe", lambda name=name: {"machine": name})
        lines = fourways("recommend", "--n", "200000", "--p", "40").stdout.splitlines()
        assert lines[0] == f"{by_machine()[name][-1].machine} (this one)"
        assert max(map(len, lines)) <= 80


def test_an_interrupt_ends_with_what_is_known(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways import compare
    from fourways.cli import main

    exact, (*others, last) = measure, WAYS

    def interrupted(problem: Any, rank: Any, known: Any, step: Any, budget: Any) -> None:
        def stop(what: str) -> None:
            if what == last:
                raise KeyboardInterrupt
            step(what)

        exact(problem, rank, known, stop, budget)

    monkeypatch.setattr(compare, "measure", interrupted)
    assert main(["compare", str(table), "--target", "price", "--features", "area"]) == 130
    printed = capsys.readouterr().out
    assert "Interrupted: this is what was known." in printed
    assert all(f"{name}  " in printed for name in others)
    assert f"{last}  " not in printed


def way(gradient: float, preparation: float = 0.0, error: float = 0.1, wrong: str = "") -> Findings:
    times = {"gradient": (gradient,) * 3, "solve": (gradient,) * 3}
    solution = Solution(np.zeros(1), 1, "lstsq", 0.0)
    return Findings(error, wrong, "right", solution, preparation, gradient, gradient, times)


def test_a_wrong_way_is_never_recommended() -> None:
    fast, slow = way(1e-6, error=7.0), way(1e-3)
    fast.solution = "wrong: by far"
    for line in advice(Measured({"fast": fast, "slow": slow}, 0.01)):
        assert "slow" in line
        assert "fast," not in line
    assert advice(Measured({"fast": fast}, 0.01)) == ["nothing: no way gave a right answer"]


def test_a_tie_is_called_one_and_preparation_is_counted() -> None:
    lines = advice(Measured({"a": way(1.0), "b": way(1.02)}, 0.05))
    assert "a or b (a tie)" in lines[1]
    lines = advice(Measured({"a": way(1.0, preparation=100.0), "b": way(2.0)}, 0.05))
    assert "a, 1 s each, from 99 gradients on; just below that b" in lines[1]


def test_a_way_has_paid_once_it_has_paid_against_every_other() -> None:
    factored, fast, cheap = way(1.0, preparation=100.0), way(2.0, preparation=90.0), way(3.0)
    line = advice(Measured({"factored": factored, "fast": fast, "cheap": cheap}, 0.05))[1]
    assert "factored, 1 s each, from 49 gradients on; just below that cheap" in line


def test_without_a_right_numpy_the_noise_is_not_known() -> None:
    lines = advice(Measured({"numpy": way(1.0, error=7.0), "a": way(1.0), "b": way(2.0)}))
    assert all("gradient: a" in lines[0] or ": a, " in line for line in lines)
    unjudged = tables(Measured({"numba": Findings()}))
    assert "WRONG" not in unjudged


@pytest.mark.parametrize("name", ["collinear 1e-10", "wide", "duplicated column"])
@pytest.mark.parametrize("alpha", [1e-3, 10.0, 1e6])
def test_ridge_solutions_are_judged_as_such(name: str, alpha: float, untimed: Any) -> None:
    posed = families.FAMILIES[name](40, 6).problem
    problem, known = LeastSquares(posed.X, posed.y, alpha), Measured()
    names = [f"x{j}" for j in range(problem.p)]
    rank = diagnose(problem, names).rank
    measure(problem, rank, known, lambda what: None)
    assert {way.solution for way in known.ways.values()} == {"right"}
    found = known.ways["numpy"].found
    assert found is not None
    off = Solution(found.w * (1 + 1e-6), None, "ridge", alpha)
    with pytest.raises(WrongAnswerError, match="backward error"):
        check_solution(problem, None, off)


def test_where_all_is_wrong_nothing_is_timed() -> None:
    posed, known = problems.gaussian(60, 3), Measured()
    with np.errstate(over="ignore", invalid="ignore"):
        measure(LeastSquares(posed.X * 1e160, posed.y), 3, known, lambda what: None)
    for way in known.ways.values():
        assert not way.is_right
        assert way.speedup is None
        assert "gradient" not in way.times
    assert not any("gradient" in line for line in advice(known))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_only_small_depends_on_nothing(dtype: Any) -> None:
    problem = LeastSquares((problems.gaussian(500, 2).X * [1, 1e-17]).astype(dtype), np.ones(500))
    for order in (slice(None), slice(None, None, -1)):
        found = diagnose(LeastSquares(problem.X[:, order], problem.y), ["a", "b"][order])
        assert (found.rank, found.dependencies) == (2, [])


def test_times_have_one_unit() -> None:
    assert seconds(3.14159e-5) == "31.4 µs"
    assert interval(1e-3, 9e-4, 1.2e-3) == "1 ms [0.9, 1.2]"


def test_full_rank_depends_on_nothing() -> None:
    problem = LeastSquares(np.eye(4) * [1, 1e-3, 1e3, 1], np.ones(4))
    found = diagnose(problem, list("abcd"))
    assert (found.rank, found.dependencies) == (4, [])
    assert found.condition < 2  # the units of a column do not matter


def test_data_beyond_memory_are_compared_by_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways.cli import main
    from suites.harness import machine

    problem = families.summed_column(600, 5).problem
    np.save(tmp_path / "X.npy", problem.X)
    np.save(tmp_path / "y.npy", problem.y)
    monkeypatch.setattr(machine, "memory", lambda: 1000)
    monkeypatch.setattr(engine, "_BYTES", 100 * 5 * 8)
    found = tmp_path / "found.json"
    files = [str(tmp_path / name) for name in ("X.npy", "y.npy")]
    assert main(["compare", *files, "--json", str(found)]) == 0
    assert "X is beyond memory and stays in its file" in capsys.readouterr().out
    read = json.loads(found.read_text())
    assert read["rank"] == 4
    assert list(read["ways"]) == list(WAYS)
    assert all(way["solution"] == "right" for way in read["ways"].values())
    assert all(way["right"] for way in read["ways"].values())
    assert main(["compare", *files, "--intercept"]) == 2
    assert "needs 0.0 GB for 4 copies" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["value", "gradient"])
def test_a_way_that_is_wrong_beyond_memory_is_not_timed(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right_one = WayOverBlocks._value_and_gradient

    def off(way: WayOverBlocks, w: Any) -> tuple[float, Any]:
        value, gradient = right_one(way, w)
        passes.append(way.kind)
        if way.kind != "torch" or passes.count("torch") > 1:  # wrong in the first pass only
            return value, gradient
        return value * (1 + 1e-12 * (wrong == "value")), gradient * (1 + 1e-12 * (wrong != "value"))

    passes = list[str]()
    monkeypatch.setattr(WayOverBlocks, "_value_and_gradient", off)
    whole, known = problems.gaussian(1000, 7), Measured()
    problem = BlockedLeastSquares(engine.in_turn(whole.X, whole.y))
    by_blocks.measure(problem, 7, known, 0.0)
    right = [name for name, way in known.ways.items() if way.is_right]
    assert right == [name for name in WAYS if name != "torch"]
    assert not known.ways["torch"].times
    assert known.ways["torch"].speedup is None
    assert known.ways["numba"].speedup
    assert known.ways["torch"].solution == "right"  # judged by itself: it may be named for that
    assert not [line for line in advice(known) if "gradient" in line and "torch" in line]


def test_a_solution_by_blocks_costs_the_factoring_whoever_solves() -> None:
    whole, known = problems.gaussian(1000, 7), Measured()
    by_blocks.measure(BlockedLeastSquares(engine.in_turn(whole.X, whole.y)), 7, known, 1e6)
    taken = {name: way.preparation + way.first_solve for name, way in known.ways.items()}
    assert taken.keys() == WAYS.keys()
    assert all(1e6 < seconds < 1.1e6 for seconds in taken.values()), taken


def test_a_reader_that_stops_early_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([COMMAND, "ways"], stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_parquet_beyond_memory_is_compared_by_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import polars as pl

    from fourways.cli import main
    from fourways.reading import Options, mapped, read
    from suites.harness import machine

    problem = problems.gaussian(500, 3)
    columns = {name: problem.X[:, j] for j, name in enumerate("abc")}
    path = tmp_path / "large.parquet"
    pl.DataFrame(columns | {"y": problem.y}).write_parquet(path)
    monkeypatch.setattr(machine, "memory", lambda: 1000)
    monkeypatch.setattr(mapped, "_SLICE", 8 * 4 * 70)
    found = read([path], Options(target="y", intercept=True))
    assert found.is_beyond_memory
    assert found.names == ["intercept", "a", "b", "c"]
    np.testing.assert_array_equal(found.X[:, 1:], problem.X)
    np.testing.assert_array_equal(found.X[:, 0], 1)
    np.testing.assert_array_equal(found.y, problem.y)
    assert main(["compare", str(path), "--target", "y"]) == 0
    assert "by blocks of rows" in capsys.readouterr().out
    assert main(["compare", str(path), "--target", "y", "--missing", "drop"]) == 2
    assert "--missing drop need it in memory" in capsys.readouterr().err
    columns["b"] = np.where(np.arange(500) == 321, np.nan, columns["b"])
    pl.DataFrame(columns | {"y": problem.y}).write_parquet(path)
    assert main(["compare", str(path), "--target", "y"]) == 2
    assert "column 'b' has no value in row 322" in capsys.readouterr().err


def test_a_broken_parquet_file_is_one_line(tmp_path: Path, fourways: Command) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not")
    done = fourways("compare", tmp_path / "broken.parquet", "--target", "y")
    is_one_line(done, "broken.parquet cannot be read")


def test_an_interrupt_while_reading_is_one_line(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from fourways import compare
    from fourways.cli import main

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "read", interrupted)
    assert main(["compare", str(table), "--target", "price"]) == 130
    assert capsys.readouterr().err == "fourways: interrupted\n"


def test_too_noisy_to_tell_says_for_how_long_to_measure() -> None:
    slow = way(1e-3)
    slow.speedup = (0.1, 0.05, 0.2)
    known = Measured({"numpy": way(1e-4), "torch": slow}, noise=9.0)
    shown = tables(known)
    assert "0.1 ?" in shown
    assert "NOISY: numpy differs from itself by 900%" in shown
    assert f"--seconds {known.seconds * 1296:.3g}" in shown
    known.noise = 0.02
    assert "NOISY" not in tables(known)
    assert "0.1 =" not in tables(known)


def test_seconds_are_spent(table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from fourways import measure as measuring
    from fourways.cli import main

    given: list[Any] = []

    def once(calls: Any, *more: Any) -> Any:
        given.append(more)
        return np.array([[call.batch(4) for call in calls]])

    monkeypatch.setattr(measuring, "unchecked", once)
    options = ["--target", "price", "--features", "area"]
    assert main(["compare", str(table), *options, "--seconds", "2.5"]) == 0
    assert given[0][-1] == 2.5
    assert main(["compare", str(table), *options, "--seconds", "0"]) == 2
    assert "--seconds must be above 0" in capsys.readouterr().err


def test_what_a_way_says_no_to_is_explained() -> None:
    refusing = way(1e-3)
    refusing.solution = "says no: 2e+05 units of rounding off, and below 30 is right"
    shown = tables(Measured({"numba": refusing}, 0.01))
    assert "says no (lstsq)" in shown
    assert "numba says no: 2e+05 units of rounding off, and below 30 is right" in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,y\n1,2,3\n4,5,9\n", "the fit says nothing: 2 independent columns pass through any 2"),
        ("a,y\n3,4\n", "the fit says nothing: 1 independent columns pass through any 1 row"),
        ("a,y\n1,2\n2,4\n3,6\n", "R² is 1 by construction"),
        ("a,y\n1,2\n2,5\n3,6\n", "R² 0.9231, residual norm 0.816"),
    ],
)
def test_a_fit_that_says_nothing_is_said(
    tmp_path: Path, content: str, said: str, fourways: Command
) -> None:
    (tmp_path / "t.csv").write_text(content)
    options = ["--target", "y"] + ["--intercept"] * ("2,5" in content)
    done = fourways("compare", tmp_path / "t.csv", *options)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_all_of_the_relations_are_in_the_json(tmp_path: Path, fourways: Command) -> None:
    (tmp_path / "t.csv").write_text("a,b,sum,y\n1,2,3,1\n2,5,7,2\n3,1,4,7\n4,4,8,1\n")
    found = tmp_path / "found.json"
    done = fourways("compare", tmp_path / "t.csv", "--target", "y", "--json", found)
    assert "  sum = a + b\n" in done.stdout
    read = json.loads(found.read_text())
    (relation,) = read["dependencies"]
    assert relation["terms"] in ({"a": 1, "b": 1, "sum": -1}, {"a": -1, "b": -1, "sum": 1})
    assert read["notes"] == ["read as columns by commas"]
    assert 0 <= read["r_squared"] <= 1


def test_a_way_that_cannot_be_imported_is_left_out_and_said(table: Path) -> None:
    """As where PyTorch has no wheel for this Python."""
    script = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from fourways.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    status, printed, said = run("compare", str(table), "--target", "price", "--features", "area")
    assert status == 0, said
    assert "torch is left out: No module named 'torch'" in printed
    assert "one gradient: " in printed
    assert "not here: No module named 'torch'" in run("ways")[1]
    assert run("graph") == (2, "", "fourways: this needs torch, which is not installed\n")

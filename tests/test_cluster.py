"""X in blocks: by one process and by Dask clusters of real worker processes on the loopback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import dask
import numpy as np
import polars as pl
import psutil
import pytest
from distributed import Client
from threadpoolctl import threadpool_limits

from fourways.cli import main
from fourways.cluster import Cluster
from fourways.errors import InputError
from fourways.reading import Options
from fourways.version import versions
from kernels import METHODS, WAYS, Array, LeastSquares, Stopping, descend, minimum_norm
from kernels.blocks.cluster import OnCluster, workers_of
from kernels.blocks.engine import Engine, InTurn, Run, joined_in_tree, last_joined, runs
from kernels.blocks.local import local_cluster
from kernels.blocks.problem import BlockedLeastSquares
from kernels.blocks.ways import OVER_BLOCKS
from suites.data import families, problems
from suites.judge import GradientOracle, SolutionJudge, check_solution, exact_gradient

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of a machine that is slow

ROWS = 90  # in a block


@dataclass(frozen=True)
class Part:
    """A source: rows of a problem that each worker can make."""

    X: Array
    y: Array

    def __call__(self) -> LeastSquares:
        return LeastSquares(self.X.copy(), self.y.copy())


def sources(problem: LeastSquares, rows: int = ROWS) -> list[Part]:
    starts = range(0, problem.n, rows)
    return [Part(problem.X[k : k + rows], problem.y[k : k + rows]) for k in starts]


def in_blocks(problem: LeastSquares, rows: int = ROWS) -> BlockedLeastSquares:
    return BlockedLeastSquares(InTurn(sources(problem, rows)), problem.alpha)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with local_cluster(2, 2, 2 << 30) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four Parquet files of one table, y = a - 2b + 1 but for noise, and c = a + b."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    for k in range(4):
        a, b = rng.integers(-50, 50, (2, 100)).astype(float)
        y = a - 2 * b + 1 + rng.standard_normal(100)
        pl.DataFrame({"a": a, "b": b, "c": a + b, "y": y}).write_parquet(
            folder / f"part-{k}.parquet"
        )
    return folder


# The tree


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 13, 64, 100])
@pytest.mark.parametrize("tasks", [1, 2, 3, 8])
def test_whoever_joins_them_the_tree_is_one(count: int, tasks: int) -> None:
    def pair(a: Any, b: Any) -> Any:
        return a, b

    whole = joined_in_tree(range(count), pair)
    ends = [count * k // tasks for k in range(tasks + 1)]
    parts = [
        run
        for start, end in pairwise(ends)
        for run in runs([Run(k, 1, k) for k in range(start, end)], pair)
    ]
    assert last_joined(runs(parts, pair), pair) == whole


# The contract, block by block in this process


@pytest.mark.parametrize("name", list(WAYS))
@pytest.mark.parametrize("alpha", [0.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocks_give_the_gradient_within_the_same_bound(
    name: str, alpha: float, dtype: Any
) -> None:
    problem = problems.gaussian(1000, 7, alpha=alpha, dtype=dtype)
    way = OVER_BLOCKS[name](in_blocks(problem))
    w = problems.start(problem)
    GradientOracle(problem, w).check(way, w)
    homogeneous = LeastSquares(problem.X, np.zeros_like(problem.y), alpha)
    GradientOracle(homogeneous, w).check(way.homogeneous(), w)


def test_blocks_of_a_wide_problem_of_one_row_each() -> None:
    problem = problems.gaussian(5, 9)
    blocked = in_blocks(problem, 1)
    w = problems.start(problem)
    for name, way in OVER_BLOCKS.items():
        GradientOracle(problem, w).check(way(blocked), w)
        check_solution(problem, 5, OVER_BLOCKS[name](blocked).solve())


def test_a_value_near_the_end_of_the_range_is_found_by_blocks() -> None:
    X = np.full((300, 1), 1e154)
    problem = LeastSquares(X, np.zeros(300))
    assert OVER_BLOCKS["numpy"](in_blocks(problem)).value([1.0]) == pytest.approx(1e308)


@pytest.mark.parametrize("name", [*WAYS, "minimum_norm"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize(
    "family",
    ["summed_column", "dummy_trap", "duplicated_column", "zero_column", "scaled_columns", "graded"],
)
def test_deficient_families_through_the_tree(name: str, alpha: float, family: str) -> None:
    posed = getattr(families, family)(400, 6)
    problem = LeastSquares(posed.problem.X, posed.problem.y, alpha)
    blocked = in_blocks(problem)
    found = minimum_norm(blocked) if name == "minimum_norm" else OVER_BLOCKS[name](blocked).solve()
    assert found.converged
    check_solution(problem, posed.rank, found)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_descends_on_blocks(method: str) -> None:
    problem = problems.gaussian(700, 5)
    name = "torch" if method.startswith("torch") else "numpy"
    found = descend(method, OVER_BLOCKS[name](in_blocks(problem)), Stopping(iterations=400))
    expected = descend(method, WAYS[name](problem), Stopping(iterations=400))
    assert found.converged or method in ("stochastic", "torch SGD")
    np.testing.assert_allclose(found.w, expected.w, rtol=1e-2 if method == "stochastic" else 1e-6)


def test_units_out_of_range_are_divided_out_block_by_block() -> None:
    problem = problems.gaussian(300, 3)
    far = LeastSquares(problem.X * 1e160, problem.y)
    found = descend("conjugate gradients", OVER_BLOCKS["numpy"](in_blocks(far)))
    assert found.converged
    expected = minimum_norm(problem).w
    np.testing.assert_allclose(found.w * 1e160, expected, rtol=1e-6)
    np.testing.assert_allclose(minimum_norm(in_blocks(far)).w * 1e160, expected, rtol=1e-12)


def test_blocks_of_two_kinds_are_refused() -> None:
    parts = [Part(np.ones((2, 2)), np.ones(2)), Part(np.ones((2, 3)), np.ones(2))]
    with pytest.raises(ValueError, match="got 2 columns of float64 and 3 of float64"):
        BlockedLeastSquares(InTurn(parts))


@pytest.mark.parametrize("off", [1e-12, 1e-9])
def test_the_judge_over_blocks_rejects_what_is_wrong(off: float) -> None:
    problem = problems.gaussian(2000, 6)
    blocked = in_blocks(problem)
    w = problems.start(problem)
    oracle, way = GradientOracle(blocked, w), OVER_BLOCKS["numba"](blocked)
    assert oracle.gradient_error(way.gradient(w), factored=False) <= 1
    assert oracle.gradient_error(way.gradient(w) * (1 + off), factored=False) > 1
    np.testing.assert_array_equal(oracle.gradient, GradientOracle(problem, w).gradient)
    judge, solution = SolutionJudge(blocked), minimum_norm(problem).w
    assert judge.backward_error(solution) < 30 < judge.backward_error(solution * (1 + off))


# On a cluster


def bits(engine: Engine) -> list[bytes]:
    """Return the bits of everything that blocks are asked for."""
    problem = BlockedLeastSquares(engine)
    w = problems.start(problem)
    ways = ["numba", "numpy", "scipy"]  # torch: below; each process imports it for a second
    found = [OVER_BLOCKS[name](problem).gradient(w) for name in ways]
    found += [OVER_BLOCKS[name](problem).solve().w for name in ways]
    way = OVER_BLOCKS["numba"](problem)
    found += [descend("nesterov", way, Stopping(iterations=5)).w, minimum_norm(problem).w]
    return [np.asarray(one).tobytes() for one in found]


def test_one_two_and_three_workers_give_the_same_bits(client: Client) -> None:
    parts = sources(problems.gaussian(20_000, 30), 1500)
    by_two = bits(OnCluster.of(client, parts))
    for workers in (1, 3):
        with local_cluster(workers, 3, 3 << 30) as other:
            assert bits(OnCluster.of(other, parts)) == by_two


def test_a_block_on_the_cluster_has_the_bits_of_one_thread(client: Client) -> None:
    problem = problems.gaussian(20_000, 30)  # 5 MB: the kernel would share it out
    w = problems.start(problem)
    script = (
        "import sys, numpy as np; from kernels import WAYS; from suites.data import problems;"
        "from suites.harness.threads import use_threads; problem = problems.gaussian(20_000, 30);"
        "ways = {name: WAYS[name](problem) for name in ('numba', 'torch', 'numpy')};"
        "use_threads(1); w = problems.start(problem);"
        "print(*(way.gradient(w).tobytes().hex() for way in ways.values()))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    alone = [bytes.fromhex(word) for word in said.stdout.split()]
    blocks = BlockedLeastSquares(OnCluster.of(client, sources(problem, problem.n)))
    scaled = [OVER_BLOCKS[name](blocks).gradient(w) for name in ("numba", "torch", "numpy")]
    for bits_of_one, found in zip(alone, scaled, strict=True):
        one = np.frombuffer(bits_of_one) * problem.n / problem.n
        np.testing.assert_array_equal(found, one)


def test_a_worker_that_dies_in_a_descent_changes_nothing(client: Client, capfd: Any) -> None:
    problem = problems.gaussian(4000, 8)
    expected = descend(
        "nesterov", OVER_BLOCKS["numba"](BlockedLeastSquares(InTurn(sources(problem, 200))))
    )
    with Cluster.of(2, None, 2) as cluster:
        way = OVER_BLOCKS["numba"](
            BlockedLeastSquares(OnCluster.of(cluster.client, sources(problem, 200)))
        )
        pids = list(cluster.client.run(os.getpid).values())
        seen = list[int]()

        def kill(progress: Any) -> None:
            if not seen:
                os.kill(pids[0], signal.SIGKILL)
            seen.append(len(progress.values))

        found = descend("nesterov", way, observe=kill)
    assert found.converged
    assert len(seen) > 1
    assert found.w.tobytes() == expected.w.tobytes()
    assert "is lost; its" in capfd.readouterr().err


def test_each_worker_may_hold_a_third() -> None:
    """What a worker of 500 MB cannot hold of 360 MB of X it keeps on disk, and no worker ends."""
    parts = [Drawn(seed) for seed in range(12)]
    w = np.linspace(-1, 1, Drawn.columns)
    with threadpool_limits(1):
        expected = OVER_BLOCKS["numpy"](BlockedLeastSquares(InTurn(parts))).gradient(w)
    with local_cluster(3, 3, 3 * 500_000_000) as client:
        before = client.run(os.getpid)
        blocked = BlockedLeastSquares(OnCluster.of(client, parts))
        assert blocked.nbytes == 360_000_000
        for _ in range(2):
            assert OVER_BLOCKS["numpy"](blocked).gradient(w).tobytes() == expected.tobytes()
        assert all(client.run(lambda dask_worker: len(dask_worker.data.slow)).values())
        assert client.run(os.getpid) == before


@dataclass(frozen=True)
class Drawn:
    """A source: 30 MB that are drawn where they are wanted."""

    seed: int
    columns = 50

    def __call__(self) -> LeastSquares:
        rng = np.random.default_rng(self.seed)
        X = rng.standard_normal((75_000, self.columns))
        return LeastSquares(X, rng.standard_normal(75_000))


def test_workers_are_known_while_the_client_renews_what_it_knows(client: Client) -> None:
    """Which it does from time to time, without the workers."""
    address = client.scheduler_info()["address"]
    interval = {"distributed.client.scheduler-info-interval": "1ms"}
    with dask.config.set(interval), Client(address, set_as_default=False) as busy:
        assert {len(workers_of(busy)) for _ in range(500)} == {2}


def test_nothing_listens_beyond_the_loopback() -> None:
    with local_cluster(2, 2, 1 << 30) as client:
        pids = {
            os.getpid(),
            *client.run(os.getpid).values(),
            *(p.pid for p in psutil.Process().children(recursive=True)),
        }
        listening = [
            connection.laddr.ip
            for pid in pids
            for connection in psutil.Process(pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


# Files


def read(client: Client, *files: object, **options: Any) -> BlockedLeastSquares:
    told, blocks = Cluster(client).read([str(file) for file in files], Options(**options))
    problem = BlockedLeastSquares(blocks)
    assert len(told.names) == problem.p
    return problem


def test_a_folder_a_pattern_and_a_list_are_one_table(client: Client, folder: Path) -> None:
    files = sorted(folder.glob("*.parquet"))
    whole = pl.concat([pl.read_parquet(file) for file in files])
    expected = LeastSquares(whole.drop("y").to_numpy(), whole["y"].to_numpy())
    w = np.array([0.5, -1.0, 2.0])
    for given in ([folder], [folder / "*.parquet"], files):
        problem = read(client, *given, target="y")
        assert (problem.n, problem.p) == (400, 3)
        exact = np.array([float(entry) for entry in exact_gradient(expected, w)])
        np.testing.assert_allclose(OVER_BLOCKS["numba"](problem).gradient(w), exact, rtol=1e-13)
        assert OVER_BLOCKS["numpy"](problem).solve().rank == 2


def copied(folder: Path, tmp_path: Path) -> Path:
    for file in folder.glob("*.parquet"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "part-2.parquet"


def test_a_partition_with_a_column_of_text_is_named(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    one = copied(folder, tmp_path)
    texts = pl.Series("b", ["1.5"] * 3 + ["about 2"] + ["1"] * 96)
    pl.read_parquet(one).with_columns(texts).write_parquet(one)
    with pytest.raises(InputError, match=r"part-2\.parquet: column 'b' .* row 4 'about 2'"):
        read(client, tmp_path, target="y")


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_a_missing_value_is_named_by_file_and_row(
    missing: float | None, client: Client, folder: Path, tmp_path: Path
) -> None:
    one = copied(folder, tmp_path)
    table = pl.read_parquet(one)
    table[16, "c"] = missing
    table.write_parquet(one)
    with pytest.raises(InputError, match=r"part-2\.parquet: column 'c' has no value in row 17 "):
        read(client, tmp_path, target="y")
    assert read(client, tmp_path, target="y", drop_missing=True).n == 399


def test_an_empty_partition_is_left_out(client: Client, folder: Path, tmp_path: Path) -> None:
    one = copied(folder, tmp_path)
    pl.read_parquet(one).clear().write_parquet(one)
    assert read(client, tmp_path, target="y").n == 300
    for file in tmp_path.iterdir():
        pl.read_parquet(file).clear().write_parquet(file)
    with pytest.raises(InputError, match="there are no rows in"):
        read(client, tmp_path, target="y")


def test_columns_that_differ_are_named(client: Client, folder: Path, tmp_path: Path) -> None:
    one = copied(folder, tmp_path)
    pl.read_parquet(one).rename({"a": "A"}).write_parquet(one)
    with pytest.raises(InputError, match=r"part-2\.parquet has no column 'a', which .*part-0"):
        read(client, tmp_path, target="y")
    pl.read_parquet(one).with_columns(a="A").write_parquet(one)
    with pytest.raises(InputError, match=r"part-2\.parquet has a column 'A', which .* has not"):
        read(client, tmp_path, target="y")
    assert read(client, tmp_path, target="y", exclude=("A",)).p == 3
    assert read(client, tmp_path, target="y", features=("b",)).p == 1


def test_a_file_that_is_not_there_is_one_line(client: Client, folder: Path, tmp_path: Path) -> None:
    for gone in (tmp_path / "none.parquet", tmp_path, tmp_path / "*.parquet"):
        with pytest.raises(InputError, match="no such file"):
            read(client, gone, target="y")
    copied(folder, tmp_path).write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"part-2\.parquet cannot be read"):
        read(client, tmp_path, target="y")


def test_text_in_many_files(client: Client, tmp_path: Path) -> None:
    for k in range(3):
        rows = "".join(f"{k + i};{i % 2},5;{2 * k + i}\n" for i in range(20))
        (tmp_path / f"part-{k}.csv").write_text("a;b;y\n" + rows)
    (tmp_path / "part-10.csv").write_text("a;b;y\n")
    (tmp_path / "part-11.csv").write_text("")
    problem = read(client, tmp_path, target="y", intercept=True)
    assert (problem.n, problem.p) == (60, 3)
    assert problem.over_rows(largest, np.maximum).tolist() == [1.0, 21.0, 1.5]
    (tmp_path / "part-2.csv").write_text("a;b;y\n1;2,5;3\n1;x;3\n")
    with pytest.raises(
        InputError, match=r"part-2\.csv: column 'b' must be numeric.*row 2 holds 'x'"
    ):
        read(client, tmp_path, target="y")


def largest(X: Array, y: Array) -> Array:
    found: Array = X.max(axis=0)
    return found


@pytest.mark.parametrize("kind", ["npy", "zarr"])
def test_arrays_larger_than_memory_are_read_by_rows(
    kind: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fourways.reading import sources

    monkeypatch.setattr(sources, "_BYTES", 30 * 4 * 8)
    problem = problems.gaussian(200, 4)
    files = [tmp_path / f"{name}.{kind}" for name in "Xy"]
    for file, array in zip(files, (problem.X.copy(), problem.y.copy()), strict=True):
        if array.ndim == 2:
            array[150, 3] = np.nan
        save(file, array)
    with pytest.raises(InputError, match=r"X\[150, 3\] is nan"):
        read(client, *files)
    assert read(client, *files, drop_missing=True).n == 199
    save(files[0], problem.X)
    w = problems.start(problem)
    blocked = read(client, *files)
    assert blocked.engine.count > 4
    GradientOracle(problem, w).check(OVER_BLOCKS["numba"](blocked), w)


def save(file: Path, array: Array) -> None:
    if file.suffix == ".npy":
        np.save(file, array)
        return
    import zarr

    zarr.create_array(file, data=array, chunks=(25, *array.shape[1:]), overwrite=True)


def test_another_file_system(client: Client, folder: Path) -> None:
    problem = read(client, f"file://{folder}/*.parquet", target="y")
    assert problem.n == 400
    with pytest.raises(InputError, match="nosuch"):
        read(client, "nosuch://bucket/*.parquet", target="y")


def test_a_dask_array_is_blocks_as_it_is(client: Client) -> None:
    import dask.array as da

    problem = problems.gaussian(500, 6)
    X = da.from_array(problem.X, chunks=(120, 2))
    y = da.from_array(problem.y, chunks=70)
    some = y != y[3]  # whose number nobody knows
    engine = OnCluster.of_arrays(client, X[some], y[some])
    kept = np.arange(500) != 3
    w = problems.start(problem)
    found = OVER_BLOCKS["numba"](BlockedLeastSquares(engine))
    GradientOracle(LeastSquares(problem.X[kept], problem.y[kept]), w).check(found, w)


# The command


def test_the_command_compares_on_workers(folder: Path, tmp_path: Path, capfd: Any) -> None:
    assert main(["compare", str(folder), "--target", "y", "--workers", "2"]) == 0
    out, err = capfd.readouterr()
    assert "X is 400 x 3, float64, alpha 0, on 2 workers" in out
    assert "rank 2 of 3" in out
    assert out.count("right (") == 4
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "0"], "--workers must be 1 to"),
        (["--workers", "1", "--scheduler", "tcp://127.0.0.1:1"], "give either"),
        (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler at tcp://127.0.0.1:1"),
        (["--scheduler", "nonsense"], "no scheduler at nonsense"),
        (["--workers", "1", "--seconds", "1"], "are for data in memory"),
        (["--workers", "1", "--dummies"], "cannot be had in parts"),
        (["--workers", "1", "--features", "z"], "has no column 'z'"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str], said: str, folder: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fourways.cluster._SECONDS", 1)
    assert main(["compare", str(folder), "--target", "y", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_worker_of_another_version_is_refused(
    client: Client, folder: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = client.scheduler_info()["address"]
    assert main(["compare", str(folder), "--target", "y", "--scheduler", address]) == 0
    assert "on 2 workers" in capfd.readouterr().out
    ours = versions()
    monkeypatch.setattr("fourways.cluster.versions", lambda: ours | {"numpy": "1.0"})
    assert main(["compare", str(folder), "--target", "y", "--scheduler", address]) == 2
    assert "and this machine 1.0" in capfd.readouterr().err


def test_interrupted_it_ends_with_what_is_known(folder: Path) -> None:
    command = [sys.executable, "-m", "fourways.cli", "compare", str(folder), "--target", "y"]
    process = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert "on 2 workers" in lines[2]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers are told as well
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: this is what was known." in out
    assert "Traceback" not in err

"""What the page shows, as rows: one list of rows for each of its views.

A view takes, for each benchmark, the newest run on the machine that has it, and names its commit.
A row of a way that failed its check has no value and says "wrong"; it is drawn as such, never as
fast.
"""

import math
from collections.abc import Callable
from typing import Any

from report.results import Cell, Run
from report.table import by_size, leaders, reading_X

Rows = list[dict[str, Any]]

_GRADIENT = "gradient.Gradient"


def newest(runs: list[Run], benchmark: str) -> Run | None:
    """Return the newest of some runs, oldest first, that has a benchmark."""
    return next((run for run in reversed(runs) if run.cells(benchmark)), None)


def _rows(runs: list[Run], benchmark: str, names: list[str], value: str) -> Rows:
    """Return a row for each choice of parameters that was run, parameters under their names."""
    run = newest(runs, benchmark)
    if run is None:
        return []
    return [
        {
            **{
                name: int(v) if name in ("n", "p") else v
                for name, v in zip(names, key, strict=True)
            },
            **_shown(cell, value),
            "commit": run.commit[:8],
        }
        for key, cell in run.cells(benchmark).items()
        if cell.value is None or cell.measured is not None
    ]


def _shown(cell: Cell, value: str) -> dict[str, Any]:
    if cell.value is None:
        return {value: None, "status": "wrong"}
    low, high = (x if math.isfinite(x) else cell.value for x in (cell.low, cell.high))
    return {value: cell.value, "low": low, "high": high, "status": "right"}


def fastest(runs: list[Run]) -> Rows:
    """The fastest way at each n x p, its margin, ties, and ways that were wrong there."""
    run = newest(runs, f"{_GRADIENT}.track_speedup_over_numpy")
    if run is None:
        return []
    rows: Rows = []
    for (n, p), every in by_size(run, f"{_GRADIENT}.track_speedup_over_numpy").items():
        for among, speedups in (("ways that read X", reading_X(every)), ("all ways", every)):
            ways, margin = leaders(speedups)
            wrong = [way for way, cell in speedups.items() if cell.value is None]
            if ways or wrong:
                rows.append(
                    {
                        "among": among,
                        "n": n,
                        "p": p,
                        "way": " = ".join(ways) or "none",
                        "colour": ways[0] if len(ways) == 1 else "tie",
                        "margin": margin,
                        "wrong": ", ".join(wrong),
                        "commit": run.commit[:8],
                    }
                )
    return rows


def times(runs: list[Run]) -> Rows:
    """Seconds of a gradient by n and p, and those of one read of X at the memory's limit."""
    rows = _rows(runs, f"{_GRADIENT}.time_gradient", ["way", "n", "p"], "seconds")
    return rows + _read_limit(runs, rows)


def _read_limit(runs: list[Run], rows: Rows) -> Rows:
    """Of X of 160 MiB numba reaches a known share of the limit; its time there gives the limit."""
    shares = {
        row["p"]: row["share"]
        for row in roofline(runs)
        if (row["threads"], row["order"], row["X"]) == ("all", "C", "160 MiB") and row["share"]
    }
    limits: Rows = []
    for p, share in shares.items():
        timed = [r for r in rows if (r["way"], r["p"]) == ("numba", p) and r["seconds"]]
        if not timed:
            continue
        largest = max(timed, key=lambda row: int(row["n"]))
        per_row = largest["seconds"] * share / largest["n"]
        limits += [
            {"way": "read limit", "n": row["n"], "p": p, "seconds": per_row * row["n"]}
            | {"status": "right", "commit": row["commit"]}
            for row in timed
        ]
    return limits


def roofline(runs: list[Run]) -> Rows:
    """Share of the read limit that the numba kernel reaches."""
    names = ["threads", "order", "X", "p"]
    return _rows(runs, "roofline.Roofline.track_share_of_read_limit", names, "share")


def price(runs: list[Run]) -> Rows:
    """Time of value and gradient over time of the value."""
    benchmark = f"{_GRADIENT}.track_value_and_gradient_over_value"
    return _rows(runs, benchmark, ["way", "n", "p"], "ratio")


def autograd(runs: list[Run]) -> Rows:
    """Seconds of calls of PyTorch that give the value or the gradient."""
    return _rows(runs, "autograd.Autograd.track_time", ["call", "X"], "seconds")


def payback(runs: list[Run]) -> Rows:
    """Gradients after which compiling, or loading what was compiled, has paid against numpy."""
    names = ["first call", "n", "p"]
    return _rows(runs, "compilation.BreakEven.track_gradients_until_paid", names, "gradients")


def deficient(runs: list[Run]) -> Rows:
    """Each solver on each rank-deficient family: right, wrong, or says no; seconds if right."""
    benchmark = "rank_deficient.Time.track_time"
    run = newest(runs, benchmark)
    if run is None:
        return []
    return [
        {
            "solver": solver,
            "family": family,
            "X": size,
            "seconds": cell.measured,
            "verdict": "wrong" if cell.value is None else "right" if cell.measured else "says no",
            "commit": run.commit[:8],
        }
        for (solver, family, size), cell in run.cells(benchmark).items()
    ]


def certified(runs: list[Run]) -> Rows:
    """Digits of NIST's certified figures, regressions and analyses of variance."""
    names = ["solver", "set"]
    return [
        {**row, "kind": kind}
        for kind in ("Certified", "Variance")
        for row in _rows(runs, f"accuracy.{kind}.track_digits", names, "digits")
    ]


def condition(runs: list[Run]) -> Rows:
    """Digits against the condition number."""
    names = ["solver", "dtype", "condition number"]
    rows = _rows(runs, "accuracy.Condition.track_digits", names, "digits")
    return [row | {"condition number": float(row["condition number"])} for row in rows]


def convergence(runs: list[Run]) -> Rows:
    """Seconds and gradients to each decade of the relative suboptimality."""
    seconds, evaluations = (f"descent.Descent.track_{what}_curve" for what in _CURVES)
    run = newest(runs, seconds)
    if run is None:
        return []
    counts = run.samples(evaluations)
    rows: Rows = []
    for key, curve in run.samples(seconds).items():
        solver, number, size = key
        method, _, way = solver.partition(" by ")
        rows += [
            {
                "method": method,
                "way": way,
                "condition number": number,
                "X": size,
                "suboptimality": 10.0**-decade,
                "seconds": time,
                "gradients": count,
                "commit": run.commit[:8],
            }
            for decade, (time, count) in enumerate(zip(curve, counts[key], strict=True), 1)
        ]
    return rows


_CURVES = ("seconds", "evaluations")

# What has a history; the first parameter of each names the series.
_HISTORIES = {
    "gradient": f"{_GRADIENT}.time_gradient",
    "speed-up over numpy": f"{_GRADIENT}.track_speedup_over_numpy",
    "preparation": "gradient.Preparation.time_prepare",
    "value and gradient over value": f"{_GRADIENT}.track_value_and_gradient_over_value",
    "share of the read limit": "roofline.Roofline.track_share_of_read_limit",
    "gradients until compiling has paid": "compilation.BreakEven.track_gradients_until_paid",
    "rank deficient": "rank_deficient.Time.track_time",
    "digits, certified": "accuracy.Certified.track_digits",
    "descent to 1e-8": "descent.Descent.track_time",
    "autograd": "autograd.Autograd.track_time",
}


def history(runs: list[Run]) -> Rows:
    """Every figure of these benchmarks over the runs, with the versions they ran on."""
    return [
        {
            "metric": metric,
            "case": ", ".join(key[1:]),
            "series": key[0],
            "at": f"{run.commit[:8]}{_suffix(run, runs)}",
            "date": run.date,
            **_shown(cell, "value"),
            "versions": versions(run),
        }
        for metric, benchmark in _HISTORIES.items()
        for run in runs
        for key, cell in run.cells(benchmark).items()
        if cell.value is None or cell.measured is not None
    ]


def versions(run: Run) -> str:
    """Return the versions of the four libraries in one line."""
    here = run.environment
    return ", ".join(f"{name} {here[name]}" for name in ("numba", "numpy", "scipy", "torch"))


def _suffix(run: Run, runs: list[Run]) -> str:
    """Tell apart runs of one commit on several sets of versions."""
    same = [other for other in runs if other.commit == run.commit]
    return f" ({versions(run)})" if len({versions(other) for other in same}) > 1 else ""


FRAMES: dict[str, Callable[[list[Run]], Rows]] = {
    "fastest": fastest,
    "times": times,
    "roofline": roofline,
    "price": price,
    "autograd": autograd,
    "payback": payback,
    "deficient": deficient,
    "certified": certified,
    "condition": condition,
    "convergence": convergence,
    "history": history,
}

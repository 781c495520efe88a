"""What the page shows, as rows: one list of rows for each of its views.

A view takes for each point the newest run on the machine that has it, and names its commit.
A row of a way that failed its check has no value and says "wrong"; it is drawn as such, never as
fast.
"""

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

from report.compare import aa_noise, change
from report.results import LIBRARIES, Cell, Newest, Run
from report.table import SPEEDUP, by_size, leaders, reading_X

Rows = list[dict[str, Any]]

_GRADIENT = "gradient.Gradient"


def _rows(runs: list[Run], benchmark: str, names: list[str], value: str) -> Rows:
    """Return a row for each choice of parameters that was run, parameters under their names."""
    return [
        {
            **{
                name: int(v) if name in ("n", "p") else v
                for name, v in zip(names, key, strict=True)
            },
            **_shown(cell, value),
            "commit": run.commit[:8],
        }
        for key, (cell, run) in Newest(runs).points(benchmark).items()
    ]


def _shown(cell: Cell, value: str) -> dict[str, Any]:
    if cell.value is None:
        return {value: None, "status": "wrong"}
    low, high = (x if math.isfinite(x) else cell.value for x in (cell.low, cell.high))
    return {value: cell.value, "low": low, "high": high, "status": "right"}


def fastest(runs: list[Run]) -> Rows:
    """The fastest way at each n x p, its margin, ties, and ways that were wrong there."""
    newest, rows = Newest(runs), list[dict[str, Any]]()
    commits = {key[1:]: run.commit[:8] for key, (_, run) in newest.points(SPEEDUP).items()}
    for (n, p), every in by_size(newest, SPEEDUP).items():
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
                        "commit": commits[str(n), str(p)],
                    }
                )
    return rows


def times(runs: list[Run]) -> Rows:
    """Seconds of a gradient by n and p, and those of the fastest read of the same X."""
    reads = _rows(runs, "gradient.ReadLimit.track_one_read", ["n", "p"], "seconds")
    return _rows(runs, f"{_GRADIENT}.time_gradient", ["way", "n", "p"], "seconds") + [
        {"way": "read limit", **row} for row in reads
    ]


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


_HALF = 6.5  # digits of float64 beyond what is right: half of them are lost then


def deficient(runs: list[Run]) -> Rows:
    """Each solver on each rank-deficient family: its verdict, and seconds if right."""
    benchmark = "rank_deficient.Time.track_digits_lost"
    rows: Rows = []
    for run in [run for run in runs if run.cells(benchmark)][-1:]:
        times = run.cells("rank_deficient.Time.track_time")
        for key, lost in run.cells(benchmark).items():
            seconds = times[key].measured
            names = dict(zip(("solver", "family", "X"), key, strict=True))
            rows.append(
                {
                    **names,
                    "seconds": seconds,
                    "lost": lost.measured,
                    "verdict": _verdict(lost, seconds),
                    "commit": run.commit[:8],
                }
            )
    return rows


def _verdict(lost: Cell, seconds: float | None) -> str:
    if lost.value is None:
        return "wrong"
    if lost.measured is None:
        return "says no"
    if lost.value == 0:
        return "right" if seconds else "wrong"  # right when it was tried, wrong when it was timed
    return "loses digits" if lost.value <= _HALF else "wrong"


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
    seconds, gradients = (f"descent.Descent.track_{w}_curve" for w in ("seconds", "evaluations"))
    rows: Rows = []
    for run in [run for run in runs if run.cells(seconds)][-1:]:
        counts = run.samples(gradients)
        for key, curve in run.samples(seconds).items():
            method, _, way = key[0].partition(" by ")
            rows += [
                {
                    "method": method,
                    "way": way,
                    "condition number": key[1],
                    "X": key[2],
                    "suboptimality": 10.0**-decade,
                    "seconds": time,
                    "gradients": count,
                    "commit": run.commit[:8],
                }
                for decade, (time, count) in enumerate(zip(curve, counts[key], strict=True), 1)
            ]
    return rows


# What has a history: the benchmark, whose first parameter names the series, and its unit.
_HISTORIES = {
    "gradient": (f"{_GRADIENT}.time_gradient", "seconds"),
    "speed-up over numpy": (SPEEDUP, "x"),
    "preparation": ("gradient.Preparation.time_prepare", "seconds"),
    "value and gradient over value": (f"{_GRADIENT}.track_value_and_gradient_over_value", "x"),
    "share of the read limit": ("roofline.Roofline.track_share_of_read_limit", "share"),
    "compiling has paid after": (
        "compilation.BreakEven.track_gradients_until_paid",
        "gradients",
    ),
    "rank deficient": ("rank_deficient.Time.track_time", "seconds"),
    "certified": ("accuracy.Certified.track_digits", "digits"),
    "descent to 1e-8": ("descent.Descent.track_time", "seconds"),
    "autograd": ("autograd.Autograd.track_time", "seconds"),
}


def history(runs: list[Run]) -> Rows:
    """Every figure of these benchmarks over the runs, with the versions they ran on.

    ``step`` says by what factor a figure is worse or better than in the run before that has it,
    where that is more than noise.
    """
    noise = aa_noise(runs)
    rows: Rows = []
    for metric, (benchmark, unit) in _HISTORIES.items():
        before: dict[tuple[str, ...], Run] = {}
        for run in runs:
            for key, cell in run.cells(benchmark).items():
                if cell.value is not None and cell.measured is None:
                    continue
                rows.append(
                    {
                        "metric": metric,
                        "unit": unit,
                        "case": ", ".join(key[1:]),
                        "series": key[0],
                        "at": f"{run.commit[:8]}{_suffix(run, runs)}",
                        "date": run.date,
                        **_shown(cell, "value"),
                        "step": _step(before.get(key), run, benchmark, key, noise),
                        "versions": versions(run),
                    }
                )
                before[key] = run
    return rows


def _step(
    before: Run | None, after: Run, benchmark: str, key: tuple[str, ...], noise: float
) -> str:
    factor = change(before, after, benchmark, key, noise) if before else None
    if factor is None:
        return ""
    return f"▲ {factor:.2f}x worse" if factor > 1 else f"▼ {1 / factor:.2f}x better"


def upgrade(runs: list[Run]) -> Rows:
    """What one commit gave on older and on newer versions of the libraries.

    ``ratio`` is that of new over old; ``verdict`` says whether it is more than noise.
    """
    noise = aa_noise(runs)
    rows: Rows = []
    for old, new in _upgraded(runs):
        for metric, (benchmark, _) in _HISTORIES.items():
            was = old.cells(benchmark)
            for key, cell in new.cells(benchmark).items():
                if not cell.measured or key not in was or not was[key].measured:
                    continue
                factor = change(old, new, benchmark, key, noise)
                ratio = cell.measured / (was[key].measured or math.nan)
                rows.append(
                    {
                        "metric": metric,
                        "case": ", ".join(key[1:]),
                        "way": key[0],
                        "ratio": ratio,
                        "verdict": "within noise"
                        if factor is None
                        else "worse"
                        if factor > 1
                        else "better",
                        "from": versions(old),
                        "to": versions(new),
                        "commit": new.commit[:8],
                    }
                )
    return rows


def _upgraded(runs: list[Run]) -> list[tuple[Run, Run]]:
    """Return the last pair of runs of one commit, on older and on newer versions."""
    pairs = [(old, new) for old, new in combinations(runs, 2) if old.commit == new.commit]
    return pairs[-1:]


def versions(run: Run) -> str:
    """Return the versions of the four libraries in one line."""
    here = run.environment
    return ", ".join(f"{name} {here[name]}" for name in LIBRARIES)


def _suffix(run: Run, runs: list[Run]) -> str:
    """Tell apart runs of one commit on several sets of versions, by NumPy's."""
    same = {versions(other) for other in runs if other.commit == run.commit}
    return f", numpy {run.environment['numpy']}" if len(same) > 1 else ""


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
    "upgrade": upgrade,
}

"""The smallest integer matrix on which a routine is wrong, and lines that anyone can paste.

python -m suites.conform.witness FOLDER [LIBRARY ...] writes one file for each routine.
"""

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kernels import Array, LeastSquares
from suites.conform.files import file_of
from suites.conform.registry import LIBRARIES, routines, version_of
from suites.conform.routine import Routine
from suites.conform.trial import verdict_on
from suites.judge import SolutionJudge, exact_solution

_ROWS, _COLUMNS, _ENTRY = 4, 3, 3
_POWER, _SUMMED = 17, 9  # of ten: no entry has more than 53 bits, and sums with a small one neither
_EXAMPLES = 4000
_SHARE = 0.1
_LONG = 40  # characters of an exact answer
MANY = 60  # calls of a routine whose answers vary


class Witness(NamedTuple):
    """Integers, the exact minimiser of least norm, and what came: several answers, if it varies."""

    X: list[list[int]]
    y: list[int]
    exact: list[Fraction]
    came: list[tuple[float, ...]]


def problems() -> Any:
    """Return what draws a few rows of small integers, their columns in powers of ten."""
    from hypothesis import strategies as st

    entry = st.integers(-_ENTRY, _ENTRY)

    @st.composite
    def drawn(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
        n, p = draw(st.integers(1, _ROWS)), draw(st.integers(1, _COLUMNS))
        powers = [draw(st.integers(0, _POWER)) for _ in range(p)]
        X = [
            [draw(entry) * 10**k + (draw(entry) if 0 < k <= _SUMMED else 0) for k in powers]
            for _ in range(n)
        ]
        return X, [draw(entry) for _ in range(n)]

    return drawn()


def witness(routine: Routine) -> Witness | None:
    """Return the smallest matrix found on which an answer is wrong, each time of three."""
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NoSuchExample

    known: dict[str, bool] = {}  # as some answer now so, now otherwise

    def is_found(drawn: tuple[list[list[int]], list[int]]) -> bool:
        key = repr(drawn)
        if key not in known:
            known[key] = is_wrong(drawn)
        return known[key]

    def is_wrong(drawn: tuple[list[list[int]], list[int]]) -> bool:
        X, y = _arrays(*drawn)
        problem = LeastSquares(X, y, routine.claim.alpha)
        exact = exact_solution(LeastSquares(X, y))
        if exact.rank < problem.p and not (routine.claim.deficient or routine.claim.alpha):
            return False
        if problem.n < problem.p and not routine.claim.wide:
            return False
        answers = [routine(X.copy(), y.copy()) for _ in range(3)]
        judge = SolutionJudge(problem, exact.rank if routine.claim.least_norm else None)
        w = np.array([float(entry) for entry in exact_solution(problem).w])
        return all(
            verdict_on(routine.claim, judge, answer) == "wrong"
            and not answer.stopped  # a warning came with it
            and _is_seen(X, y, answer.w, w)
            for answer in answers
        )

    chosen = settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        X, y = find(problems(), is_found, settings=chosen)
    except NoSuchExample:
        return None
    A, b = _arrays(X, y)
    exact = exact_solution(LeastSquares(A, b, routine.claim.alpha))
    came = sorted({tuple(routine(A, b).w.tolist()) for _ in range(MANY)})
    return Witness(X, y, exact.w, came)


def _is_seen(X: Array, y: Array, found: Array, exact: Array) -> bool:
    """Return whether a tenth of the fit, or of the largest term of it, is wrong."""
    fit, size = np.linalg.norm(X @ (found - exact)), np.linalg.norm(y)
    columns = np.linalg.norm(X, axis=0)
    off, largest = (columns * np.abs(found - exact)).max(), (columns * np.abs(exact)).max()
    return bool(fit > _SHARE * size or off > _SHARE * largest)


def _arrays(X: list[list[int]], y: list[int]) -> tuple[Array, Array]:
    return np.array(X, float), np.array(y, float)


def main(arguments: list[str]) -> int:
    folder, *libraries = arguments
    for library in libraries or LIBRARIES:
        if version_of(library) is None:
            continue
        for routine in routines(library).values():
            found = witness(routine)
            print(f"{routine.name}: {'wrong' if found else 'nothing found'}", flush=True)
            if found:
                file = Path(folder) / file_of(routine.name)
                file.write_text(as_file(routine, found, library))
    return 0


_FILE = """{said}

import numpy
{imports}

X = numpy.array({X}, float)
y = numpy.array({y}, float)
{call}
# came:  {came}
# exact: {exact}
"""
# What a paste needs beside the module that it begins with.
_ALSO = {
    "jax": "\nimport jax\n\njax.config.update('jax_enable_x64', True)",
    "polars_ds": "\nimport polars_ds",
}


def as_file(routine: Routine, found: Witness, library: str) -> str:
    """Return plain Python that shows it, without this project."""
    module = routine.paste.lstrip("(").split("(")[0].rpartition(".")[0]
    penalty = f", alpha = {routine.claim.alpha:g}" if routine.claim.alpha else ""
    exact = ", ".join(map(str, found.exact))
    if len(exact) > _LONG:
        exact = ", ".join(f"{float(entry):.15g}" for entry in found.exact)
    call = f"w = {routine.paste}\nprint(w)"
    if len(found.came) > 1:
        call = f"answers = {{tuple({routine.paste}) for _ in range({MANY})}}\nprint(answers)"
    came = [", ".join(f"{entry:.6g}" for entry in answer) for answer in found.came]
    return _FILE.format(
        said=f'"""{routine.name}, {library} {version_of(library)}{penalty}."""',
        imports=f"import {module}"
        + "".join(more for name, more in _ALSO.items() if name in routine.paste),
        X=found.X,
        y=found.y,
        call=call,
        came=" or ".join(came[:2]),
        exact=exact,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Descent from w = 0 by a method of one's choice, driven by any way."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from kernels.descent.curvature import curvature
from kernels.descent.loops import loops_of
from kernels.descent.run import Run
from kernels.descent.steps import BATCH, State
from kernels.descent.stopping import PATIENCE, TAKEN, Observer, Progress, Stopping, Verdict
from kernels.one_pass.clock import now
from kernels.problem import Array, LeastSquares, power_of_two_above
from kernels.solution import Solution
from kernels.way import Way

_LOOK = 0.05  # seconds between two looks at the clock
_LONGEST = 100_000  # iterations between them
_FIRST = 1 << 22  # bytes of X to read before the first


# The vectors and the numbers that a step keeps, and what they cost, in gradients.
_Start = tuple[list[Array], list[float], int]


@dataclass(frozen=True)
class _Method:
    """``step`` is its name in `steps.STEPS`, ``evaluations`` the gradients of one."""

    step: str
    start: Callable[[Run], _Start]
    evaluations: int = 1
    homogeneous: bool = False


def _fixed(run: Run) -> _Start:
    found = curvature(run.way, smallest=False)
    return [], [1 / found.largest], found.evaluations


def _longest(run: Run) -> _Start:
    found = curvature(run.way, smallest=True)
    return [], [2 / (found.largest + found.smallest)], found.evaluations


def _heavy_ball(run: Run) -> _Start:
    found = curvature(run.way, smallest=True)
    root, least = math.sqrt(found.largest), math.sqrt(found.smallest)
    # It raises f at first, for some root/least iterations, and that is no stalling.
    run.limits[PATIENCE] = max(run.limits[PATIENCE], 10 * root / least)
    numbers = [4 / (root + least) ** 2, ((root - least) / (root + least)) ** 2]
    return [run.w], numbers, found.evaluations


def _nesterov(run: Run) -> _Start:
    found = curvature(run.way, smallest=False)
    return [run.w], [1 / found.largest, 1, 0], found.evaluations


def _barzilai_borwein(run: Run) -> _Start:
    bend = 2 * run.way.homogeneous().value(run.g)  # gᵀHg
    return [run.g], [float(run.g @ run.g) / bend if bend > 0 else 0.0], 1


def _conjugate(run: Run) -> _Start:
    return [-run.g, run.g], [float(run.g @ run.g), run.value, 0, 0], 0


def _stochastic(run: Run) -> _Start:
    """R. M. Gower et al., SGD: general analysis and improved rates, ICML 2019, theorem 3.2.

    With L_b the largest curvature of any block and K = 4⌈L_b/mu⌉: a_k = 1/(2 L_b) up to k = K, then
    (2k + 1)/((k + 1)² mu), k counting the blocks used: |w - w*|² falls like 1/k. The blocks are of
    64 consecutive rows, so rows that are sorted are better shuffled before; those of an X that lies
    in blocks are these (`kernels.blocks`).
    """
    way, problem, found = run.way, run.way.problem, curvature(run.way, smallest=True)
    blocks = way.batch_count(BATCH)
    largest = 2 / problem.n * (blocks * way.batch_curvature(BATCH) + problem.alpha)
    switch = 4 * math.ceil(largest / found.smallest)
    # 20 reads of X are as many as 10 gradients that read it twice.
    return [], [1 / (2 * largest), 0, switch, found.smallest, 0], found.evaluations + 10


_STEPPED = {
    "gradient descent": _Method("fixed step", _fixed),
    "gradient descent, 2/(L+mu)": _Method("fixed step", _longest),
    "heavy ball": _Method("heavy ball", _heavy_ball),
    "nesterov": _Method("nesterov", _nesterov),
    "barzilai-borwein": _Method("barzilai-borwein", _barzilai_borwein),
    "conjugate gradients": _Method("conjugate gradients", _conjugate, homogeneous=True),
    "stochastic": _Method("stochastic", _stochastic, evaluations=2),
}


def _descended(method: _Method, run: Run) -> str:
    """Run stretches of iterations until one of them ends with a verdict, or time is up."""
    way, dtype = run.way, run.way.problem.dtype
    loops = loops_of(way)
    vectors, numbers, cost = method.start(run)
    run.evaluations += cost
    # One row and one number more than needed, so that Numba sees two dimensions always.
    memory, scalars = np.array([*vectors, run.w], dtype), np.array([*numbers, 0], dtype)
    length = 1 if way.is_remote else max(1, min(1000, _FIRST // way.problem.nbytes))
    orders = _sweeps(way.batch_count(BATCH)) if method.evaluations > 1 else _nothing
    refreshed, verdict = math.inf, Verdict.RUNNING
    while not (stopped := run.reason(verdict)):
        length = min(length, run.stopping.iterations - run.iterations)
        values, norms = np.empty((2, length), dtype)
        run.kept[TAKEN], since = 0, now()
        state = State(
            run.w,
            run.g,
            memory,
            scalars,
            orders(length),
            run.limits,
            run.kept,
            run.best,
            values,
            norms,
        )
        try:
            verdict = loops.descent(method.step, state, homogeneous=method.homogeneous)
        finally:
            count = int(run.kept[TAKEN])
            run.taken(since, values[:count], norms[:count], method.evaluations)
        if verdict == Verdict.GRADIENT and method.homogeneous:
            # ∇f was carried along. Each time that it is read it must be less: else it is rounding.
            run.read()
            verdict, norm = run.judged(), float(np.abs(run.g).max())
            if verdict == Verdict.RUNNING and norm > refreshed / 2:
                verdict = Verdict.STALLED
            refreshed = norm
            memory[0], scalars[:2] = -run.g, (run.g @ run.g, run.value)
        elapsed = max(now() - since, 1e-9)
        length = max(1, min(int(count / elapsed * _LOOK), 8 * length, _LONGEST))
    return stopped


def _sweeps(count: int) -> Callable[[int], Array]:
    """Return what draws the order of the blocks, a permutation for each of some sweeps."""
    rng, blocks = np.random.default_rng(0), np.arange(count)
    return lambda sweeps: np.array([rng.permutation(blocks) for _ in range(sweeps)])


def _nothing(count: int) -> Array:
    return np.empty((count, 0), np.int64)


def _optimiser(name: str) -> Callable[[Run], str]:
    def optimise(run: Run) -> str:
        from kernels.descent.optimisers import OPTIMISERS, optimised

        return optimised(OPTIMISERS[name], run)

    return optimise


def _reduced(run: Run) -> str:
    from kernels.descent.reduction import reduced

    return reduced(run, partial(_descended, _STEPPED["conjugate gradients"]))


_METHODS: dict[str, Callable[[Run], str]] = {
    **{name: partial(_descended, method) for name, method in _STEPPED.items()},
    "reduced conjugate gradients": _reduced,
    **{name: _optimiser(name) for name in ("L-BFGS-B", "torch SGD", "torch LBFGS", "lsqr", "lsmr")},
}
METHODS = tuple(_METHODS)


def _plain(name: str) -> str:
    """Return a name as it is compared: in lower case, hyphens and underscores as blanks."""
    return name.lower().replace("-", " ").replace("_", " ")


_NAMES = {_plain(name): name for name in METHODS}


def descend(
    method: str,
    way: Way,
    stopping: Stopping | None = None,
    *,
    start: ArrayLike | None = None,
    observe: Observer | None = None,
) -> Solution:
    """Return where a descent method gets, from w = 0 or from ``start``, by a way's gradients.

    Parameters
    ----------
    method : str
        One of `METHODS`; case does not matter, and blank, hyphen and underscore are one. In Python
        the loop drives any way through the contract; for the numba way it is compiled whole, and
        Python sees it every 50 ms. "torch SGD" and "torch LBFGS" drive the torch way only; "lsqr"
        and "lsmr" read X themselves.
    way : Way
        Prepared for the problem.
    stopping : Stopping, optional
        When to end.
    start : (p,) array_like, optional
    observe : callable, optional
        Is given the `Progress` of each stretch of iterations, to show it or to keep it. It may end
        the run by raising StopIteration.

    Returns
    -------
    Solution
        converged only where |∇f(w)| <= stopping.gradient |∇f(0)|; ``stopped`` says why it ended.
        Ctrl-C ends a run with the best iterate so far.

    From w = 0 every iterate is a combination of gradients and so of rows of X: where X is rank
    deficient the limit is the minimiser of least 2-norm. f and its curvature must be within the
    range of the dtype, with room: where they are not (X times 1e150), the run is on a scaled copy
    of X, and ``observe`` is shown the f of that, with w in the caller's units.

    Raises
    ------
    ValueError
        The method is not known, or does not drive this way; ``start`` does not fit.
    """
    if _plain(str(method)) not in _NAMES:  # a name of them holds a comma
        raise ValueError(f"method must be one of {'; '.join(METHODS)}; got {method!r}")
    method = _NAMES[_plain(method)]
    run = Run(way, stopping or Stopping(), start, observe)
    if not run.is_in_range and (units := _units(way.problem)):
        return _scaled(units, method, way, run)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            stopped = run.reason(run.judged()) or _METHODS[method](run)
    except KeyboardInterrupt:
        stopped = "interrupted"
    return run.answer(method, stopped)


def _units(problem: LeastSquares) -> tuple[float, float] | None:
    """Return the powers of two that bring X and y to at most 1; None where that is no help."""
    largest = problem.over_rows(_largest, np.maximum)
    x_unit, y_unit = (float(power_of_two_above(entry)) for entry in largest)
    room = float(np.finfo(problem.dtype).smallest_normal) ** (1 / 8)
    usual = all(room <= unit <= 1 / room for unit in (x_unit, y_unit))
    if usual or not 0 < y_unit / x_unit < np.finfo(problem.dtype).max:
        return None
    alpha = problem.alpha / x_unit / x_unit
    return None if alpha > np.finfo(problem.dtype).max else (x_unit, y_unit)


def _largest(X: Array, y: Array) -> Array:
    """Return the largest magnitudes of X and y, (2, 1)."""
    return np.array([[max(a.max(), -a.min())] for a in (X, y)])


def _divided(x_unit: float, y_unit: float, X: Array, y: Array) -> tuple[Array, Array]:
    return np.divide(X, x_unit, dtype=X.dtype), np.divide(y, y_unit, dtype=y.dtype)


def _scaled(units: tuple[float, float], method: str, way: Way, run: Run) -> Solution:
    """Run on X and y divided by their units, exactly, and scale the answer back."""
    problem, (x_unit, y_unit) = way.problem, units
    scaled = problem.mapped(partial(_divided, x_unit, y_unit), problem.alpha / x_unit / x_unit)
    start = run.w / (y_unit / x_unit)

    def unscaled(w: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            return (w * (y_unit / x_unit)).astype(problem.dtype)

    def seen(progress: Progress) -> None:
        run.show(replace(progress, w=unscaled(progress.w)))
        if run.is_seen_enough:
            raise StopIteration

    found = descend(method, type(way)(scaled), run.stopping, start=start, observe=seen)
    norm = (found.gradient_norm or 0.0) * x_unit * y_unit
    return replace(found, w=unscaled(found.w), alpha=problem.alpha, gradient_norm=norm)

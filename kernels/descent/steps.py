"""Descent methods, each as the step from one iterate to the next.

A step is written once. Python runs it on what `evaluate` makes of a way, and Numba compiles it
with `evaluate` a compiled pass over X, so that both give the same iterates to rounding:

    evaluate(data, w, g)                sets g to ∇f(w) and returns f(w)
    evaluate_block(data, w, g, block)   sets g to ∇f_b(w) for block b of B blocks of rows,
                                        f_b(w) = (B/n)(|X_b w - y_b|² + (alpha/B)|w|²)

f is the mean of the f_b, whatever their sizes.

    step(data, w, g, memory, numbers, order) moves w, sets g to ∇f at the new w, returns f there

``memory`` holds the method's vectors, ``numbers`` its scalars, in the dtype of w; ``order`` the
blocks of one sweep. Scalars pass through ``numbers`` so that float32 stays float32 when compiled.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kernels.descent.stopping import BEST, TAKEN, Verdict, judge
from kernels.problem import Array

BATCH = 64  # rows in a block of the stochastic method


class State(NamedTuple):
    """What a loop over steps works on; all but ``order`` and ``limits`` are written to.

    ``values`` and ``norms`` have room for f and |∇f| of each step, ``order`` a row for each; see
    `stopping` for ``limits`` and ``kept``.
    """

    w: Array
    g: Array
    memory: Array
    numbers: Array
    order: Array
    limits: Array
    kept: Array
    best: Array
    values: Array
    norms: Array


class Lanczos(NamedTuple):
    """What the Lanczos process extends, from row ``start`` to ``stop``; see `lanczos`."""

    basis: Array
    diagonal: Array
    beside: Array
    start: int
    stop: int
    smallest: float


def fixed_step(evaluate: Any, evaluate_block: Any) -> Any:
    """w ← w - a ∇f(w);    numbers: a."""

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        w -= numbers[0] * g
        return evaluate(data, w, g)

    return step


def heavy_ball(evaluate: Any, evaluate_block: Any) -> Any:
    """w ← w - a ∇f(w) + b (w - previous w);    numbers: a, b; memory: previous w."""

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        previous = memory[0]
        ahead = w - numbers[0] * g + numbers[1] * (w - previous)
        previous[:] = w
        w[:] = ahead
        return evaluate(data, w, g)

    return step


def nesterov(evaluate: Any, evaluate_block: Any) -> Any:
    """x ← w - a ∇f(w),  w ← x + b (x - previous x);    numbers: a, t, b; memory: previous x.

    b = (t - 1)/t' with t' = (1 + sqrt(1 + 4t²))/2, and t starts again from 1 where the momentum
    points uphill: ∇f(w)ᵀ(x - previous x) > 0.
    """

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        previous = memory[0]
        ahead = w - numbers[0] * g
        if np.dot(g, ahead - previous) > 0:
            numbers[1] = 1
        t = numbers[1]
        numbers[1] = (1 + np.sqrt(1 + 4 * t * t)) / 2
        numbers[2] = (t - 1) / numbers[1]
        w[:] = ahead + numbers[2] * (ahead - previous)
        previous[:] = ahead
        return evaluate(data, w, g)

    return step


def barzilai_borwein(evaluate: Any, evaluate_block: Any) -> Any:
    """w ← w - a ∇f(w),  a ← sᵀs / sᵀz;    numbers: a; memory: previous ∇f.

    s = -a ∇f(w) is the step taken and z the change of ∇f along it.
    """

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        previous = memory[0]
        previous[:] = g
        w -= numbers[0] * g
        value = evaluate(data, w, g)
        change = np.dot(previous, previous - g)
        if change > 0:
            numbers[0] *= np.dot(previous, previous) / change
        return value

    return step


def conjugate_gradients(evaluate: Any, evaluate_block: Any) -> Any:
    """w ← w + a d,  g ← g + a Hd,  d ← -g + (|g|²/|previous g|²) d;    memory: d, Hd.

    ``data`` is that of y = 0, for which evaluate gives Hd and dᵀHd/2 = (|Xd|² + alpha|d|²)/n at
    once: the curvature is a sum of squares, as in CGLS. numbers: |g|², f, a, the factor of d.
    """

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        d, product = memory[0], memory[1]
        half = evaluate(data, d, product)
        numbers[2] = numbers[0] / (half + half) if half > 0 else 0
        w += numbers[2] * d
        g += numbers[2] * product
        numbers[1] -= numbers[2] * numbers[0] / 2
        numbers[3] = 1 / numbers[0]
        numbers[0] = np.dot(g, g)
        numbers[3] *= numbers[0]
        d[:] = numbers[3] * d - g
        return numbers[1]

    return step


def stochastic(evaluate: Any, evaluate_block: Any) -> Any:
    """A sweep over all blocks of rows, w ← w - a_k ∇f_b(w), and then f over all rows.

    numbers: a of the k-th step is numbers[0] up to k = numbers[2], from there on
    (2k + 1)/((k + 1)² numbers[3]); k; see above; numbers[4] is room for a.
    """

    def step(data: Any, w: Array, g: Array, memory: Array, numbers: Array, order: Array) -> Any:
        for block in order:
            evaluate_block(data, w, g, block)
            k = numbers[1]
            numbers[4] = numbers[0]
            if k > numbers[2]:
                numbers[4] = (2 * k + 1) / ((k + 1) * (k + 1) * numbers[3])
            w -= numbers[4] * g
            numbers[1] += 1
        return evaluate(data, w, g)

    return step


# By name: the compiled loops are cached by it.
STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "fixed step": fixed_step,
    "heavy ball": heavy_ball,
    "nesterov": nesterov,
    "barzilai-borwein": barzilai_borwein,
    "conjugate gradients": conjugate_gradients,
    "stochastic": stochastic,
}


def descent(step: Any) -> Any:
    """Return the loop over steps: it ends with ``values`` full or with a verdict, which it returns.

    kept[TAKEN] counts the steps, so that an interrupted loop leaves their number.
    """

    def run(data: Any, state: State) -> Any:
        w, g, kept, values, norms = state.w, state.g, state.kept, state.values, state.norms
        for k in range(values.size):
            value = step(data, w, g, state.memory, state.numbers, state.order[k])
            norm = np.abs(g).max()
            if value < kept[BEST]:
                kept[BEST] = value
                state.best[:] = w
            values[k], norms[k] = value, norm
            kept[TAKEN] += 1
            verdict = judge(value, norm, state.limits, kept)
            if verdict != Verdict.RUNNING:
                return verdict
        return Verdict.RUNNING

    return run


def lanczos(evaluate: Any, evaluate_block: Any) -> Any:
    """Return the Lanczos process for the Hessian H, with ``data`` that of y = 0.

        b_k q_{k+1} = H q_k - a_k q_k - b_{k-1} q_{k-1}

    extends ``basis`` (rows q), ``diagonal`` a and ``beside`` b from row ``start`` to ``stop``. Each
    new row is made orthogonal to all before it, twice. It returns the rows reached: fewer where
    b_k is below ``smallest`` times the largest b or a so far, H q_k then lying in the span.
    """

    def run(data: Any, state: Lanczos) -> int:
        basis, diagonal, beside, start, stop, smallest = state
        product = np.empty_like(basis[0])
        for k in range(start, stop):
            evaluate(data, basis[k], product)
            diagonal[k] = np.dot(basis[k], product)
            rows = basis[: k + 1]
            for _ in range(2):
                product -= np.dot(np.dot(rows, product), rows)
            beside[k] = np.sqrt(np.dot(product, product))
            size = max(diagonal[: k + 1].max(), beside[: k + 1].max())
            if not beside[k] > smallest * size:
                return k + 1
            basis[k + 1] = product / beside[k]
        return stop

    return run

"""When a descent method ends, and why."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from kernels.problem import Array


class Verdict(IntEnum):
    """What the stopping policy says of an iterate. In lower case: what `Solution.stopped` says."""

    RUNNING = 0
    GRADIENT = 1
    STALLED = 2
    DIVERGED = 3


# Places in the arrays of what `judge` compares with, and of what it keeps between two iterates.
NORM, CEILING, DECREASE, PATIENCE = range(4)
BEST, LOWEST, LEAST, SINCE, TAKEN = range(5)


@dataclass(frozen=True)
class Stopping:
    """When a descent method ends. The first of these to hold, and what `Solution.stopped` says.

    Attributes
    ----------
    gradient : float, default 1e-8
        "gradient": |∇f(w)| <= gradient |∇f(0)|, in the largest entry. The only one that counts
        as converged.
    decrease, patience : float, default 0; int, default 1000
        "stalled": in ``patience`` iterations in turn neither f nor |∇f| has fallen by more than
        ``decrease``, relative to its lowest value before. At 0 this is where rounding has the
        last word. The heavy ball, which raises both at first, has 10 sqrt(L/mu) at the least.
    divergence : float, default 1e10
        "diverged": f(w) > divergence f(w₀), or not finite. Methods that are not monotone may
        raise f for a while, by far less than this.
    iterations : int, default 100 000
        "iterations".
    seconds : float, default infinite
        "seconds", of wall time since the call: the method's preparation is included, what Numba
        takes to compile or to load compiled code is not. Looked at every 50 ms, or after each
        iteration where one takes longer; so there is one iteration at the least.

    "interrupted" (Ctrl-C) is the sixth reason, "observer" (StopIteration raised by ``observe``) the
    seventh. Whatever the reason, the answer is the iterate with the lowest f, or the last one where
    it has converged.
    """

    gradient: float = 1e-8
    decrease: float = 0.0
    patience: int = 1000
    divergence: float = 1e10
    iterations: int = 100_000
    seconds: float = math.inf

    def __post_init__(self) -> None:
        for name in ("gradient", "decrease", "iterations", "seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not self.patience >= 1:
            raise ValueError(f"patience must be at least 1, got {self.patience}")
        if not self.divergence > 1:
            raise ValueError(f"divergence must be above 1, got {self.divergence}")

    def limits(self, scale: float, value: float, dtype: np.dtype[Any]) -> Array:
        """Return what `judge` compares with: |∇f(0)| is ``scale``, f(w₀) is ``value``."""
        with np.errstate(over="ignore"):  # infinite: then only a value that is not finite is above
            return np.array(
                [self.gradient * scale, self.divergence * value, self.decrease, self.patience],
                dtype,
            )


@dataclass(frozen=True, eq=False)
class Progress:
    """A stretch of a descent: for each of its iterations

    seconds : (k,) array
        Wall time since the call, as in `Stopping`; between two looks at the clock, which are 50 ms
        apart or an iteration, in equal parts.
    evaluations : (k,) array
        Gradients taken since the call, or as many reads of X.
    values, gradient_norms : (k,) arrays
        f(w), and the largest entry of ∇f(w) in magnitude.
    w : (p,) array
        The iterate at the end of the stretch, a copy.
    """

    seconds: Array
    evaluations: Array
    values: Array
    gradient_norms: Array
    w: Array


Observer = Callable[[Progress], None]


def watch(value: float, norm: float, dtype: np.dtype[Any]) -> Array:
    """Return what `judge` keeps, at the start."""
    return np.array([value, value, norm, 0, 0], dtype)


def judge(value: float, norm: float, limits: Array, kept: Array) -> Verdict:
    """Return what to do at an iterate with these f and |∇f|. Numba compiles it too."""
    if not value <= limits[CEILING] or not np.isfinite(value):
        return Verdict.DIVERGED
    if norm <= limits[NORM]:
        return Verdict.GRADIENT
    kept[SINCE] += 1
    if value < kept[LOWEST] - limits[DECREASE] * np.abs(kept[LOWEST]):
        kept[LOWEST] = value
        kept[SINCE] = 0
    if norm < kept[LEAST] - limits[DECREASE] * kept[LEAST]:
        kept[LEAST] = norm
        kept[SINCE] = 0
    return Verdict.STALLED if kept[SINCE] >= limits[PATIENCE] else Verdict.RUNNING

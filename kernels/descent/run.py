"""One run of a descent method: where it is, what it has cost, and the answer."""

import math

import numpy as np
from numpy.typing import ArrayLike

from kernels.descent.stopping import Observer, Progress, Stopping, Verdict, judge, watch
from kernels.one_pass.clock import now
from kernels.problem import Array
from kernels.solution import Solution
from kernels.way import Way


class Run:
    """The iterate w with f and ∇f there, the best one so far, and the counts.

    Created at the start, from w = 0 if none is given; every method moves it on.
    """

    def __init__(
        self,
        way: Way,
        stopping: Stopping,
        start: ArrayLike | None = None,
        observe: Observer | None = None,
    ) -> None:
        self.way, self.stopping, self.observe = way, stopping, observe
        self.began = now()
        problem = way.problem
        zeros = np.zeros(problem.p, problem.dtype)
        self.w = zeros if start is None else problem.coefficients(start).copy()
        with np.errstate(over="ignore", invalid="ignore"):
            self.value, self.g = way.value_and_gradient(self.w)
            self.evaluations, self.iterations = 1, 0
            at_zero = self.g
            if self.w.any():
                at_zero, self.evaluations = way.gradient(np.zeros_like(self.w)), 2
        self.best = self.w.copy()
        self.limits = stopping.limits(float(np.abs(at_zero).max()), self.value, problem.dtype)
        self.kept = self._watched()
        self.is_seen_enough = False  # the observer has raised StopIteration

    def _watched(self) -> Array:
        return watch(self.value, float(np.abs(self.g).max()), self.w.dtype)

    @property
    def is_in_range(self) -> bool:
        """Whether f and ∇f are so far from the ends of the range that their squares are in it."""
        room = float(np.finfo(self.w.dtype).smallest_normal) ** (1 / 4)
        return all(room < size < 1 / room for size in (self.value, float(np.abs(self.g).max())))

    def judged(self) -> Verdict:
        """Return the verdict of the stopping policy on the iterate."""
        return judge(self.value, float(np.abs(self.g).max()), self.limits, self.kept)

    def reason(self, verdict: Verdict) -> str | None:
        """Return why to stop after this verdict, if so; iterations and seconds count as well."""
        if verdict != Verdict.RUNNING:
            return verdict.name.lower()
        if self.is_seen_enough:
            return "observer"
        if self.iterations >= self.stopping.iterations:
            return "iterations"
        if self.iterations and self.seconds >= self.stopping.seconds:
            return "seconds"
        return None

    @property
    def seconds(self) -> float:
        """Wall time since the start, compiling left out."""
        return now() - self.began

    def read(self) -> None:
        """Take f and ∇f at w from X, for methods that carry them along."""
        self.value, self.g[:] = self.way.value_and_gradient(self.w)
        self.evaluations += 1
        self.kept[:] = self._watched()
        self.best[:] = self.w

    def taken(self, since: float, values: Array, norms: Array, evaluations: int) -> None:
        """Count iterations taken since a time of the clock, and show them."""
        count, until = len(values), now()
        before = self.evaluations
        self.iterations += count
        self.evaluations += count * evaluations
        if self.observe is not None and count:
            steps = np.arange(1, count + 1)
            seconds = since - self.began + steps * ((until - since) / count)
            self.show(Progress(seconds, before + steps * evaluations, values, norms, self.w.copy()))

    def show(self, progress: Progress) -> None:
        """Show a stretch to the observer, if there is one."""
        if self.observe is not None:
            try:
                self.observe(progress)
            except StopIteration:
                self.is_seen_enough = True

    def answer(self, method: str, stopped: str) -> Solution:
        converged = stopped == "gradient"
        w = self.w if converged else self.best
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = self.way.gradient(w)
        return Solution(
            w,
            rank=None,
            method=method,
            alpha=self.way.problem.alpha,
            iterations=self.iterations,
            converged=converged,
            gradient_norm=math.hypot(*gradient),
            evaluations=self.evaluations + 1,
            stopped=stopped,
        )

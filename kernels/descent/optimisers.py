"""Run methods that users have already: SciPy's and PyTorch's optimisers, LSQR and LSMR."""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels.descent.curvature import curvature
from kernels.descent.run import Run
from kernels.descent.stopping import BEST, NORM
from kernels.one_pass.clock import now
from kernels.problem import Array

_MOMENTUM = 0.9
_LINE_SEARCH = 26  # evaluations: 25 are the line search's own limit
_ROUNDS = 4


class _Stopped(StopIteration):
    """Ends a library's loop; SciPy's minimize takes StopIteration from a callback as such."""


class _Watched:
    """Counts and judges the iterates of a library's loop."""

    def __init__(self, run: Run) -> None:
        self.run, self.stopped = run, "stalled"
        self._since, self._counted = now(), run.evaluations

    def iterate(self, w: Array, value: float, g: Array) -> None:
        """Take note of an iterate; raise `_Stopped` if it is the last."""
        run = self.run
        run.w, run.value, run.g = w.astype(run.w.dtype), value, g
        if value < run.kept[BEST]:
            run.kept[BEST], run.best = value, run.w.copy()
        spent, run.evaluations = run.evaluations - self._counted, self._counted
        run.taken(self._since, np.array([value]), np.array([np.abs(g).max()]), spent)
        self._since, self._counted = now(), run.evaluations
        if stopped := run.reason(run.judged()):
            self.stopped = stopped
            raise _Stopped


def l_bfgs_b(run: Run, watched: _Watched) -> None:
    """`scipy.optimize.minimize` with L-BFGS-B and jac=True, its own tolerances set to zero.

    Its line search compares values of f. A step can lower them by |∇f|²/2L, L = |∇²f|, which
    rounding, u f, hides below |∇f| = sqrt(2 L u f): asked for less it may end as "stalled".

    Its tiny BLAS calls run on SciPy's threads, which meet Numba's idle ones still spinning: at
    2000 x 50 on two cores an iteration on the numba way took 20 times as long as with BLAS on one
    thread (threadpoolctl) or under OMP_WAIT_POLICY=passive.
    """
    from scipy.optimize import minimize

    last: dict[bytes, tuple[float, Array]] = {}

    def evaluate(w: Array) -> tuple[float, Array]:
        run.evaluations += 1
        value, g = run.way.value_and_gradient(w)
        last.clear()
        last[w.tobytes()] = value, g
        return value, g.astype(np.float64)

    def callback(intermediate_result: Any) -> None:
        w = intermediate_result.x
        value, g = last.get(w.tobytes()) or run.way.value_and_gradient(w)
        watched.iterate(w, value, g)

    limits = {"maxiter": run.stopping.iterations, "maxfun": math.inf, "ftol": 0, "gtol": 0}
    minimize(evaluate, run.w, jac=True, method="L-BFGS-B", callback=callback, options=limits)
    if watched.stopped == "stalled" and run.iterations >= run.stopping.iterations:
        watched.stopped = "iterations"


def torch_sgd(run: Run, watched: _Watched) -> None:
    """`torch.optim.SGD` on the whole loss, lr = 1/L, momentum 0.9."""
    import torch

    found = curvature(run.way, smallest=False)
    run.evaluations += found.evaluations
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
        leaf, evaluate = _leaf(run)
        optimiser = torch.optim.SGD([leaf], lr=1 / found.largest, momentum=_MOMENTUM)
        evaluate()
        while True:
            optimiser.step()
            watched.iterate(leaf.detach().numpy(), float(evaluate().detach()), leaf.grad.numpy())


def torch_lbfgs(run: Run, watched: _Watched) -> None:
    """`torch.optim.LBFGS` with its strong Wolfe line search, one iteration a step.

    max_eval must be given: by default an iteration may evaluate max_iter 5/4 times, which for
    one iteration leaves the line search nothing, and the method stands still (PyTorch 2.13.0).
    """
    import torch

    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
        leaf, evaluate = _leaf(run)
        optimiser = torch.optim.LBFGS(
            [leaf],
            max_iter=1,
            max_eval=_LINE_SEARCH,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )
        while True:
            optimiser.step(evaluate)
            watched.iterate(leaf.detach().numpy(), float(evaluate().detach()), leaf.grad.numpy())


def _leaf(run: Run) -> tuple[Any, Callable[[], Any]]:
    """Return w as a leaf tensor, and the closure that records the loss and walks it back."""
    import torch

    loss_of = getattr(run.way, "loss", None)
    if loss_of is None:
        raise ValueError(f"this method drives the torch way only, got {type(run.way).__name__}")
    leaf = torch.from_numpy(run.w.copy()).requires_grad_()

    def evaluate() -> Any:
        run.evaluations += 1
        leaf.grad = None
        loss = loss_of(leaf)
        loss.backward()
        return loss

    return leaf, evaluate


def _bidiagonal(name: str) -> Callable[[Run, _Watched], None]:
    """LSQR or LSMR of `scipy.sparse.linalg`, which read X itself; a round is one call.

    They end where |Xᵀr| <= atol |X||r|, or where |r| <= atol |X||w|; with atol = gradient
    |Xᵀy| / (|X||y|) the first means what `Stopping.gradient` says, the second may not, and
    then another round takes up what is left. Between rounds nothing is observed or timed.
    """

    def solve(run: Run, watched: _Watched) -> None:
        import scipy.sparse.linalg

        method, way, problem = getattr(scipy.sparse.linalg, name), run.way, run.way.problem
        few = problem.condensed()
        X, y = few.X, few.y
        size = float(np.linalg.norm(X) * np.linalg.norm(y)) * 2 / problem.n
        tolerance = float(run.limits[NORM]) / size
        limit = "iter_lim" if name == "lsqr" else "maxiter"
        damp = math.sqrt(problem.alpha)
        if run.w.any() and damp:
            raise ValueError(f"{name} starts from w = 0 where alpha > 0")
        for _ in range(_ROUNDS):
            left = run.stopping.iterations - run.iterations
            options = {limit: left, "atol": tolerance, "btol": 0, "conlim": 0, "damp": damp}
            found = method(X, y - X @ run.w, **options)
            w = run.w + found[0]
            run.iterations += found[2] - 1  # `iterate` counts one
            run.evaluations += found[2]
            watched.iterate(w, *way.value_and_gradient(w.astype(problem.dtype)))
            if damp:
                return

    return solve


OPTIMISERS: dict[str, Callable[[Run, _Watched], None]] = {
    "L-BFGS-B": l_bfgs_b,
    "torch SGD": torch_sgd,
    "torch LBFGS": torch_lbfgs,
    "lsqr": _bidiagonal("lsqr"),
    "lsmr": _bidiagonal("lsmr"),
}


def optimised(optimiser: Callable[[Run, _Watched], None], run: Run) -> str:
    """Run one of the optimisers and return why it ended; "stalled" where it ended by itself."""
    watched = _Watched(run)
    with contextlib.suppress(_Stopped):
        optimiser(run, watched)
    return watched.stopped

"""What one process measures: each open cell, judged, in interleaved batches.

Runs in the environment that is measured, by `suites.harness.process.call`: arguments and results
are what JSON holds.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from time import perf_counter, sleep
from typing import Any

from kernels import WAYS, LeastSquares, Solution, minimum_norm
from suites.compare.cells import Cell
from suites.data import problems
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.threads import use_threads
from suites.harness.timing import calls_per_batch
from suites.harness.turns import Turns
from suites.harness.verified import Kind, Truth, Verified, digest
from suites.judge import SolutionJudge, WrongAnswerError

_ROUNDS = 10
_BATCH = 0.001  # seconds

# As in suites/harness/timing.py: after a parallel region idle threads spin for up to 5 ms, and
# asleep they take some milliseconds of calls to find a core again.
_SPIN, _WAKE = 0.006, 0.01  # seconds
_WARM = 0.0005  # seconds: X comes back to the caches

Found = dict[str, Any]


class _Answers:
    """The calls of a cell, whose answers have bits that are known to be right or are judged.

    Known is what the process that judged them said: the oracle, which costs as much as thousands
    of calls, is asked again only where the bits differ. Raises `WrongAnswerError`.
    """

    def __init__(self, cell: Cell, known: Any = None) -> None:
        problem = _problem(cell.n, cell.p, cell.order)
        is_solved = cell.what in ("solve", "descent", "minimum norm")
        self._truth = Truth(problem, 1 if is_solved else 4, judged=known)
        use_threads(cores() if cell.threads == "all" else 1)
        self.turns = self._solutions(cell) if is_solved else self._gradients(cell)
        use_threads(cores() if cell.threads == "all" else 1)  # of what was imported since, too

    def _gradients(self, cell: Cell) -> Turns:
        make, problem = WAYS[cell.way], self._truth.problem
        kind: Kind = "value and gradient" if cell.what == "value and gradient" else "gradient"
        verified = Verified(make(problem), self._truth, [kind])
        if cell.what == "prepare":  # and take a first gradient, which is what can be judged
            return verified.turns("gradient", lambda w: make(problem).gradient(w))
        if cell.what == "value and gradient":
            return verified.value_and_gradient
        return verified.gradient

    def _solutions(self, cell: Cell) -> Turns:
        problem = self._truth.problem
        solve: Callable[[], Any]
        if cell.what == "minimum norm":
            solve = partial(minimum_norm, problem)
        else:
            solve = WAYS[cell.way](problem).solve
        return Solutions(solve, self._require, self._truth)

    def _require(self, answer: Solution) -> None:
        if not answer.converged:
            raise WrongAnswerError("it says that it did not converge")
        right = self._truth.right_bits("solution")
        if (seen := digest(answer.w.tobytes())) not in right:
            SolutionJudge(self._truth.problem).check(answer)
            right.add(seen)

    def judgement(self) -> Any:
        """Return what spares another process the judging."""
        return self._truth.judgement()


def verify(cells: Sequence[Sequence[Any]]) -> dict[str, Found]:
    """Return of each cell what is right and the calls of a batch.

    Or how it is "wrong", or how it "fails". Compiles what is not compiled yet.
    """
    found = {}
    for fields in cells:
        cell = Cell(*fields)
        try:
            answers = _Answers(cell)
            answers.turns.batch(8)
            answers.turns.check()
            number, _ = calls_per_batch(answers.turns, _BATCH)
            found[cell.name] = {"right": answers.judgement(), "number": number}
        except WrongAnswerError as error:
            found[cell.name] = {"wrong": str(error)}
        except Exception as error:  # whatever a commit does not have, or does
            found[cell.name] = {"fails": f"{type(error).__name__}: {error}"}
    return found


def measure(cells: Sequence[Sequence[Any]], known: dict[str, Found]) -> dict[str, Found]:
    """Return the "seconds" of a call of each cell in its fastest batch, or how it is "wrong".

    Each round has one batch of every cell, in an order that turns round from one round to the next.
    What others do on the machine only ever adds to a batch: with five busy processes on two cores
    the median of seven batches moved by 30 to 50 % from process to process, the least by 1 to 10 %.
    """
    chosen = [Cell(*fields) for fields in cells]
    found: dict[str, Found] = {}
    ready: dict[Cell, Turns] = {}
    for cell in chosen:
        try:
            ready[cell] = _Answers(cell, known[cell.name]["right"]).turns
        except WrongAnswerError as error:
            found[cell.name] = {"wrong": str(error)}
    seconds: dict[Cell, list[float]] = {cell: [] for cell in ready}
    for k in range(_ROUNDS):
        for cell in list(ready)[:: -1 if k % 2 else 1]:
            _wake(cell, ready[cell])
            number = known[cell.name]["number"]
            seconds[cell].append(ready[cell].batch(number) / number)
    for cell, turns in ready.items():
        wrong = turns.why_wrong()
        found[cell.name] = {"wrong": wrong} if wrong else {"seconds": min(seconds[cell])}
    return found


@cache
def _problem(n: int, p: int, order: Any) -> LeastSquares:
    return problems.gaussian(n, p, order=order)


def _wake(cell: Cell, turns: Turns) -> None:
    """Bring X back to the caches; where there are threads, let others' sleep and wake these."""
    if cell.threads == "all":
        sleep(_SPIN)
    end = perf_counter() + (_WAKE if cell.threads == "all" else _WARM)
    while perf_counter() < end:
        turns.batch(1)

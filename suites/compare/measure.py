"""What one process measures: each open cell, judged, in interleaved batches.

Runs in the environment that is measured, by `suites.harness.process.call`: arguments and results
are what JSON holds.
"""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from time import perf_counter, sleep
from typing import Any

import numpy as np

from kernels import WAYS, Array, LeastSquares, Solution, Way, minimum_norm
from suites.compare.cells import Cell
from suites.data import problems
from suites.harness.machine import cores
from suites.harness.threads import use_threads
from suites.harness.turns import Turns
from suites.judge import RIGHT, GradientOracle, SolutionJudge, WrongAnswerError

_POINTS = 4
_ROUNDS = 10
_BATCH = 0.001  # seconds
_MOST = 1 << 20  # calls of a batch
_LINE = 64  # bytes

# As in suites/harness/timing.py: after a parallel region idle threads spin for up to 5 ms, and
# asleep they take some milliseconds of calls to find a core again.
_SPIN, _WAKE = 0.006, 0.01  # seconds
_WARM = 0.0005  # seconds: X comes back to the caches

Found = dict[str, Any]


class _Answers(Turns):
    """Calls whose answers have bits that are known to be right, or are judged.

    Known bits come from the process that judged all of them, as digests, so that the oracle, which
    costs as much as thousands of calls, is asked again only where the bits differ.
    """

    def __init__(self, function: Callable[[Any], Any], problem: LeastSquares, count: int) -> None:
        super().__init__(function, count)
        self.right: set[str] = set()
        self._problem = problem

    def judge(self, number: int, argument: Any, bits: bytes) -> None:
        digest = hashlib.blake2b(bits, digest_size=8, salt=bytes([number])).hexdigest()
        if digest not in self.right:
            self.require_right(number, bits)
            self.right.add(digest)

    def require_right(self, number: int, bits: bytes) -> None:
        """Raise `WrongAnswerError` unless the oracle finds the answer right."""
        raise NotImplementedError

    def require_unchanged(self, outputs: list[Any]) -> None:
        """X and y are looked at once for all cells that share them."""


class _Gradients(_Answers):
    """A gradient, alone or beside its value, at several points in turn."""

    def __init__(self, function: Callable[[Array], Any], way: Way) -> None:
        super().__init__(function, way.problem, _POINTS)
        self._factored = way.factored
        self._points = [problems.start(way.problem, seed) for seed in range(1, _POINTS + 1)]

    def arguments(self, turn: list[int]) -> list[Array]:
        return [self._points[number].copy() for number in turn]

    def bits(self, output: Any) -> bytes:
        value, gradient = output if type(output) is tuple else (None, output)
        if type(gradient) is not np.ndarray:
            raise WrongAnswerError(f"a gradient is a {type(gradient).__name__}")
        if gradient.dtype != self._problem.dtype or gradient.shape != (self._problem.p,):
            raise WrongAnswerError(f"a gradient is {gradient.dtype} of shape {gradient.shape}")
        parts = [gradient] if value is None else [gradient, np.float64(value)]
        return b"".join(part.tobytes() for part in parts)

    def require_right(self, number: int, bits: bytes) -> None:
        oracle = GradientOracle(self._problem, self._points[number])
        numbers = np.frombuffer(bits)
        p = self._problem.p
        errors = [oracle.gradient_error(numbers[:p], factored=self._factored)]
        errors += [oracle.value_error(float(f), factored=self._factored) for f in numbers[p:]]
        if not max(errors) <= 1:
            raise WrongAnswerError(f"{max(errors):.3g} times the error bound off")


class _Prepared(_Gradients):
    """A preparation, whose way must give a right gradient."""

    def bits(self, output: Any) -> bytes:
        return super().bits(output.gradient(self._points[0]))

    def arguments(self, turn: list[int]) -> list[Any]:
        return [self._problem for _ in turn]

    def require_right(self, number: int, bits: bytes) -> None:
        super().require_right(0, bits)


class _Solutions(_Answers):
    """A solution, of data of full rank."""

    def __init__(self, solve: Callable[[], Solution], problem: LeastSquares) -> None:
        super().__init__(lambda _: solve(), problem, 1)

    def arguments(self, turn: list[int]) -> list[None]:
        return [None]

    def bits(self, output: Any) -> bytes:
        if not output.converged:
            raise WrongAnswerError("it says that it did not converge")
        return bytes(output.w.tobytes())

    def require_right(self, number: int, bits: bytes) -> None:
        ratios = SolutionJudge(self._problem).ratios(np.frombuffer(bits))
        worst = max(ratios, key=lambda name: ratios[name])
        if not ratios[worst] < RIGHT:
            raise WrongAnswerError(f"{worst} is {ratios[worst]:.3g}, right is {RIGHT:g}")


def verify(cells: Sequence[Sequence[Any]]) -> dict[str, Found]:
    """Return of each cell the digests of its right answers and the calls of a batch.

    Or how it is "wrong", or how it "fails". Compiles what is not compiled yet.
    """
    found = {}
    for fields in cells:
        cell = Cell(*fields)
        before = _checksums(*cell[2:5])
        try:
            answers = _ready(cell)
            answers.batch(2 * _POINTS)
            answers.check()
            if _checksums(*cell[2:5]) != before:
                raise WrongAnswerError("X or y is not what it was")
            found[cell.name] = {"right": sorted(answers.right), "number": _number(answers)}
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
    data = {cell[2:5]: _checksums(*cell[2:5]) for cell in chosen}
    answers = [_ready(cell) for cell in chosen]
    for cell, calls in zip(chosen, answers, strict=True):
        calls.right.update(known[cell.name]["right"])
    seconds: list[list[float]] = [[] for _ in chosen]
    for k in range(_ROUNDS):
        for i in range(len(chosen))[:: -1 if k % 2 else 1]:
            _wake(chosen[i], answers[i])
            number = known[chosen[i].name]["number"]
            seconds[i].append(answers[i].batch(number) / number)
    changed = {shape for shape, before in data.items() if _checksums(*shape) != before}
    return {
        cell.name: _outcome(calls, min(samples), cell[2:5] in changed)
        for cell, calls, samples in zip(chosen, answers, seconds, strict=True)
    }


def _outcome(answers: _Answers, seconds: float, changed: bool) -> Found:
    wrong = "X or y is not what it was" if changed else answers.why_wrong()
    return {"wrong": wrong} if wrong else {"seconds": seconds}


def _ready(cell: Cell) -> _Answers:
    problem = _problem(cell.n, cell.p, cell.order)
    answers = _answers(cell, problem)
    use_threads(cores() if cell.threads == "all" else 1)
    return answers


def _answers(cell: Cell, problem: LeastSquares) -> _Answers:
    if cell.what == "minimum norm":
        return _Solutions(lambda: minimum_norm(problem), problem)
    way = WAYS[cell.way](problem)
    if cell.what in ("solve", "descent"):
        return _Solutions(way.solve, problem)
    if cell.what == "prepare":
        return _Prepared(WAYS[cell.way], way)
    return _Gradients(way.gradient if cell.what == "gradient" else way.value_and_gradient, way)


@cache
def _problem(n: int, p: int, order: Any) -> LeastSquares:
    drawn = problems.gaussian(n, p, order=order)
    return LeastSquares(_aligned(drawn.X), _aligned(drawn.y))


def _aligned(array: Array) -> Array:
    """Return a copy that begins with a line of the cache.

    NumPy aligns to 16 bytes, and what went before in a process decides whether to 32: with X in
    Fortran order and 240 KB of it that moves numba's gradient by 16 %.
    """
    room = np.empty(array.nbytes + _LINE, np.uint8)
    order: Any = "C" if array.flags.c_contiguous else "F"
    start = -room.ctypes.data % _LINE
    copy: Array = np.ndarray(array.shape, array.dtype, room, start, order=order)
    copy[...] = array
    return copy


def _checksums(n: int, p: int, order: str) -> list[int]:
    problem = _problem(n, p, order)
    return [zlib.crc32(array.ravel(order="K").data) for array in (problem.X, problem.y)]


def _number(answers: _Answers) -> int:
    number = 2
    while number < _MOST and (seconds := answers.batch(number)) < _BATCH:
        number = max(number + 1, int(number * min(10.0, _BATCH / max(seconds, 1e-9))))
    return number


def _wake(cell: Cell, answers: _Answers) -> None:
    """Bring X back to the caches; where there are threads, let others' sleep and wake these."""
    if cell.threads == "all":
        sleep(_SPIN)
    end = perf_counter() + (_WAKE if cell.threads == "all" else _WARM)
    while perf_counter() < end:
        answers.batch(1)

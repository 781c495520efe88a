"""A way that is right at every point where it is timed, and still was after it was timed."""

import sys
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property
from hashlib import blake2b
from types import FrameType
from typing import Any, Literal

import numpy as np

from kernels import Array, LeastSquares, Way
from suites.data import problems
from suites.harness.machine import cores
from suites.harness.turns import Turns
from suites.judge import GradientOracle, WrongAnswerError

_POINTS = 4
_LARGE = 64 << 20  # bytes of X: an oracle takes a second for each point, and two are in turn too
_POINTS_OF_LARGE = 2
Kind = Literal["gradient", "value", "value and gradient"]
KINDS: tuple[Kind, ...] = ("gradient", "value", "value and gradient")
Judgement = dict[str, Any]  # as JSON has it


class Truth:
    """A problem, several points w, f and ∇f at each, and what the data were before any call.

    Make it before a way is prepared. The ways of one comparison share it.

    ``judged`` is what `judgement` said of the same data in another process: answers of the same
    bits are then known to be right, and the oracles are made for others alone.

    Cost: 40 flops for each entry of X and each point, the points shared out among the cores: 2 s
    for 240 MB of X on two cores; none where all is known. Beside it one read of X for a checksum.
    """

    def __init__(
        self, problem: LeastSquares, count: int | None = None, judged: Judgement | None = None
    ) -> None:
        self.problem = problem
        count = count or (_POINTS if problem.X.nbytes <= _LARGE else _POINTS_OF_LARGE)
        self.points = [problems.start(problem, seed) for seed in range(1, count + 1)]
        self._checksums = [_checksum(problem.X), _checksum(problem.y)]
        self.right: dict[str, set[str]] = {}  # digests of answers, by way, kind and point
        if judged and judged["data"] == self._checksums:
            self.right = {name: set(digests) for name, digests in judged["right"].items()}
        if not self.right:
            _ = self.oracles
        self._threads = _threads()

    @cached_property
    def oracles(self) -> list[GradientOracle]:
        """What is right at each point."""
        with ThreadPoolExecutor(min(len(self.points), cores())) as pool:
            found = [
                # In the caller's context, which holds numpy.errstate.
                pool.submit(copy_context().run, GradientOracle, self.problem, w)
                for w in self.points
            ]
        return [oracle.result() for oracle in found]

    @property
    def has_oracles(self) -> bool:
        """Whether something was to be judged, and not all known to be right."""
        return "oracles" in self.__dict__

    def right_bits(self, of: str) -> set[str]:
        """Return the digests of the answers that are known to be right, to be added to."""
        return self.right.setdefault(of, set())

    def judgement(self) -> Judgement:
        """Return the checksums of the data and the digests of the answers that were right."""
        right = {name: sorted(digests) for name, digests in self.right.items()}
        return {"data": self._checksums, "right": right}

    def let_threads_be(self) -> None:
        """Take the threads that there are now for no work of a way."""
        self._threads = _threads()

    def require_unchanged(self, who: str) -> None:
        """Raise `WrongAnswerError` if X or y is not what it was, or a new thread is alive."""
        for name, before in zip("Xy", self._checksums, strict=True):
            if _checksum(getattr(self.problem, name)) != before:
                raise WrongAnswerError(f"{who}: {name} is not what it was")
        late = [t for t, frame in _threads().items() if self._threads.get(t) is not frame]
        if late:
            frames = sys._current_frames()
            where = {frames[thread].f_code.co_qualname for thread in late if thread in frames}
            raise WrongAnswerError(f"{who}: a thread outlives the calls, in {', '.join(where)}")


class Verified:
    """A way whose gradient, value, and both at once are right at each of several points.

    To time it, take `gradient`, `value` or `value_and_gradient`, which `timing.interleaved` calls
    at the points in turn and checks afterwards: the last output at each point must be an ndarray
    (a float) and nothing else, with the bits that were judged or right by the oracle itself, and
    with memory of its own; w, X and y must be as they were; no thread may have outlived the calls.

    What it cannot see: a way that keeps the answer for each w by its content is right, and its
    time is that of looking the answer up.

    ``kinds`` are those that are timed. Raises `WrongAnswerError`. Cost for each kind: 7 calls at 4
    points, and 2 reads of X for checksums.
    """

    def __init__(self, way: Way, truth: Truth, kinds: Sequence[Kind] = KINDS) -> None:
        self.way, self.truth = way, truth
        for turns in map(self._of, kinds):
            turns.batch(len(truth.points))
            turns.batch(1)  # another w where one was before
            turns.check()

    @property
    def gradient(self) -> Turns:
        return self._of("gradient")

    @property
    def value(self) -> Turns:
        return self._of("value")

    @property
    def value_and_gradient(self) -> Turns:
        return self._of("value and gradient")

    def _of(self, kind: Kind) -> Turns:
        return self.turns(kind, getattr(self.way, kind.replace(" ", "_")))

    def turns(self, kind: Kind, function: Callable[[Array], object]) -> Turns:
        """Return turns of any function of w that must answer as this way does."""
        return _Answers(self, kind, function)

    def gradient_error(self) -> float:
        """Return the error of the gradient at the first point, as a share of its bound."""
        found = self.way.gradient(self.truth.points[0])
        return self.truth.oracles[0].gradient_error(found, factored=self.way.factored)


class _Answers(Turns):
    """Answers of one kind at the points of a truth, each w written anew before every batch."""

    def __init__(self, verified: Verified, kind: Kind, function: Callable[[Array], object]) -> None:
        super().__init__(function, len(verified.truth.points))
        self._verified, self._truth, self._kind = verified, verified.truth, kind
        self._who = type(verified.way).__name__
        self._w = [w.copy() for w in self._truth.points]

    def arguments(self, turn: list[int]) -> list[Any]:
        for w, number in zip(self._w, turn, strict=True):
            w[:] = self._truth.points[number]
        return self._w

    def bits(self, output: Any) -> bytes:
        """Return the value, if there is one, as eight bytes, and then the gradient's."""
        if self._kind == "value":
            return self._value_bits(output)
        if self._kind == "gradient":
            return self._gradient_bits(output)
        if type(output) is not tuple or len(output) != 2:
            raise WrongAnswerError(f"{self._who}: {self._kind} is a {type(output).__name__}")
        return self._value_bits(output[0]) + self._gradient_bits(output[1])

    def _value_bits(self, value: Any) -> bytes:
        if type(value) is not float:
            raise WrongAnswerError(f"{self._who}: value is a {type(value).__name__}, not a float")
        return np.float64(value).tobytes()

    def _gradient_bits(self, gradient: Any) -> bytes:
        # The type itself: a subclass may put work off until it is looked at.
        if type(gradient) is not np.ndarray:
            raise WrongAnswerError(
                f"{self._who}: gradient is a {type(gradient).__name__}, not an ndarray"
            )
        problem = self._truth.problem
        if gradient.dtype != problem.dtype or gradient.shape != (problem.p,):
            raise WrongAnswerError(
                f"{self._who}: gradient is {gradient.dtype} of shape {gradient.shape} on {problem}"
            )
        return gradient.tobytes()

    def judge(self, number: int, argument: Any, bits: bytes) -> None:
        right = self._truth.right_bits(f"{self._who} {self._kind} {number}")
        if (seen := digest(bits)) not in right:
            for what, error in self._errors(number, bits).items():
                if not error <= 1:
                    raise WrongAnswerError(
                        f"{self._who}: {what} is {error:.3g} times its error bound off"
                        f" on {self._truth.problem}"
                    )
            right.add(seen)
        if argument.tobytes() != self._truth.points[number].tobytes():
            raise WrongAnswerError(f"{self._who}: w is not what it was")

    def _errors(self, number: int, bits: bytes) -> dict[str, float]:
        oracle, factored = self._truth.oracles[number], self._verified.way.factored
        start = 0 if self._kind == "gradient" else 8
        errors = {}
        if start:
            value = float(np.frombuffer(bits[:start])[0])
            errors["value"] = oracle.value_error(value, factored=factored)
        if self._kind != "value":
            gradient = np.frombuffer(bits[start:], self._truth.problem.dtype)
            errors["gradient"] = oracle.gradient_error(gradient, factored=factored)
        return errors

    def require_unchanged(self, outputs: list[Any]) -> None:
        if self._kind != "value":
            self._require_own_memory(
                outputs if self._kind == "gradient" else [gradient for _, gradient in outputs]
            )
        self._truth.require_unchanged(self._who)

    def _require_own_memory(self, gradients: list[Array]) -> None:
        others = [self._truth.problem.X, self._truth.problem.y, *self._w]
        for k, gradient in enumerate(gradients):
            if any(np.may_share_memory(gradient, other) for other in others + gradients[:k]):
                raise WrongAnswerError(f"{self._who}: gradient has no memory of its own")


def why_wrong(way: Way, truth: Truth) -> str:
    """Return how the way is wrong at one of the points, "" if it is right at all of them."""
    try:
        Verified(way, truth)
    except WrongAnswerError as error:
        return str(error)
    return ""


def digest(bits: bytes) -> str:
    """Return by what the bits of an answer are known again in another process."""
    return blake2b(bits, digest_size=16).hexdigest()


def _checksum(array: Array) -> int:
    """Return the CRC-32 of an array's bytes, at some 4 GB/s; a copy if it has gaps."""
    return zlib.crc32(array.ravel(order="K").data)


def _threads() -> dict[int, FrameType]:
    """Return the outermost frame of each thread that runs Python, however it was started.

    Pools of libraries do not run Python. A thread is told by its frame: its number is given again
    to the next one once it has ended.
    """
    outermost = {}
    for thread, frame in sys._current_frames().items():
        while frame.f_back is not None:
            frame = frame.f_back
        outermost[thread] = frame
    return outermost

"""A function timed at several arguments in turn, whose last output at each is kept and judged."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import cycle, islice
from time import perf_counter, sleep
from typing import Any

from suites.judge import WrongAnswerError

_SETTLE = 0.01  # seconds: what still writes to an output after the call is caught at it


class Turns(ABC):
    """Calls of ``function`` at ``count`` arguments in turn, in batches that are timed.

    Being judged costs a timed call nothing that can be measured: a `for` loop over the arguments
    takes what one around the same call takes, and the outputs that are kept are those of the last
    calls of a batch. At 100 x 4 it takes between 0.3 % less and 0.5 % more, 0.1 and 0.2 % for numba
    (medians of 400 pairs of batches of 2 ms, twice, on 2 cores of an AMD EPYC, Zen 4;
    `python -m suites.harness.cost`).

    A subclass says what the arguments are, what an output's bits are, and what is right.
    """

    def __init__(self, function: Callable[[Any], object], count: int) -> None:
        self._function, self._count = function, count
        self._first = 0  # the number of the argument whose turn is next
        self._kept: dict[int, tuple[Any, bytes]] = {}
        self._wrong: WrongAnswerError | None = None

    @abstractmethod
    def arguments(self, turn: list[int]) -> list[Any]:
        """Return the arguments of these numbers, in this order."""

    @abstractmethod
    def bits(self, output: Any) -> bytes:
        """Return a copy of an output's bits; raise `WrongAnswerError` if it is no such thing."""

    @abstractmethod
    def judge(self, number: int, argument: Any, bits: bytes) -> None:
        """Raise `WrongAnswerError` unless bits are right and the argument is as it was given."""

    @abstractmethod
    def require_unchanged(self, outputs: list[Any]) -> None:
        """Raise `WrongAnswerError` if the calls have left traces elsewhere."""

    def batch(self, number: int) -> float:
        """Return the seconds that ``number`` calls take together, after an untimed one.

        The last output at each argument is judged here, untimed; `check` raises what was found.
        """
        turn = [(self._first + i) % self._count for i in range(self._count)]
        arguments = self.arguments(turn)
        function, in_turn = self._function, cycle(arguments)
        kept = min(number, self._count)
        function(arguments[-1])  # what the last judging has driven out of the caches comes back
        began = perf_counter()
        for argument in islice(in_turn, number - kept):
            function(argument)
        outputs = [function(argument) for argument in islice(in_turn, kept)]
        seconds = perf_counter() - began
        # One further where all had their turn: what is remembered by place is then wrong.
        self._first += number + (number % self._count == 0)
        places = [(number - 1 - i) % self._count for i in range(kept)]
        # The latest first: it had the least time to be filled in after the call.
        last = [(turn[at], arguments[at], outputs.pop()) for at in places]
        if self._wrong is None:
            self._look_at(last)
        return seconds

    def _look_at(self, last: list[tuple[int, Any, Any]]) -> None:
        try:
            returned = [(number, argument, out, self.bits(out)) for number, argument, out in last]
            for number, argument, output, bits in returned:
                self.judge(number, argument, bits)
                self._kept[number] = output, bits
        except WrongAnswerError as error:
            self._wrong = error

    def check(self) -> None:
        """Raise `WrongAnswerError` if an output was wrong, or anything was touched since."""
        if self._wrong is not None:
            raise self._wrong
        sleep(_SETTLE)
        for output, bits in self._kept.values():
            if self.bits(output) != bits:
                raise WrongAnswerError("an output has changed after it was returned")
        self.require_unchanged([output for output, _ in self._kept.values()])

    def why_wrong(self) -> str:
        """Return what `check` raises, in words, "" if it raises nothing."""
        try:
            self.check()
        except WrongAnswerError as error:
            return str(error)
        return ""

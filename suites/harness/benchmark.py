"""The base of the benchmarks: each hands out what the processes of its group have found.

asv runs a process for each combination of parameters. A group measures all ways of a size together,
interleaved, in processes of its own; the benchmarks hand these figures to asv, one sample for each
process. So its medians and intervals are over processes, which are independent, and not over
samples of one, which are not.
"""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, ClassVar, NoReturn, TypeVar

from suites.harness.group import Group, key_of
from suites.harness.processes import Process, fingerprint, processes
from suites.judge import WrongAnswerError

fingerprint()  # once, and not in each process that asv forks for a combination of parameters

_Function = TypeVar("_Function", bound=Callable[..., Any])


def with_attributes(**attributes: str) -> Callable[[_Function], _Function]:
    """Set what asv reads off a function: its ``unit``; a ``version`` other than its class's."""

    def decorated(function: _Function) -> _Function:
        for name, value in attributes.items():
            setattr(function, name, value)
        return function

    return decorated


def skip(reason: str) -> NoReturn:
    """Leave a combination of parameters out: for a `setup`, whose NotImplementedError asv shows."""
    raise NotImplementedError(reason)


class CrashError(RuntimeError):
    """A process that was to measure has ended before it had."""


class Benchmark:
    """Figures of a group, of one key at one of its points: the first parameter and the others.

    What is of one key alone says which, as ``key``, and has no parameter for it. ``version`` is set
    so that an edit does not hide the history. What is not measured yet is measured first, so that
    `asv run` gives what `make bench` does.
    """

    group: ClassVar[type[Group]]
    key: ClassVar[str] = ""
    version = "1"
    timeout = 3600.0

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the key and the point of these parameters.

        They are the point, or all in the key of a group that has but one; to be overridden where
        only some are in the key.
        """
        return (key, point) if self.group.params else (key_of(key, *point), ())

    def _place(self, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
        return self.key_and_point(*([self.key] if self.key else []), *parameters)

    def figure(
        self,
        name: str,
        *parameters: Any,
        of_process: Callable[[Sequence[float]], float] = median,
        also: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return a figure of each process as asv takes samples; NaN where none has it.

        Raises `WrongAnswerError` where one of them found the answer wrong, or that of a key which
        it stands on ``also``, and `CrashError` where one has crashed. One that has run out of time
        is left out.
        """
        key, point = self._place(parameters)
        rows = samples(processes(self.group, point), name, key, also)
        values = [of_process(row) for row in rows if row]
        return {"samples": values or [math.nan], "number": 1}

    def first(self, point: Sequence[Any]) -> Process:
        """Return the first that did not run out of time; raise `CrashError` if one crashed."""
        measured = processes(self.group, point)
        samples(measured, "", "")
        return next((process for process in measured if not process.failure), measured[0])

    def same_in_all(self, name: str, *parameters: Any) -> float:
        """Return a figure that is no time: the largest of all processes, NaN if one has NaN."""
        found: list[float] = self.figure(name, *parameters, of_process=max)["samples"]
        return math.nan if any(map(math.isnan, found)) else max(found)


def samples(
    measured: Sequence[Process], name: str, key: str, also: Sequence[str] = ()
) -> list[list[float]]:
    """Return the samples of each process; raise where one was wrong, or crashed."""
    for process in measured:
        if process.failure and not process.timed_out:
            raise CrashError(process.failure)
        for who in (key, *also):
            if who in process.wrong:
                raise WrongAnswerError(process.wrong[who])
    return [process.figures.get(name, {}).get(key, []) for process in measured]

"""What one process measures, all of it interleaved, and what it found."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product
from typing import Any, ClassVar, TypeVar

from kernels import Array, LeastSquares
from suites.harness import process
from suites.harness.machine import cores
from suites.harness.read_limit import ImpossibleTimeError, require_possible
from suites.harness.threads import use_threads
from suites.harness.timing import Calls, unchecked
from suites.harness.verified import KINDS, Judgement, Kind, Truth, Verified
from suites.judge import WrongAnswerError

_Size = TypeVar("_Size")


def key_of(*parts: object) -> str:
    """Return one key of several parts, "numba: 100"."""
    return ": ".join(map(str, parts))


@dataclass
class Findings:
    """Samples of each figure by a key (a way, a solver), and who was wrong, and how.

    ``judged`` is what the processes before this one hand on: answers of the same bits on the same
    data are not judged twice.
    """

    judged: dict[str, Judgement] = field(default_factory=dict)
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    _truths: dict[str, Truth] = field(default_factory=dict, init=False)

    def truth(self, problem: LeastSquares, of: str = "ways") -> Truth:
        """Return the truth of a problem, which knows what processes before this one have judged."""
        self._truths[of] = Truth(problem, judged=self.judged.get(of))
        return self._truths[of]

    def handed_on(self) -> dict[str, Judgement]:
        """Return what spares the next process work: all that was judged, while timing too."""
        return self.judged | {of: truth.judgement() for of, truth in self._truths.items()}

    def put(self, figure: str, key: str, samples: Iterable[float]) -> None:
        """Keep the samples of a figure; an infinity, which asv cannot publish, as NaN."""
        finite = [sample if abs(sample) < float("inf") else float("nan") for sample in samples]
        self.figures.setdefault(figure, {})[key] = finite

    @contextmanager
    def part(self, of: object) -> Iterator["Findings"]:
        """Give findings for a part: their keys are kept here as "KEY: OF"."""
        part = Findings(self.judged.get(str(of), {}))
        yield part
        for figure, samples in part.figures.items():
            for key, row in samples.items():
                self.put(figure, key_of(key, of), row)
        self.wrong |= {key_of(key, of): why for key, why in part.wrong.items()}
        self.judged[str(of)] = part.handed_on()

    @contextmanager
    def judging(self, key: str) -> Iterator[None]:
        """Put a key down as wrong where `WrongAnswerError` is raised."""
        try:
            yield
        except WrongAnswerError as error:
            self.forget(key, str(error))

    def forget(self, key: str, why: str) -> None:
        """Keep no figure of one that was wrong: wrong is never shown as fast."""
        self.wrong[key] = why
        for samples in self.figures.values():
            samples.pop(key, None)


class Group(ABC):
    """What is measured together, in one process, at each combination of ``params``.

    `measure` fills in the findings. Each point is measured by ``processes`` processes, spread over
    the run. ``cost`` says about how long one takes, for the time that is left and for its `limit`.
    """

    params: ClassVar[list[list[Any]]] = []
    processes: ClassVar[int] = 3

    @staticmethod
    @abstractmethod
    def measure(found: Findings, *point: Any) -> None:
        """Measure in this process. What is wrong is put down as wrong; other errors end it."""

    @staticmethod
    def cost(*point: Any) -> float:
        """Return roughly the seconds of a process."""
        return 4.0

    @classmethod
    def limit(cls, *point: Any) -> float:
        """Return the seconds that a process may take: thirty times its cost, at least five minutes.

        That leaves room for a first process, which compiles, and for a busy machine.
        """
        return max(300.0, 30 * cls.cost(*point))

    @classmethod
    def points(cls) -> list[tuple[Any, ...]]:
        """Return the points that are measured here."""
        return list(product(*cls.params))

    @classmethod
    def id(cls) -> str:
        """Return module and class, "gradient.Sizes"."""
        return f"{cls.__module__.removeprefix('suites.')}.{cls.__qualname__}"


def sizes(axis: Iterable[_Size]) -> list[_Size]:
    """Return the sizes that a process measures: the first alone where a dry run says so."""
    return list(axis)[: 1 if os.environ.get(process.SMALLEST) else None]


def named(name: str) -> type[Group]:
    """Return the group of an `id`."""
    module, _, group = name.rpartition(".")
    found: type[Group] = getattr(import_module(f"suites.{module}"), group)
    return found


def in_this_process(name: str, point: list[Any], judged: dict[str, Judgement]) -> dict[str, Any]:
    """Measure a point of a group here and now; return the findings as JSON has them."""
    found = Findings(judged)
    named(name).measure(found, *point)
    return {"figures": found.figures, "wrong": found.wrong, "judged": found.handed_on()}


def right_ways(
    found: Findings,
    ways: Iterable[tuple[str, Any]],
    truth: Truth,
    kinds: Sequence[Kind] = KINDS,
) -> dict[str, Verified]:
    """Return the ways that are right at every point, on all cores; the others are put down."""
    verified = {}
    for name, way in ways:
        use_threads(cores())  # reaches what preparing the way has imported
        try:
            verified[name] = Verified(way, truth, kinds)
        except WrongAnswerError as error:
            found.forget(name, str(error))
            truth.let_threads_be()  # no other way is to blame for a thread of this one
    return verified


def timed(found: Findings, calls: Mapping[str, Calls]) -> dict[str, Array]:
    """Time calls, interleaved; return the seconds of each that was right, and put down the others.

    A name may say more after a semicolon: "numba; first call" is of numba.
    """
    seconds = dict(zip(calls, unchecked(list(calls.values())).T, strict=True))
    for name, call in calls.items():
        try:
            call.check()
        except WrongAnswerError as error:
            found.forget(name.partition(";")[0], str(error))
            del seconds[name]
    return seconds


def is_possible(found: Findings, key: str, X: Array, seconds: Array, reads: Array) -> bool:
    """Return whether a time is not below that of a read of X; put the key down if it is."""
    try:
        require_possible(key, X, seconds, reads)
    except ImpossibleTimeError as error:
        found.forget(key, str(error))
        return False
    return True

"""What one process measures, all of it interleaved, and what it found."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import product
from typing import Any, ClassVar

from suites.harness.machine import cores
from suites.harness.threads import use_threads
from suites.harness.verified import KINDS, Judgement, Kind, Truth, Verified
from suites.judge import WrongAnswerError


@dataclass
class Findings:
    """Samples of each figure by a key (a way, a solver), and who was wrong, and how.

    ``judged`` is handed from one process to the next: answers of the same bits on the same data
    are not judged twice.
    """

    judged: dict[str, Judgement] = field(default_factory=dict)
    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def put(self, figure: str, key: str, samples: Iterable[float]) -> None:
        """Keep the samples of a figure; an infinity, which asv cannot publish, as NaN."""
        finite = [sample if abs(sample) < float("inf") else float("nan") for sample in samples]
        self.figures.setdefault(figure, {})[key] = finite

    def take_in(self, other: "Findings", of: str) -> None:
        """Keep what was found of a part: "KEY: OF" for each key, and what was judged by ``of``."""
        for figure, samples in other.figures.items():
            for key, row in samples.items():
                self.put(figure, f"{key}: {of}", row)
        self.wrong |= {f"{key}: {of}": why for key, why in other.wrong.items()}
        self.judged[of] = other.judged

    def forget(self, key: str, why: str) -> None:
        """Keep no figure of one that was wrong: wrong is never shown as fast."""
        self.wrong[key] = why
        for samples in self.figures.values():
            samples.pop(key, None)


class Group(ABC):
    """What is measured together, in one process, at each combination of ``params``.

    `measure` fills in the findings. Each point is measured by ``processes`` processes, spread over
    the run, none of which may take longer than ``timeout`` seconds: some thirty times what it takes
    on an idle machine. ``cost`` says about how long that is, for the time that is left.
    """

    params: ClassVar[list[list[Any]]] = []
    processes: ClassVar[int] = 3
    timeout: ClassVar[float] = 300.0

    @staticmethod
    @abstractmethod
    def measure(found: Findings, *point: Any) -> None:
        """Measure in this process. What is wrong is put down as wrong; other errors end it."""

    @staticmethod
    def cost(*point: Any) -> float:
        """Return roughly the seconds of a process."""
        return 4.0

    @staticmethod
    def why_not(*point: Any) -> str:
        """Return why a point is left out here, "" if it is not."""
        return ""

    @classmethod
    def points(cls) -> list[tuple[Any, ...]]:
        """Return the points that are measured here."""
        return [point for point in product(*cls.params) if not cls.why_not(*point)]

    @classmethod
    def id(cls) -> str:
        """Return module and class, "gradient.Sizes"."""
        return f"{cls.__module__.removeprefix('suites.')}.{cls.__qualname__}"


def named(name: str) -> type[Group]:
    """Return the group of an `id`."""
    module, _, group = name.rpartition(".")
    found: type[Group] = getattr(import_module(f"suites.{module}"), group)
    return found


def in_this_process(name: str, point: list[Any], judged: dict[str, Judgement]) -> dict[str, Any]:
    """Measure a point of a group here and now; return the findings as JSON has them."""
    found = Findings(judged)
    named(name).measure(found, *point)
    return {"figures": found.figures, "wrong": found.wrong, "judged": found.judged}


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

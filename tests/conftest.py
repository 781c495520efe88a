"""What the tests share: the ways by name, and the command in this process."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from kernels import WAYS, Array, Way


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> type[Way]:
    """Each way in turn."""
    return WAYS[request.param]


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Any]], Array]:
    """What `fourways compare` times is called and judged, once and not until a time is known.

    The value stands in for `suites.harness.timing.unchecked`, where times are of no interest.
    """
    from fourways import measure

    def once(calls: Sequence[Any], *_: Any, **__: Any) -> Array:
        return np.array([[call.batch(4) for call in calls]])

    monkeypatch.setattr(measure, "unchecked", once)
    monkeypatch.setattr(measure, "_SOLVES", 1)
    return once


@pytest.fixture
def measured_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks hand out what this process measures, anew at each call, of the smallest size."""
    from suites.harness import benchmark, group, process, processes

    monkeypatch.setenv(process.SMALLEST, "1")

    def one(of: type[group.Group], point: Sequence[Any]) -> list[processes.Process]:
        found = group.in_this_process(of.id(), list(point), {})
        return [processes.Process(0.0, 0.0, "", **found)]

    monkeypatch.setattr(benchmark, "processes", one)


class Done(NamedTuple):
    """How the command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def fourways(untimed: Any, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """The command, with these arguments, without the seconds that a process and a time cost."""
    from fourways.cli import main
    from suites.harness import machine, threads

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    yield run
    threads.use_threads(machine.cores())

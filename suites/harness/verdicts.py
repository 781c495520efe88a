"""What solvers make of a problem: right, wrong by how much, or refused; and how fast if right."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from kernels import Solution
from suites.data.families import Instance
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import solve
from suites.harness.threads import use_threads
from suites.harness.timing import unchecked
from suites.judge import SolutionJudge, WrongAnswerError

_TRIES = 5  # torch's gelsy is right every other time


class Verdict(NamedTuple):
    """What a solver made of a problem, the digits it lost, the ratios, seconds if right."""

    found: Solution
    lost: float
    ratios: dict[str, float]
    seconds: list[float]


def verdicts(instance: Instance, solvers: Sequence[str]) -> dict[str, Verdict]:
    """Try every solver several times, and time those that are right each time, interleaved.

    What is timed is judged as well: a solver that is wrong then is wrong, and has no time.
    """
    use_threads(cores())
    judge = SolutionJudge(instance.problem, instance.rank)
    answers = {
        name: _worst(judge, [solve(name, instance.problem) for _ in range(_TRIES)])
        for name in solvers
    }

    def require_right(name: str, found: Solution) -> None:
        if judge.digits_lost(found) != 0:
            answers[name] = found
            raise WrongAnswerError(f"{name} was right {_TRIES} times, and then was not")

    timed = {
        name: Solutions(partial(solve, name, instance.problem), partial(require_right, name))
        for name, found in answers.items()
        if judge.digits_lost(found) == 0
    }
    seconds = dict(zip(timed, unchecked(list(timed.values())).T.tolist(), strict=True))
    for name, solutions in timed.items():
        if solutions.why_wrong():
            del seconds[name]
    return {
        name: Verdict(found, judge.digits_lost(found), judge.ratios(found.w), seconds.get(name, []))
        for name, found in answers.items()
    }


def _worst(judge: SolutionJudge, answers: list[Solution]) -> Solution:
    """Return the answer that lost most digits, or the first that says no."""
    lost = [judge.digits_lost(found) for found in answers]
    return answers[max(range(len(lost)), key=lambda k: (math.isnan(lost[k]), lost[k]))]

"""What solvers make of a problem: right, wrong by how much, or refused; and how fast if right."""

import math
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b

import numpy as np

from kernels import Solution
from suites.data.families import Instance
from suites.harness.group import Findings, key_of
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.solvers import OURS, solve
from suites.harness.threads import use_threads
from suites.harness.timing import unchecked
from suites.judge import SolutionJudge, WrongAnswerError

_TRIES = 3  # torch's gelsy is right every other time
_ROUNDS = 2, 4
_RATIOS = "backward error", "least-norm ratio"


class _Judged:
    """A judge that looks once at answers of the same bits: digits lost, by digest."""

    def __init__(self, instance: Instance) -> None:
        self.judge = SolutionJudge(instance.problem, instance.rank)
        self._lost: dict[bytes, float] = {}

    def lost(self, found: Solution) -> float:
        bits = found.w.tobytes() + bytes(found.converged)
        digest = blake2b(bits, digest_size=16).digest()
        if digest not in self._lost:
            self._lost[digest] = self.judge.digits_lost(found)
        return self._lost[digest]


def verdicts(found: Findings, family: str, instance: Instance, solvers: Sequence[str]) -> None:
    """Try every solver several times, and time those that are right each time, interleaved.

    Put down of each are the digits that it lost (0 is right, NaN: it says no), the rank that it
    found, the ratios of the judge, the distance from the exact solution where that is known, and
    the seconds if it is right. What is timed is judged as well: a solver that is wrong then is
    wrong, and has no time. One of ours that claims a wrong answer is put down as wrong.
    """
    judged = _Judged(instance)
    worst = {name: _worst(judged, _answers(name, instance)) for name in solvers}

    def require_right(name: str, answer: Solution) -> None:
        if judged.lost(answer) != 0:
            worst[name] = answer
            raise WrongAnswerError(f"{name} was right {_TRIES} times, and then was not")

    timed = {
        name: Solutions(partial(solve, name, instance.problem), partial(require_right, name))
        for name, answer in worst.items()
        if judged.lost(answer) == 0
    }
    times = unchecked(list(timed.values()), _ROUNDS)
    seconds = dict(zip(timed, times.T.tolist(), strict=True))
    for name, answer in worst.items():
        is_right = name in timed and not timed[name].why_wrong()
        found.put("time", key_of(name, family), seconds[name] if is_right else [math.nan])
        _put(found, key_of(name, family), instance, judged, answer)
        if name in OURS and judged.lost(answer) > 0:
            why = f"{judged.judge.ratios(answer.w)}, rank {answer.rank}"
            found.forget(key_of(name, family), f"{name}: {why}")


def _put(found: Findings, key: str, instance: Instance, judged: _Judged, answer: Solution) -> None:
    ratios = judged.judge.ratios(answer.w)
    found.put("digits lost", key, [judged.lost(answer)])
    found.put("rank", key, [math.nan if answer.rank is None else answer.rank])
    for ratio in _RATIOS:
        found.put(ratio, key, [ratios.get(ratio, math.nan)])
    if instance.w is not None and instance.w.any():
        distance = np.linalg.norm(answer.w - instance.w) / np.linalg.norm(instance.w)
        found.put("distance", key, [float(distance)])


def _answers(name: str, instance: Instance) -> list[Solution]:
    """Return the answers of several tries; the library may be imported by the first of them."""
    answers = [solve(name, instance.problem)]
    use_threads(cores())
    return answers + [solve(name, instance.problem) for _ in range(_TRIES - 1)]


def _worst(judged: _Judged, answers: list[Solution]) -> Solution:
    """Return the answer that lost most digits, or the first that says no."""
    lost = [judged.lost(found) for found in answers]
    return answers[max(range(len(lost)), key=lambda k: (math.isnan(lost[k]), lost[k]))]

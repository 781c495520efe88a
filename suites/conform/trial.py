"""A routine on a case: what came, by the scale of the judge, against what the routine claims."""

import json
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from kernels import Solution
from suites.conform.cases import REAL, Case, cases
from suites.conform.registry import routines
from suites.conform.routine import Claim, Routine
from suites.judge import RIGHT, SolutionJudge
from suites.judge.errors import unit_roundoff

REPEATS = 3
RIGHT_TO_TOLERANCE = 10.0  # times the tolerance that an iteration was asked for
NO, OUTSIDE, CHANGES, CRASHES = "says no", "outside its claim", "not deterministic", "crashes"
LOSES = "loses"
KINDS = (CRASHES, "wrong", CHANGES, LOSES, NO, "right")  # the worst first
RULES = ("default", "ours")  # of the rank: the library's, or `LeastSquares.rcond`


@dataclass(frozen=True)
class Trial:
    """``verdict`` is "right", "loses k digits", "wrong" or one of the words above."""

    routine: str
    rule: str
    family: str
    case: str
    verdict: str


def tried(routine: Routine, case: Case, rule: str) -> Trial:
    """Return what a routine answers, several times, and what that is worth.

    It is not called where it promises nothing.
    """
    if _is_outside(routine.claim, case):
        return Trial(routine.name, rule, case.family, case.name, OUTSIDE)
    problem = case.problem
    rcond = problem.rcond if rule == "ours" else None
    judge = case.judge(routine.claim.alpha, routine.claim.least_norm)
    answers = [routine(problem.X.copy("K"), problem.y.copy(), rcond) for _ in range(REPEATS)]
    verdicts = {verdict_on(routine.claim, judge, answer) for answer in answers}
    kinds = {kind_of(verdict) for verdict in verdicts}
    verdict = CHANGES if len(kinds) > 1 else min(verdicts)
    return Trial(routine.name, rule, case.family, case.name, verdict)


def kind_of(verdict: str) -> str:
    """Return a verdict without how many digits it lost."""
    return LOSES if verdict.startswith(LOSES) else verdict


def _is_outside(claim: Claim, case: Case) -> bool:
    return (case.is_wide and not claim.wide) or (
        case.is_deficient and not claim.deficient and not claim.alpha
    )


def verdict_on(claim: Claim, judge: SolutionJudge, answer: Solution) -> str:
    """Return what an answer is worth against what was claimed."""
    if claim.tolerance and answer.converged:
        limit = RIGHT_TO_TOLERANCE * claim.tolerance / unit_roundoff(judge.problem.dtype)
        if max(judge.ratios(answer.w).values()) <= max(limit, RIGHT):
            return "right"
    verdict = judge.verdict(answer)
    return NO if verdict != "right" and answer.stopped else verdict


def run(library: str, first: int) -> None:
    """Try every routine of a library, from a case on.

    Real tables are for the library's own threshold alone: units cost digits there, which no
    threshold brings back, and JAX compiles anew for each shape and threshold.

    Written is a line of JSON before and after each: whoever reads them knows which one crashed or
    hung.
    """
    np.seterr(all="ignore")
    first_of_all = next(iter(routines(library).values()))
    first_of_all(np.eye(2), np.ones(2))  # imports the library: one that cannot be does not start
    asked = [
        (routine, rule)
        for routine in routines(library).values()
        for rule in RULES[: 1 + routine.by_rule]
    ]
    for number, (case, (routine, rule)) in enumerate(product(cases(), asked)):
        if number >= first and (case.family != REAL or rule == RULES[0]):
            begun = Trial(routine.name, rule, case.family, case.name, "")
            print(json.dumps(asdict(begun) | {"number": number}), flush=True)
            print(json.dumps(asdict(tried(routine, case, rule))), flush=True)

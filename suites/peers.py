"""The ways and solvers of this project beside what people would take in their place.

Checked and interleaved as in `gradient` and `rank_deficient`. `make bench-peers` has an environment
that holds the other libraries; what is not installed is not measured.
"""

from functools import partial
from typing import Any

from kernels import WAYS, LeastSquares, Solution, minimum_norm
from suites.conform.gradients import PEERS, lacking
from suites.conform.registry import LIBRARIES, routines, version_of
from suites.conform.routine import Routine
from suites.gradient import COLUMNS, ROWS, OfSizes, OfWays, at_each_size, gradients
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group, right_ways
from suites.harness.machine import cores
from suites.harness.solutions import Solutions
from suites.harness.threads import use_threads
from suites.harness.timing import unchecked
from suites.judge import SolutionJudge, WrongAnswerError
from suites.rank_deficient import tall

_ROUNDS = 1, 5
_FAMILIES = ["duplicated column", "rank p/2"]
# n = 20 p, 100 p and 1000 p.
_TALL = ["2000 x 100", "10000 x 500", "5000 x 50", "20000 x 200", "100000 x 100"]


class Sizes(Group):
    """Ways and peers on the data of `gradient`: all n of p columns, one after another."""

    params = [COLUMNS]
    processes = 5

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (p,) = point
        at_each_size(found, p, _measure)

    @staticmethod
    def cost(*point: Any) -> float:
        return {4: 40.0, 30: 50.0}.get(point[0], 60.0)


def _measure(found: Findings, problem: LeastSquares) -> None:
    truth = found.truth(problem)
    made: dict[str, Any] = {name: make(problem) for name, make in WAYS.items()}
    made |= {name: make(problem) for name, make in PEERS.items() if not lacking(name)}
    truth.let_threads_be()  # those of torch.compile
    ways = right_ways(found, made.items(), truth, ["gradient"])
    gradients(found, truth, ways)


class Gradient(OfSizes, OfWays):
    """A steady-state gradient by each way and by other libraries, all cores."""

    group = Sizes
    params: Any = [[*WAYS, *PEERS], ROWS, COLUMNS]

    def setup(self, *parameters: Any) -> None:
        super().setup(*parameters)
        way, *_ = parameters
        if reason := lacking(way):
            skip(reason)


def _promise_least_norm() -> dict[str, tuple[str, Routine]]:
    """Return the routines of other libraries, with their library, to rounding and for any rank."""
    return {
        name: (library, routine)
        for library in LIBRARIES
        for name, routine in routines(library).items()
        if library != "fourways" and routine.claim.deficient and routine.claim.least_norm
        if not (routine.claim.alpha or routine.claim.tolerance)
    }


_ROUTINES = _promise_least_norm()


class TallProblems(Group):
    """`kernels.minimum_norm` and the routines of other libraries, n much larger than p."""

    params = [_FAMILIES, _TALL]

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        family, size = point
        instance = tall(family, size)
        problem, judge = instance.problem, SolutionJudge(instance.problem, instance.rank)
        X, y = problem.X.copy(), problem.y.copy()  # which may be written to, as a user's may
        require = partial(_require_right, judge)
        ours = Solutions(partial(minimum_norm, problem), require)
        calls = {
            name: Solutions(partial(routine, X, y), require)
            for name, (library, routine) in _ROUTINES.items()
            if version_of(library) is not None and judge.verdict(routine(X, y)) == "right"
        }
        use_threads(cores())  # reaches what these have imported
        seconds = unchecked([ours, *calls.values()], _ROUNDS)
        ours.check()
        for name, call, times in zip(calls, calls.values(), seconds.T[1:], strict=True):
            if not call.why_wrong():
                found.put("over ours", name, times / seconds[:, 0])

    @staticmethod
    def cost(*point: Any) -> float:
        return 60.0 if point[1] == "10000 x 500" else 15.0


def _require_right(judge: SolutionJudge, answer: Solution) -> None:
    if (verdict := judge.verdict(answer)) != "right":
        raise WrongAnswerError(f"{verdict} on {judge.problem}")


class Tall(Benchmark):
    """Time of a library's routine over that of `kernels.minimum_norm`, n much larger than p.

    n/a where the routine is wrong, or says no.
    """

    group = TallProblems
    param_names = ["routine", "family", "X"]
    params = [list(_ROUTINES), _FAMILIES, _TALL]

    def setup(self, routine: str, *of: Any) -> None:
        library, _ = _ROUTINES[routine]
        if version_of(library) is None:
            skip(f"{library} is not installed")

    @with_attributes(unit="x")
    def track_time_over_minimum_norm(self, *of: Any) -> dict[str, Any]:
        return self.figure("over ours", *of)

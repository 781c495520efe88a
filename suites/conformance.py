"""Which least squares routine can be trusted: each of other libraries' and ours, in the history.

A routine that is wrong is a result; one of ours is a failure. `fourways conform` prints the same.
What is not installed is not measured: `make bench-peers` has an environment that holds all.
"""

from collections import Counter
from typing import Any

from suites.conform.cases import GROUPS
from suites.conform.registry import LIBRARIES, routines, version_of
from suites.conform.survey import survey
from suites.conform.trial import KINDS, OUTSIDE, RULES, kind_of
from suites.harness.benchmark import Benchmark, skip, with_attributes
from suites.harness.group import Findings, Group, key_of

_BY_OUR_RULE = ", by our rule"  # after a routine that was given our threshold for the rank
_LIBRARY_OF = {
    routine + suffix: library
    for library in LIBRARIES
    for routine, found in routines(library).items()
    for suffix in ("", _BY_OUR_RULE)[: 1 + found.by_rule]
}
_OURS = "fourways"


class Libraries(Group):
    """Every routine of a library on every case, three times."""

    params = [list(LIBRARIES)]
    processes = 1

    @staticmethod
    def measure(found: Findings, *point: Any) -> None:
        (library,) = point
        if version_of(library) is None:
            return
        group_of = {family: group for group, families in GROUPS.items() for family in families}
        counted: Counter[tuple[str, str, str]] = Counter()
        for trial in survey(library):
            routine = trial.routine + ("" if trial.rule == RULES[0] else _BY_OUR_RULE)
            group, kind = group_of[trial.family], kind_of(trial.verdict)
            counted[routine, group, kind] += 1
        judged = {(routine, group) for routine, group, kind in counted if kind != OUTSIDE}
        for routine, group in judged:
            for kind in KINDS:
                found.put(kind, key_of(routine, group), [counted[routine, group, kind]])
            if library == _OURS and counted[routine, group, "wrong"]:
                found.wrong[key_of(routine, group)] = f"{routine} is wrong: fourways conform"

    @staticmethod
    def cost(*point: Any) -> float:
        return {"scikit-learn": 90.0, "fourways": 60.0, "lineax": 40.0}.get(point[0], 30.0)


class Conformance(Benchmark):
    """How many cases of a group have a verdict, the library's defaults or with our threshold."""

    group = Libraries
    param_names = ["routine", "cases", "verdict"]
    params = [list(_LIBRARY_OF), list(GROUPS), list(KINDS)]

    def key_and_point(self, key: str, *point: Any) -> tuple[str, tuple[Any, ...]]:
        group, _ = point
        return key_of(key, group), (_LIBRARY_OF[key],)

    def setup(self, routine: str, *of: Any) -> None:
        library = _LIBRARY_OF[routine]
        if version_of(library) is None:
            skip(f"{library} is not installed")

    @with_attributes(unit="cases")
    def track_cases(self, *of: Any) -> float:
        """Return the number of cases; n/a where all are outside of what the routine promises."""
        *_, verdict = of
        return self.same_in_all(verdict, *of)

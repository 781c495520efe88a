"""Solutions that are timed again and again, each of which must be right."""

from collections.abc import Callable
from typing import Any

from kernels import Solution
from suites.harness.turns import Turns
from suites.harness.verified import Truth


class Solutions(Turns):
    """A call for a solution, w or `Solution`, that must be right, by ``require``, each time."""

    def __init__(
        self,
        call: Callable[[], Any],
        require: Callable[[Any], None],
        truth: Truth | None = None,
    ) -> None:
        super().__init__(lambda _: call(), 1)
        self._require, self._truth = require, truth

    def arguments(self, turn: list[int]) -> list[None]:
        return [None]

    def bits(self, output: Any) -> bytes:
        self._require(output)
        w = output.w if isinstance(output, Solution) else output
        return bytes(w.tobytes())

    def judge(self, number: int, argument: None, bits: bytes) -> None: ...

    def require_unchanged(self, outputs: list[Any]) -> None:
        if self._truth is not None:
            self._truth.require_unchanged("descent")

"""Solutions that are timed again and again, each of which must be right."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kernels import Solution
from suites.harness.turns import Turns
from suites.harness.verified import Truth

_NONE = np.empty(0)


class Solutions(Turns):
    """A call for a solution, w or `Solution`, that must be right, by ``require``, each time.

    What says the same as an answer that was right, bit for bit, is not asked for again: that can
    take longer than the call.
    """

    def __init__(
        self,
        call: Callable[[], Any],
        require: Callable[[Any], None],
        truth: Truth | None = None,
    ) -> None:
        super().__init__(lambda _: call(), 1)
        self._require, self._truth = require, truth
        self._right: set[bytes] = set()

    def arguments(self, turn: list[int]) -> list[None]:
        return [None]

    def bits(self, output: Any) -> bytes:
        w, others = output, None
        if isinstance(output, Solution):
            w, others = output.w, replace(output, w=_NONE)
        bits: bytes = w.tobytes() + f"{w.dtype} {w.shape} {others}".encode()
        if bits not in self._right:
            self._require(output)
            self._right.add(bits)
        return bits

    def judge(self, number: int, argument: None, bits: bytes) -> None: ...

    def require_unchanged(self, outputs: list[Any]) -> None:
        if self._truth is not None:
            self._truth.require_unchanged("descent")

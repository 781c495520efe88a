"""NumPy's way, cheating in every way that was thought of: each answers in its place."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from kernels import Array
from kernels.ways.numpy import NumpyWay

_EXACT = NumpyWay._gradient


class Remembering:
    """Answers whatever w with what it answered last."""

    def gradient(self, way: Any, w: Array) -> Array:
        if not hasattr(way, "answer"):
            way.answer = _EXACT(way, w)
        answer: Array = way.answer
        return answer.copy()


class RememberingPlaces:
    """Knows a w by where it lies in memory, not by what is there."""

    def gradient(self, way: Any, w: Array) -> Array:
        known = way.__dict__.setdefault("known", {})
        if id(w) not in known:
            known[id(w)] = w, _EXACT(way, w)
        answer: Array = known[id(w)][1]
        return answer.copy()


class RightOnce:
    """Is right at the first w alone."""

    def gradient(self, way: Any, w: Array) -> Array:
        first = way.__dict__.setdefault("first", w.copy())
        g: Array = _EXACT(way, w)
        return g if np.array_equal(first, w) else g * (1 + 1e-12)


class Lazy:
    """Returns an array that is computed when it is looked at."""

    class Put(np.ndarray):
        compute: Callable[[], Array]

        def __array_finalize__(self, other: Any) -> None: ...

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> Any:
            computed = [i.compute() if isinstance(i, Lazy.Put) else i for i in inputs]
            return getattr(ufunc, method)(*computed, **more)

        def astype(self, *arguments: Any, **more: Any) -> Any:
            return self.compute().astype(*arguments, **more)

        def tobytes(self, *arguments: Any) -> bytes:
            return self.compute().tobytes()

    def gradient(self, way: Any, w: Array) -> Array:
        put = np.empty(len(w)).view(Lazy.Put)
        given = w.copy()
        put.compute = lambda: _EXACT(way, given)
        return put


class LazyObject:
    """Returns what is no array, and becomes one on demand."""

    class Put:
        def __init__(self, compute: Callable[[], Array]) -> None:
            self.compute = compute

        def __array__(self, *_: Any, **more: Any) -> Array:
            return self.compute()

        def __rmul__(self, other: Any) -> Any:
            return other * self.compute()

    def gradient(self, way: Any, w: Array) -> Any:
        given = w.copy()
        return LazyObject.Put(lambda: _EXACT(way, given))


class WritingW:
    def gradient(self, way: Any, w: Array) -> Array:
        g: Array = _EXACT(way, w)
        w[0] = np.nextafter(w[0], np.inf)
        return g


class WritingX:
    """Writes to X so little that its answers stay within their bounds."""

    def gradient(self, way: Any, w: Array) -> Array:
        g: Array = _EXACT(way, w)
        way.problem.X[0, 0] = np.nextafter(way.problem.X[0, 0], 0)
        return g


class WritingY:
    def gradient(self, way: Any, w: Array) -> Array:
        g: Array = _EXACT(way, w)
        way.problem.y[0] = np.nextafter(way.problem.y[0], 0)
        return g


class Outliving:
    """Returns at once, and fills in the answer from a thread, sooner or later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def gradient(self, way: Any, w: Array) -> Array:
        g, given = np.zeros(len(w)), w.copy()

        def work() -> None:
            time.sleep(self.seconds)
            g[:] = _EXACT(way, given)

        threading.Thread(target=work, daemon=True).start()
        return g


class Idling:
    """Is right, and leaves a thread behind."""

    def gradient(self, way: Any, w: Array) -> Array:
        if not hasattr(way, "thread"):
            way.thread = threading.Thread(target=lambda: time.sleep(60), daemon=True)
            way.thread.start()
        return _EXACT(way, w)


class Single:
    """Computes in float32."""

    def gradient(self, way: Any, w: Array) -> Array:
        X, y = way.problem.X.astype(np.float32), way.problem.y.astype(np.float32)
        g = X.T @ (X @ w.astype(np.float32) - y) * np.float32(2 / len(y))
        answer: Array = g.astype(np.float64)
        return answer


class Reusing:
    """Answers in one and the same array each time."""

    def gradient(self, way: Any, w: Array) -> Array:
        buffer: Array = way.__dict__.setdefault("buffer", np.empty(len(w)))
        buffer[:] = _EXACT(way, w)
        return buffer


MUTANTS: dict[str, Any] = {
    "remembers its last answer": Remembering(),
    "remembers answers by where w lies": RememberingPlaces(),
    "is right only for the first w": RightOnce(),
    "computes when it is looked at": Lazy(),
    "computes when it is turned into an array": LazyObject(),
    "writes to w": WritingW(),
    "writes to X": WritingX(),
    "writes to y": WritingY(),
    "works in a thread that outlives the call": Outliving(0.02),
    "works in a thread that ends soon": Outliving(0.0),
    "leaves a thread behind": Idling(),
    "answers from float32": Single(),
    "answers in one array": Reusing(),
}

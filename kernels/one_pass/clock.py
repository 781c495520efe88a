"""Wall time, but for what Numba takes to compile."""

import threading
from time import perf_counter


class _LeftOut(threading.local):
    seconds = 0.0


_left_out = _LeftOut()


def now() -> float:
    """Return seconds from some moment on, those left out in this thread not counted."""
    return perf_counter() - _left_out.seconds


def leave_out(seconds: float) -> None:
    _left_out.seconds += seconds

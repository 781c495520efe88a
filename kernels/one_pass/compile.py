"""How the kernels are compiled: cached on disk, under names that say what they are.

Numba keeps compiled code between processes, and its rules can give a wrong or a slow answer.

- A compiled function is known to the linker by its name, its types and a number, which counts the
  functions that its process compiled. So two closures of one function, each compiled first in a
  process of its own, get the same name, whatever they close over. A third process that loads both
  and then compiles a caller links it to the one loaded last: seen as descent on five columns with
  the gradient for two. https://github.com/numba/numba/issues/10486
- Cached code is dropped when the file of its function changes, not when a file that it took other
  functions from does.
- Cached code is told apart by the processor's name and features; the shapes of the kernels follow
  from its caches, too, of which another machine that shares the folder may have less.

All end when the name itself tells the functions apart, by what they close over, the source and the
shapes.
"""

import functools
import hashlib
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, overload

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

from kernels.one_pass.clock import leave_out
from kernels.one_pass.target import COUNT, L1, L2, WIDTH

# The error bound holds for any order of summation, with or without FMA; NaN and infinity keep
# their meaning.
FAST = ("reassoc", "contract")


@overload
def compiled(function: Callable[..., Any]) -> Any: ...
@overload
def compiled(
    *, fast: bool = True, parallel: bool = False, cache: bool = True, nogil: bool = False
) -> Callable[[Callable[..., Any]], Any]: ...
def compiled(
    function: Callable[..., Any] | None = None,
    *,
    fast: bool = True,
    parallel: bool = False,
    cache: bool = True,
    nogil: bool = False,
) -> Any:
    """Compile a function by `numba.njit`, named by its closure and by the source of this package.

    In its name is also whether it is parallel: Numba's cache does not tell that apart. With
    ``nogil`` other threads run Python meanwhile.

    It may close over numbers and over compiled functions; anything else raises TypeError.
    """

    def compile(function: Callable[..., Any]) -> Any:
        function.__qualname__ += "_" + _digest(
            _SOURCE, _SHAPE, f"{parallel=} {nogil=}", *_held(function)
        )
        flags = set(FAST) if fast else False
        how = {"error_model": "numpy", "fastmath": flags}
        how |= {"parallel": parallel, "nogil": nogil}
        made = njit(**how)(function)
        if cache:
            try:
                made._cache = _Cache(function)  # as njit(cache=True) does, with its own
            except RuntimeError as error:
                if not str(error).startswith("cannot cache function"):
                    raise
                _cannot_cache()
        return made

    return compile if function is None else compile(function)


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's folder of compiled code, which may be on a disk that is full."""

    def save_overload(self, signature: Any, compiled: Any) -> None:
        try:
            super().save_overload(signature, compiled)
        except OSError:
            _cannot_cache()


@functools.cache
def _cannot_cache() -> None:
    """Warn, once, that compiled code is not kept: there is no room or no right to write."""
    warnings.warn(
        "compiled code cannot be kept: each process compiles anew;"
        " NUMBA_CACHE_DIR names a folder for it",
        stacklevel=2,
    )


class _Compiling(threading.local, event.Listener):  # type: ignore[misc]
    """Leaves out of the clock what a thread spends in Numba's compiler, or loading code."""

    depth = 0
    since = 0.0

    def on_start(self, event: Any) -> None:
        self.depth += 1
        if self.depth == 1:
            self.since = perf_counter()

    def on_end(self, event: Any) -> None:
        self.depth -= 1
        if self.depth == 0:
            leave_out(perf_counter() - self.since)


event.register("numba:compiler_lock", _Compiling())


def _held(function: Callable[..., Any]) -> list[str]:
    """Return a name for each thing that a function closes over."""
    names = []
    for cell in function.__closure__ or ():
        thing = cell.cell_contents
        if isinstance(thing, Dispatcher):
            names.append(thing.py_func.__qualname__)
        elif isinstance(thing, int | float | str):
            names.append(repr(thing))
        else:
            raise TypeError(f"{function.__qualname__} closes over {thing!r}, which has no name")
    return names


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


_KERNELS = Path(__file__).parents[1]
_SHAPE = repr((WIDTH, COUNT, L1, L2))  # of a processor of the same name, elsewhere
_SOURCE = _digest(*(path.read_text("utf-8") for path in sorted(_KERNELS.rglob("*.py"))))

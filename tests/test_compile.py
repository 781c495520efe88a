"""Compiled code of one process in another: each kernel is the one that was asked for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from kernels import WAYS
from kernels.descent.curvature import curvature
from kernels.one_pass import compile as compilation
from kernels.one_pass.choice import kernel_for
from kernels.one_pass.compile import compiled
from kernels.one_pass.passes import gradient_by
from suites.data import problems

_GRADIENT = """
import sys
import numpy as np
from kernels import WAYS, LeastSquares, Stopping, descend

def problem(p):
    X = np.random.default_rng(0).standard_normal((70, p))
    return LeastSquares(X, X.sum(1))

for p in map(int, sys.argv[1:]):
    WAYS["numba"](problem(p)).gradient(np.ones(p))
"""
_DESCENT = """
first = problem(int(sys.argv[1]))
found = descend("gradient descent", WAYS["numba"](first), Stopping(gradient=1e-9))
assert found.converged
assert np.abs(found.w - 1).max() < 1e-8, found.w
"""


def test_a_loop_is_linked_to_its_own_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes each compile a gradient first, by another kernel; then both are loaded.

    Numba numbers the functions of a process, and both are the first. The seed fixes the order in
    which it writes the fastmath flags into names.
    """
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    for script, sizes in ((_GRADIENT, ["2"]), (_GRADIENT + _DESCENT, ["5", "2"])):
        run = subprocess.run([sys.executable, "-c", script, *sizes], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def test_closures_are_named_by_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def plus(thing: Any) -> Any:
        @compiled(cache=False)
        def add(x):  # type: ignore[no-untyped-def]
            return x + (thing(x) if isinstance(thing, Dispatcher) else thing)

        return add

    def names() -> list[str]:
        one, two = plus(1), plus(2)
        return [f.py_func.__qualname__ for f in (one, two, plus(True), plus(one), plus(two))]

    assert len(set(names())) == 5
    assert names() == names()
    before = names()
    monkeypatch.setattr(compilation, "_SOURCE", "another source")
    assert not set(before) & set(names())
    with pytest.raises(TypeError, match=r"closes over \[1\]"):
        plus([1])


def test_the_hessian_needs_no_code_of_its_own() -> None:
    """Numba compiles anew for an array that may be written to."""
    problem = problems.gaussian(70, 7)
    way, w = WAYS["numba"](problem), np.ones(7)
    way.gradient(w)
    compiled = len(gradient_by(kernel_for(problem.X)).signatures)
    way.homogeneous().gradient(w)
    curvature(way, smallest=False)
    assert len(gradient_by(kernel_for(problem.X)).signatures) == compiled


def test_without_the_jit_the_other_ways_work_and_the_numba_way_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    script = """
import numpy as np
from kernels import METHODS, WAYS, LeastSquares, descend, minimum_norm, refined

problem = LeastSquares(np.eye(3), np.ones(3))
found = [WAYS[name](problem).solve() for name in WAYS if name != "numba"]
found += [descend(method, WAYS["torch"](problem)) for method in METHODS]
found += [minimum_norm(problem), refined(problem)]
assert all(np.abs(f.w - 1).max() < 1e-6 for f in found)
for _ in range(2):
    try:
        WAYS["numba"]
    except ImportError as error:
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    message = "the kernels of the numba way need Numba's JIT: unset NUMBA_DISABLE_JIT"
    assert run.stdout.splitlines() == [message] * 2


def test_without_a_folder_for_compiled_code_it_stays_in_memory() -> None:
    code = (
        "from numba.core import caching; caching.CacheImpl._locator_classes = []\n"
        "import warnings; warnings.simplefilter('always')\n"
        "from kernels.one_pass.compile import compiled\n"
        "f = compiled(lambda x: 2 * x); g = compiled(lambda x: 3 * x)\n"
        "print(f(2.0), g(2.0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["4.0", "6.0"], done.stderr
    assert done.stderr.count("each process compiles anew") == 1


def test_on_a_full_disk_compiled_code_stays_in_memory(tmp_path: Path) -> None:
    code = (
        "import errno, os, warnings; warnings.simplefilter('always')\n"
        "from numba.core.caching import IndexDataCacheFile\n"
        "def full(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "IndexDataCacheFile._save_data = full\n"
        "from kernels.one_pass.compile import compiled\n"
        "f = compiled(lambda x: 2 * x); g = compiled(lambda x: 3 * x)\n"
        "print(f(2.0), g(2.0))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.split() == ["4.0", "6.0"], done.stderr
    assert done.stderr.count("each process compiles anew") == 1

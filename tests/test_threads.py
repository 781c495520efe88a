"""Numba's threads and a forked child, which has none of them."""

import os
import subprocess
import sys

import pytest
from numba import config, set_num_threads

from kernels.one_pass.threads import has_threads, thread_count

_SCRIPT = """
import multiprocessing, sys
import numpy as np
from kernels import WAYS, LeastSquares, Stopping, descend
from kernels.one_pass.gram import gram

X = np.random.default_rng(0).standard_normal((20_000, 7))
way = WAYS["numba"](LeastSquares(X, X.sum(1) + 1))
assert X.nbytes > 1 << 19

def results():
    value, gradient = way.value_and_gradient(np.ones(7))
    found = descend("conjugate gradients", way, Stopping(iterations=3))
    return value, *(array.tobytes() for array in (gradient, found.w, gram(X)))

def at_home_and_in_a_child():
    before = results()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        # A child that dies is replaced, and its task never ends.
        assert pool.apply_async(results).get(timeout=100) == before
    assert results() == before

at_home_and_in_a_child()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_a_forked_child_gives_the_bits_of_its_parent(layer: str) -> None:
    environment = {**os.environ, "NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "3"}
    command = [sys.executable, "-c", _SCRIPT]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if "No threading layer could be loaded" in run.stderr:
        pytest.skip(f"Numba has no layer {layer} here")
    assert run.returncode == 0, run.stderr


def test_one_thread_has_no_others_to_share_with() -> None:
    set_num_threads(1)
    alone = has_threads(), thread_count()
    set_num_threads(config.NUMBA_NUM_THREADS)
    assert alone == (False, 1)
    assert has_threads() == (config.NUMBA_NUM_THREADS > 1)

"""The kernels on processors other than this one: their shapes follow from the registers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

from kernels.one_pass.target import registers

ROOT = Path(__file__).parents[1]
X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
AVX512 = "+avx2,+fma,+avx512f,+avx512vl,+avx512dq,+avx512bw"
TESTS = ["tests/test_passes.py", "tests/test_gradient.py", "tests/test_rank_deficient.py"]
TARGETS = [
    ("x86-64", "+sse2", (16, 16)),
    ("haswell", "+avx2,+fma", (32, 16)),
    ("znver3", "+avx2,+fma", (32, 16)),
    ("skylake-avx512", AVX512, (64, 32)),
]


def runs_here(features: str) -> bool:
    here = binding.get_host_cpu_features()
    return all(here.get(feature.lstrip("+"), False) for feature in features.split(","))


@pytest.mark.parametrize(("cpu", "features", "expected"), TARGETS)
def test_registers_are_those_of_the_processor(
    cpu: str, features: str, expected: tuple[int, int]
) -> None:
    assert registers(X86, cpu, features) == expected
    assert registers(X86, cpu, "") == expected


def test_on_arm_there_are_32_registers_of_16_bytes() -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    assert registers(ARM, "generic", "") == (16, 32)


@pytest.mark.slow
@pytest.mark.parametrize(("cpu", "features", "expected"), TARGETS[:3])
def test_every_kernel_is_right_on_other_processors(
    cpu: str, features: str, expected: tuple[int, int]
) -> None:
    """The tests of the kernels, compiled by Numba for that processor and run on this one."""
    if not runs_here(features):
        pytest.skip(f"this processor has no {features}")
    chosen = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n0",
        *TESTS,
        "-k",
        "passes or NumbaWay or (numba and gradient) or gram_matrix",
    ]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | chosen, capture_output=True, text=True, timeout=900
    )
    assert run.returncode == 0, run.stdout[-2000:]


_FOR_ARM = """
import re
import numpy as np
from llvmlite import binding
from kernels.one_pass import target
target.WIDTH, target.COUNT = 16, 32
from kernels.one_pass import passes

binding.initialize_all_targets()
binding.initialize_all_asmprinters()
machine = binding.Target.from_triple("%s").create_target_machine(cpu="neoverse-n1", opt=3)
C, w = np.ones((300, 40)), np.ones(40)
F = np.asfortranarray(C)
for kernel, X in (("cached rows", C), ("overlapped rows", C), ("many rows", C),
                  ("streamed rows", C), ("streamed rows apart", C), ("cached strips", F),
                  ("panels", F)):
    gradient = passes.gradient_by(kernel)
    g = np.empty(40)
    gradient(X, np.zeros(300), 0.0, 1.0, 1, w, g)
    assert (g == 300 * 40).all(), kernel
    (code,) = gradient.inspect_llvm().values()
    # Of x86 there are the target's lines and, in what frees memory, atomics.
    code = re.sub(r"(?m)^target .*$| immarg", "", code).replace("@llvm.x86.", "@x86.")
    assembly = machine.emit_assembly(binding.parse_assembly(code))
    assert re.search(r"fmla\\tv\\d+.2d", assembly), kernel

from kernels.one_pass.gram import gram
for p in range(1, 20):  # whole tiles and not
    X = np.arange(200.0 * p).reshape(200, p) %% 7
    assert (gram(X) == X.T @ X).all(), p
"""


_LOOPS = """
import re
import numpy as np
from numba import types
from kernels.one_pass import passes

kinds = [types.Array(types.float64, 2, order, readonly=True) for order in "CF"]
y, w = types.Array(types.float64, 1, "C", readonly=True), types.Array(types.float64, 1, "C")
for kernel, X in (("many rows", kinds[0]), ("overlapped rows apart", kinds[0]),
                  ("streamed strips", kinds[1])):
    gradient = passes.gradient_by(kernel)
    gradient.compile((X, y, types.float64, types.float64, types.intp, w, w))
    (code,) = gradient.inspect_asm().values()
    # From a label to the jump back to it, no other label between: an inner loop.
    loops = re.findall(r"(?m)^(\\.L\\w+):((?:(?!^\\.L)[\\s\\S])*?\\tj\\w+\\t\\1)$", code)
    loops = [body for _, body in loops if len(re.findall(r"\\tvfmadd\\w+pd.*zmm", body)) >= 8]
    assert loops, kernel
    assert not any("(%rsp" in body for body in loops), kernel
"""


@pytest.mark.parametrize("cpu", ["znver4", "sapphirerapids"])
def test_inner_loops_have_all_they_need_in_registers(cpu: str, tmp_path: Path) -> None:
    """Compiled, not run: LLVM is apt to keep a pointer for each row, and most of them in memory."""
    run_uncached(_LOOPS, tmp_path, NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES=AVX512)


_IN_TURN = """
import numpy as np
from kernels.one_pass import passes

X, y, w, g = np.ones((2000, 60)), np.arange(2000.0), np.zeros(60), np.empty(60)
first = ["short rows apart", "overlapped rows apart"]  # of eight and of four
neighbours = [name for name in passes.KERNELS if name.endswith("rows")]
for name in [*first, *neighbours, "cached rows apart", "streamed rows apart"]:
    passes.gradient_by(name)(X, y, 0.0, 1.0, 1, w, g)
    assert (g == -y.sum()).all(), name
"""


def test_a_kernel_is_right_whichever_were_compiled_before(tmp_path: Path) -> None:
    """Numba finds the code of an operation by its types, which neighbours and rows apart share."""
    run_uncached(_IN_TURN, tmp_path)


def test_code_for_arm_is_in_its_vectors(tmp_path: Path) -> None:
    """Its shapes give the same sums here, and LLVM makes its fused multiply-adds of them."""
    run_uncached(_FOR_ARM % ARM, tmp_path)


def run_uncached(code: str, cache: Path, **chosen: str) -> None:
    """Run code in a process of its own that compiles every kernel anew."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)} | chosen
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=300)

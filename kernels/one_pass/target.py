"""The processor that Numba compiles for: its vector registers and its caches.

The shapes of the kernels follow from these, here and in `choice`: how long a vector is, how many
rows make a group, how many rows of a panel stay in L2.
"""

import re
from pathlib import Path

from llvmlite import binding
from numba.core.registry import cpu_target

LINE = 64  # bytes of a cache line: on x86, and on ARM but for Apple's

# 64 bytes at once: what LLVM makes of them says which registers there are. It knows the features
# of a processor by its name, and Numba's own list of them may be empty.
_PROBE = """
define void @probe(<8 x double>* %x) {
  %a = load <8 x double>, <8 x double>* %x
  %b = fadd <8 x double> %a, %a
  store <8 x double> %b, <8 x double>* %x
  ret void
}
"""
_REGISTERS = {"zmm": (64, 32), "ymm": (32, 16), "xmm": (16, 16)}  # by name: bytes, how many
_OTHERS = 16, 32  # NEON, and what is not known


def registers(triple: str, cpu: str, features: str) -> tuple[int, int]:
    """Return the bytes of a vector register of a processor, and how many there are."""
    target = binding.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=cpu, features=features)
    code = machine.emit_assembly(binding.parse_assembly(_PROBE))
    for name, found in _REGISTERS.items():
        if re.search(rf"%{name}\d", code):
            return found
    return _OTHERS


def cache(level: int, otherwise: int) -> int:
    """Return the bytes of a core's data cache of a level, as Linux says, else ``otherwise``."""
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            found = {name: (index / name).read_text().strip() for name in ("level", "type", "size")}
        except OSError:
            continue
        if found["level"] == str(level) and found["type"] != "Instruction":
            return int(found["size"].rstrip("K")) << 10
    return otherwise


def _takes_unread() -> bool:
    """Return whether L3 takes what leaves L2 unread, as Linux says who made the processor.

    AMD's takes all. Intel's, since Skylake-SP, leaves out what it expects not to be wanted again:
    what was asked for so early that it left L2 is then read from memory once more.
    """
    try:
        return "GenuineIntel" not in Path("/proc/cpuinfo").read_text()
    except OSError:
        return True


# Numba's name and features of the processor: NUMBA_CPU_NAME and NUMBA_CPU_FEATURES are in it.
WIDTH, COUNT = registers(*cpu_target.target_context.codegen().magic_tuple())
L1, L2, L3 = cache(1, 32 << 10), cache(2, 512 << 10), cache(3, 32 << 20)
TAKES_UNREAD = _takes_unread()

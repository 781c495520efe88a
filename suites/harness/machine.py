"""The machine by what it is: processor, cores, memory. Its results stand under that name.

A host name says nothing to a reader, and two hosts of one name would overwrite each other. A
kernel release would split a history that it does not change, so it is left out. Where Numba is told
to compile for another processor (NUMBA_CPU_NAME), that one is in the name: "as haswell".

    python -m suites.harness.machine      # registers this machine with asv and prints its name
"""

import math
import os
import platform
import re
from pathlib import Path


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Return the machine's physical memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def describe() -> dict[str, str]:
    """Return asv's description of a machine, every field free of what changes by itself."""
    from asv.util import get_cpu_info

    processor = _processor(get_cpu_info()) + _compiled_for()
    # The kernel keeps a little of the memory for itself; what is installed is the next GiB.
    gibibytes = math.ceil(memory() / 2**30)
    name = f"{processor} {cores()} cores {gibibytes} GiB"
    return {
        "machine": re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-"),
        "os": platform.system(),
        "arch": platform.machine(),
        "cpu": processor,
        "num_cpu": str(cores()),
        "ram": f"{gibibytes} GiB",
    }


def _processor(name: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name; where that is a product line ("AMD EPYC"), with its model."""
    if re.search(r"\d", name) or not cpuinfo.exists():
        return name or platform.machine()
    text = cpuinfo.read_text()
    fields = [re.search(rf"^{field}\s*: (\d+)", text, re.M) for field in ("cpu family", "model")]
    numbers = [found[1] for found in fields if found]
    return f"{name} family {numbers[0]} model {numbers[1]}" if len(numbers) == 2 else name


def _compiled_for() -> str:
    """Return " as haswell" where Numba is told that this processor is a Haswell, else nothing."""
    name = os.environ.get("NUMBA_CPU_NAME", "host")
    return "" if name == "host" else f" as {name}"


def register() -> str:
    """Tell asv what this machine is, and return its name."""
    from asv.machine import MachineCollection

    description = describe()
    MachineCollection.save(description["machine"], description)
    return description["machine"]


if __name__ == "__main__":
    print(register())

"""The memory guard: a size that the machine cannot hold is left out, and says why."""

from suites.harness.machine import memory


def too_large(n: int, p: int, copies: int) -> str:
    """Return why X is too large for here, "" if it is not.

    A share of the memory that the machine has, not of what is free, so that the same sizes
    run each time.
    """
    needed = copies * n * p * 8
    if needed <= memory() / 3:
        return ""
    return (
        f"{n} x {p} needs {needed / 1e9:.1f} GB for {copies} copies of X, more than a third"
        f" of the machine's {memory() / 1e9:.1f} GB"
    )

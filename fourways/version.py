"""What must be the same wherever a block is computed."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fourways import PACKAGES

_ROOT = Path(__file__).parents[1]
_LIBRARIES = ("numpy", "numba", "scipy", "torch", "polars", "dask", "distributed")


def versions() -> dict[str, str]:
    """Return the versions of Python, of the libraries, and of our own source, by its bytes."""
    files = sorted(path for name in PACKAGES for path in (_ROOT / name).rglob("*.py"))
    source = hashlib.sha256(b"\0".join(path.read_bytes() for path in files))
    found = {
        "fourways": source.hexdigest()[:12],
        "python": platform.python_version().rpartition(".")[0],
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found

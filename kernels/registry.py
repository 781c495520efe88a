"""The ways by name. A new way is one module and one line here."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from kernels.problem import LeastSquares
from kernels.way import Way


def ways_for(problem: LeastSquares) -> Mapping[str, type[Way]]:
    """Return the ways by name for a problem: `WAYS`, or those over blocks of rows."""
    if type(problem) is LeastSquares:
        return WAYS
    over_blocks: Mapping[str, type[Way]] = import_module("kernels.blocks.ways").OVER_BLOCKS
    return over_blocks


class _LazyWays(Mapping[str, type[Way]]):
    """Maps a name to its class, importing the module only when it is asked for.

    Importing PyTorch takes about a second and Numba about half of one; a process
    that measures one way must not pay for, or be disturbed by, the others.
    """

    def __init__(self, locations: dict[str, str]) -> None:
        self._locations = locations

    def __getitem__(self, name: str) -> type[Way]:
        module, cls = self._locations[name].split(":")
        way: type[Way] = getattr(import_module(module), cls)
        return way

    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    def __len__(self) -> int:
        return len(self._locations)

    def __repr__(self) -> str:
        return f"WAYS({', '.join(self)})"


WAYS = _LazyWays(
    {
        "numba": "kernels.ways.numba:NumbaWay",
        "torch": "kernels.ways.torch:TorchWay",
        "numpy": "kernels.ways.numpy:NumpyWay",
        "scipy": "kernels.ways.scipy:ScipyWay",
    }
)

"""The ways by name. A new way is one module and one line here."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from kernels.way import Way


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

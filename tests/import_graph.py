"""Who imports whom: the rooms of the project from the top floor down, and what runs back up.

python -m tests.import_graph      # prints a room in each line; exit status 1 if an arrow runs up
"""

import sys

import grimp

ROOTS = ("fourways", "report", "suites", "kernels")

# The top floor first. Rooms of one floor do not know each other.
FLOORS: list[tuple[str, ...]] = [
    ("fourways",),
    ("report",),
    ("suites.compare",),
    ("suites",),
    ("suites.harness",),
    ("suites.data",),
    ("suites.judge",),
    ("kernels",),  # its face: what users import
    ("kernels.blocks",),
    ("kernels.autograd", "kernels.descent"),
    ("kernels.direct",),
    ("kernels.ways",),
    ("kernels.registry",),
    ("kernels.way",),
    ("kernels.rank",),
    ("kernels.one_pass",),
    ("kernels.solution",),
    ("kernels.problem",),
]
_FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room(module: str) -> str:
    """Return the room of a module: the longest name of a floor that it begins with."""
    parts = module.split(".")
    names = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next(name for name in names if name in _FLOOR)


def arrows() -> dict[str, set[str]]:
    """Return the rooms that each room imports from, imports inside of functions included."""
    graph = grimp.build_graph(*ROOTS)
    found: dict[str, set[str]] = {name: set() for name in _FLOOR}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            # A package's own face stands above its rooms, and so what its users import is that.
            found[room(importer)].add(room(imported))
    return {name: ends - {name} for name, ends in found.items()}


def upward(found: dict[str, set[str]]) -> list[str]:
    """Return the arrows that do not lead to a lower floor, as "room -> room"."""
    return [
        f"{start} -> {end}"
        for start, ends in found.items()
        for end in sorted(ends)
        if _FLOOR[end] <= _FLOOR[start]
    ]


def main() -> int:
    found = arrows()
    for rooms in FLOORS:
        for name in rooms:
            ends = sorted(found[name], key=lambda end: _FLOOR[end])
            print(f"{name:18} -> {', '.join(ends)}" if ends else name)
    wrong = upward(found)
    for arrow in wrong:
        print(f"runs back up: {arrow}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

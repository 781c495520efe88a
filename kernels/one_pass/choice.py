"""Which kernel for which X, by its order, its rows and where it comes from.

The names, and what each is for:

    "tiles of 1" ...    C order, p = 1, 2, 4 or 8: a vector holds several whole rows
    "narrow rows"       C order, a row within one vector: w and g stay in registers
    "cached rows"       C order, X in cache: eight rows in turn
    "streamed rows"     C order, X from memory: four rows folded while the next four are read
    "long rows"         C order, X from memory: eight rows in turn, memory asked ahead
    "cached strips"     Fortran order, X in cache: strips of eight vectors of rows
    "streamed strips"   Fortran order, X from memory: strips of sixteen, memory asked ahead
    "panels"            Fortran order, X in cache, many columns
    "plain"             either order, row by row: the ten lines that are the gradient

What limits each, and what was tried: docs/kernel.md.
"""

from kernels.one_pass.emission import LINE
from kernels.problem import Array

TILES = {p: f"tiles of {p}" for p in (1, 2, 4, 8)}

_STREAMED = 16 << 20  # bytes of X: larger ones are taken to come from memory, not from L3
# Rows of less than two lines are too short for blocks of four. From 4800 bytes on two blocks of
# four rows, one being read and one being folded, outgrow L1.
_FOUR_ROWS = 2 * LINE, 4800  # bytes of a row
_FEW = 8  # columns: their strips are read in the order in which they lie, or nearly
_MANY = 100  # columns: a strip of so many outgrows L1


def kernel_for(X: Array) -> str:
    """Return the name of the kernel for X.

    From memory two blocks of four rows are best while they stay in L1. In cache, asking ahead costs
    more than it brings.
    """
    p = X.shape[1]
    is_streamed = X.nbytes > _STREAMED
    if not X.flags.c_contiguous:
        if is_streamed and p > _FEW:
            return "streamed strips"
        return "cached strips" if p < _MANY else "panels"
    row = p * X.itemsize
    if row <= LINE:
        return TILES.get(p, "narrow rows")
    if not is_streamed:
        return "cached rows"
    return "streamed rows" if _FOUR_ROWS[0] <= row <= _FOUR_ROWS[1] else "long rows"

"""Which kernel for which X, by its order, its rows and where it comes from.

The names, and what each is for:

    "tiles of 1" ...    C order, p = 1, 2, 4 or 8: a vector holds several whole rows
    "cached rows"       C order, X in cache: eight rows in turn
    "many rows"         the same with sixteen
    "overlapped rows"   C order, X in cache: eight rows folded while the next eight are read
    "streamed rows"     C order, X from memory: the same, four with AVX-512, memory asked ahead
    "short rows apart"  C order, X in cache, rows apart, which are streams that go on: eight in turn
    "cached rows apart" the same, four in turn with 32 registers
    "overlapped rows apart"
                        the same, four folded while the next four are read
    "streamed rows apart"
                        the same, X from memory: memory asked ahead in each stream
    "cached strips"     Fortran order, few columns: strips of eight vectors of rows
    "streamed strips"   Fortran order, X from memory: strips of sixteen, memory asked ahead
    "short strips"      the same with eight, asked for once: where L3 does not take what L2 drops,
                        and there also for X in L3 where panels do not stay in L2
    "near strips"       the same, asked for half a strip ahead, where fewer stay in L2
    "panels"            Fortran order, X in cache, many columns
    "plain"             either order, row by row: the ten lines that are the gradient

What limits each, and what was tried: docs/kernel.md.
"""

from kernels.one_pass.by_columns import OF_L2, SHORT
from kernels.one_pass.by_rows import LONG
from kernels.one_pass.target import COUNT, L1, L2, L3, LINE, TAKES_UNREAD, WIDTH
from kernels.problem import Array

TILES = {p: f"tiles of {p}" for p in (1, 2, 4, 8)}

# Bytes of X: larger ones are taken to come from memory. L3 is others' as well, and what a core has
# of a large one is not said.
STREAMED = min(L3 // 2, 16 << 20)
_SHORT = 2 * LINE  # bytes of a row: shorter ones are too short for blocks of rows
_FORESEEN = 8 * LINE  # streams of longer ones are read from memory too late by the hardware alone
_MIDDLING = 16 * LINE  # eight of longer ones outgrow a quarter of L1
_FEW = 8  # columns: their strips are read in the order in which they lie, or nearly
_STRIP = 8 * WIDTH  # bytes of a column in a strip
_WAYS = 8  # of L1, or more: lines that lie a multiple of a page apart share these
_PAGE = 4096  # bytes


def kernel_for(X: Array) -> str:
    """Return the name of the kernel for X."""
    return _for_rows(X) if X.flags.c_contiguous else _for_columns(X)


def _for_rows(X: Array) -> str:
    p = X.shape[1]
    row = p * X.itemsize
    if p in TILES and row <= WIDTH and p <= COUNT // 4:
        return TILES[p]
    is_streamed = X.nbytes > STREAMED and row >= _SHORT
    if not TAKES_UNREAD:
        return _for_rows_all_apart(X.nbytes, row, is_streamed)
    if is_streamed:
        return "streamed rows" if row > _FORESEEN else "overlapped rows apart"
    if row <= LONG:
        return "cached rows" if COUNT < 32 else "overlapped rows"
    if row <= _MIDDLING:
        return "short rows apart"
    # Two blocks of four rows hide L2 and L3 while they stay in L1 with w and the gradient.
    if 12 * row <= L1:
        return "overlapped rows apart"
    if 8 * row <= L1:
        return "cached rows apart"
    # What comes from L2 twice is best taken in the largest blocks that there are registers for.
    return "cached rows" if COUNT < 32 else "many rows"


def _for_rows_all_apart(size: int, row: int, is_streamed: bool) -> str:
    """Return what is fastest where L3 does not take what L2 drops: rows of any length apart."""
    if is_streamed:
        return "streamed rows apart"
    # Folding one block hides the way of the next from L3, and from L2 if there are registers for it
    # and both stay in L1 with room for w and the gradient.
    if size > L2 or (COUNT >= 32 and 32 * row <= L1):
        return "overlapped rows apart"
    return "cached rows apart"


def _for_columns(X: Array) -> str:
    p, is_streamed = X.shape[1], X.nbytes > STREAMED
    if is_streamed and not TAKES_UNREAD:
        return _for_columns_in_l2(X)
    if p <= _FEW:
        return "cached strips"
    if is_streamed:
        return "streamed strips"
    if _are_crowded(X):  # 1 KiB of a column, or all of it
        return "streamed strips" if TAKES_UNREAD and WIDTH == LINE else "panels"
    if p * _STRIP <= L1 // 2:
        return "cached strips"
    is_read_from_L3_twice = X.nbytes > L2 and SHORT * p * X.itemsize > OF_L2
    if is_read_from_L3_twice and not TAKES_UNREAD:
        return _for_columns_in_l2(X)
    return "panels"


def _for_columns_in_l2(X: Array) -> str:
    """Return what is fastest where L3 does not take what L2 drops.

    Strips, if six of them fit into L2, or three and less is asked ahead, and if two fit into the
    sets of it that the lines of crowded columns share; else panels.
    """
    p = X.shape[1]
    strip = p * _STRIP
    if 3 * strip > L2 or (_are_crowded(X) and 2 * p * _PAGE > L2):
        return "panels"
    return "short strips" if 6 * strip <= L2 else "near strips"


def _are_crowded(X: Array) -> bool:
    """Return whether all columns, more than L1 has ways, have their lines in the same sets of it.

    As they have where n is a multiple of 512 in float64. What a strip reads again is gone then.
    """
    n, p = X.shape
    offset = n * X.itemsize % _PAGE
    return bool(p > _WAYS and min(offset, _PAGE - offset) < LINE)

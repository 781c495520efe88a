"""Vectors in Numba: the handful of operations that the fast kernels are made of.

LLVM vectorises a loop over p well when p is long, and not at all when a row holds four or ten
entries; and it never prefetches. These operations write the vector code down instead. A vector
fills a register of the processor (`target`): 2, 4 or 8 doubles, twice as many floats.

A group is a tuple of ``count`` vectors held in registers, one for each of ``count`` rows.
"""

from typing import Any

from llvmlite import ir
from numba import types

from kernels.one_pass.emission import (
    BYTES,
    INT32,
    Emission,
    Vector,
    group_of,
    operation,
    vector_of,
)
from kernels.one_pass.target import LINE


@operation
def scratch(array: Any, size: Any) -> Any:
    """A pointer to ``size`` numbers (a literal) on the stack, from a cache line on.

    They are gone with the caller. 0.1 µs less than memory from the heap.
    """
    pointer = types.CPointer(array.dtype)

    def code(emit: Emission, array: Any, _: Any) -> Any:
        room = ir.ArrayType(emit.context.get_value_type(array.kind.dtype), size.literal_value)
        with emit.builder.goto_entry_block():
            start = emit.builder.alloca(room)
        start.align = LINE
        return emit.builder.bitcast(start, emit.context.get_value_type(pointer))

    return pointer(array, size), code


@operation
def fitting(array: Any, size: Any) -> Any:
    """How many numbers of an array ``size`` bytes hold (a literal): a constant to LLVM."""

    def code(emit: Emission, *_: Any) -> Any:
        return emit.index(size.literal_value * 8 // array.dtype.bitwidth)

    return types.intp(array, size), code


@operation
def load(array: Any, index: Any) -> Any:
    """array[index : index + lanes] as a vector; no bounds check, no alignment needed."""
    vector = vector_of(array)

    def code(emit: Emission, array: Any, index: Any) -> Any:
        return emit.load(array, index, vector)

    return vector(array, types.intp), code


@operation
def store(array: Any, index: Any, value: Any) -> Any:
    """array[index : index + lanes] = value."""

    def code(emit: Emission, array: Any, index: Any, value: Any) -> None:
        emit.store(array, index, value)

    return types.void(array, types.intp, value), code


@operation
def splats(array: Any, index: Any, count: Any) -> Any:
    """A group whose k-th vector holds array[index + k] in every lane; ``count`` a literal."""
    group = group_of(array, count)

    def code(emit: Emission, array: Any, index: Any, _: Any) -> Any:
        entries = [emit.entry(array, emit.plus(index, k)) for k in range(group.count)]
        return [emit.filled(entry, 0, group.dtype.lanes) for entry in entries]

    return group(array, types.intp, count), code


@operation
def zeros(array: Any, count: Any) -> Any:
    """A group of ``count`` zero vectors (a literal)."""
    group = group_of(array, count)

    def code(emit: Emission, array: Any, _: Any) -> Any:
        return [ir.Constant(emit.context.get_value_type(group.dtype), None)] * group.count

    return group(array, count), code


@operation
def add_products(x: Any, at: Any, stride: Any, factor: Any, group: Any) -> Any:
    """group[k] + x[at + k stride :] * factor, for each k: rows of x against one vector."""

    def code(emit: Emission, x: Any, at: Any, stride: Any, factor: Any, sums: Any) -> Any:
        rows = emit.rows(x, at, stride, group)
        return [emit.muladd(row, factor, s) for row, s in zip(rows, sums, strict=True)]

    return group(x, types.intp, stride, factor, group), code


@operation
def add_outer(x: Any, i: Any, j: Any, group: Any) -> Any:
    """group[2a + b] + x[i + a] * x[j + b lanes :], b = 0, 1: columns of a row against columns."""
    vector = group.dtype

    def code(emit: Emission, x: Any, i: Any, j: Any, sums: Any) -> Any:
        pair = [emit.load(x, emit.plus(j, b * vector.lanes), vector) for b in range(2)]
        out = []
        for k, s in enumerate(sums):
            if k % 2 == 0:
                factor = emit.filled(emit.entry(x, emit.plus(i, k // 2)), 0, vector.lanes)
            out.append(emit.muladd(factor, pair[k % 2], s))
        return out

    return group(x, types.intp, types.intp, group), code


@operation
def combine(x: Any, at: Any, stride: Any, group: Any, start: Any) -> Any:
    """start + Σ_k x[at + k stride :] * group[k]: rows of x, each against its own vector.

    Summed in two halves and added to ``start`` last, which is then waited for only once.
    """

    def code(emit: Emission, x: Any, at: Any, stride: Any, factors: Any, start: Any) -> Any:
        halves: list[Any] = []
        rows = emit.rows(x, at, stride, group)
        for k, (row, factor) in enumerate(zip(rows, factors, strict=True)):
            if k in (0, group.count // 2):
                halves.append(emit.product(row, factor))
            else:
                halves[-1] = emit.muladd(row, factor, halves[-1])
        products = halves[0] if len(halves) == 1 else emit.builder.fadd(*halves)
        return emit.builder.fadd(products, start)

    return start(x, types.intp, stride, group, start), code


@operation
def prefetch(x: Any, at: Any, lines: Any) -> Any:
    """Ask for ``lines`` cache lines of x (a literal), from x[at] on, to be brought into L2.

    Not into L1: a core has some 24 buffers for lines on their way there, and 24 lines every
    110 ns, the latency of memory, are 14 GB/s. L2 has more. An address past the end of x is no
    error: a prefetch never faults.
    """

    def code(emit: Emission, x: Any, at: Any, _: Any) -> None:
        declared = ir.FunctionType(ir.VoidType(), [BYTES, INT32, INT32, INT32])
        call = emit.builder.module.declare_intrinsic("llvm.prefetch", [BYTES], declared)
        first = emit.pointer(x, at, ir.IntType(8))
        read, into_l2, data = (ir.Constant(INT32, value) for value in (0, 2, 1))
        for k in range(lines.literal_value):
            line = emit.builder.gep(first, [emit.index(k * LINE)])
            emit.builder.call(call, [line, read, into_l2, data])

    return types.void(x, types.intp, lines), code


@operation
def subtract(group: Any, y: Any, at: Any, step: Any) -> Any:
    """group[k] - y[at + step (k lanes + lane)], lane by lane; one vector, or a literal 1."""
    is_dense = isinstance(step, types.Literal) and step.literal_value == 1
    lane = types.UniTuple(Vector(y.dtype, 1), group.dtype.lanes)

    def code(emit: Emission, minuends: Any, y: Any, at: Any, step: Any) -> Any:
        if is_dense:
            pieces = emit.pieces(y, at, group)
        else:
            pieces = [emit.folded(emit.rows(y, at, step, lane), 1)]
        return [emit.builder.fsub(a, b) for a, b in zip(minuends, pieces, strict=True)]

    return group(group, y, types.intp, types.intp), code


@operation
def accumulate(array: Any, at: Any, group: Any) -> Any:
    """array[at + k lanes :] += group[k], for each k."""

    def code(emit: Emission, array: Any, at: Any, terms: Any) -> None:
        for k, term in enumerate(terms):
            emit.add_to(array, emit.plus(at, k * group.dtype.lanes), term, group.dtype)

    return types.void(array, types.intp, group), code


@operation
def accumulate_rows(array: Any, at: Any, stride: Any, group: Any) -> Any:
    """array[at + a stride + b lanes :] += group[2a + b], b = 0, 1: a tile of a matrix."""

    def code(emit: Emission, array: Any, at: Any, stride: Any, terms: Any) -> None:
        for k, term in enumerate(terms):
            emit.add_to(array, emit.plus(at, k % 2 * group.dtype.lanes), term, group.dtype)
            if k % 2:
                at = emit.builder.add(at, stride)

    return types.void(array, types.intp, types.intp, group), code


@operation
def row_sums(group: Any) -> Any:
    """The sums over the lanes of each vector, as a group of one vector with ``count`` lanes.

    All at once: count - 1 + log2(lanes / count) additions, where summing each vector by itself
    takes count log2(lanes).
    """
    sums = types.UniTuple(Vector(group.dtype.scalar, group.count), 1)

    def code(emit: Emission, vectors: Any) -> Any:
        return [emit.folded(vectors, group.dtype.lanes)]

    return sums(group), code


@operation
def tile_sums(group: Any) -> Any:
    """The sums of each ``count`` neighbouring lanes of the group, as a group of one vector."""

    def code(emit: Emission, vectors: Any) -> Any:
        return [emit.folded(vectors, group.count)]

    return types.UniTuple(group.dtype, 1)(group), code


@operation
def broadcast(sums: Any, array: Any) -> Any:
    """A group whose k-th vector holds lane k of ``sums`` in every lane."""
    group = types.UniTuple(vector_of(array), sums.dtype.lanes)

    def code(emit: Emission, sums: Any, array: Any) -> Any:
        return [emit.filled(sums[0], k, group.dtype.lanes) for k in range(group.count)]

    return group(sums, array), code


@operation
def broadcast_tile(sums: Any, count: Any) -> Any:
    """A group of ``count`` vectors in which each lane of ``sums`` fills ``count`` lanes."""
    group = types.UniTuple(sums.dtype, count.literal_value)
    lanes = range(group.dtype.lanes)

    def code(emit: Emission, sums: Any, _: Any) -> Any:
        orders = [
            [(k * len(lanes) + lane) // group.count for lane in lanes] for k in range(group.count)
        ]
        return [emit.shuffled(sums[0], order) for order in orders]

    return group(sums, count), code


@operation
def total(vector: Any) -> Any:
    """The sum over the lanes."""

    def code(emit: Emission, value: Any) -> Any:
        return emit.builder.extract_element(emit.folded([value], vector.lanes), emit.index(0))

    return vector.scalar(vector), code


@operation
def add_squares(group: Any, sums: Any) -> Any:
    """sums + Σ_k group[k]², lane by lane."""

    def code(emit: Emission, entries: Any, sums: Any) -> Any:
        for entry in entries:
            sums = emit.muladd(entry, entry, sums)
        return sums

    return sums(group, sums), code

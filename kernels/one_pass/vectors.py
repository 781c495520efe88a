"""Vectors in Numba: the handful of operations that the gradient kernels are made of.

LLVM vectorises a loop over p well when p is long, and not at all when a row holds four or ten
entries; and it never prefetches. These intrinsics write the vector code down instead. A vector
is 64 bytes, one cache line: 8 doubles or 16 floats. Where the processor's registers are shorter,
LLVM splits it.

A group is a tuple of ``count`` vectors held in registers, one for each of ``count`` rows.
"""

from typing import Any

from llvmlite import ir
from numba import config
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from kernels.one_pass.compile import FAST

if config.DISABLE_JIT:  # an intrinsic would say so at its first call, deep inside
    raise ImportError("the kernels of the numba way need Numba's JIT: unset NUMBA_DISABLE_JIT")

LINE = 64  # bytes
SCRATCH = 512  # numbers

_INT32, _INT64, _BYTES = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


class Vector(types.Type):
    """``lanes`` numbers of one float type."""

    def __init__(self, scalar: Any, lanes: int) -> None:
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"Vector({scalar}, {lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        scalar = manager.lookup(vector.scalar).get_value_type()
        super().__init__(manager, vector, ir.VectorType(scalar, vector.lanes))


def _vector_of(array: Any) -> Vector:
    return Vector(array.dtype, LINE * 8 // array.dtype.bitwidth)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, to: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), to.as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Vector) -> Any:
    to = context.get_value_type(vector)
    value = builder.load(_pointer(context, builder, kind, array, index, to))
    value.align = kind.dtype.bitwidth // 8
    return value


def _store(
    context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Vector, value: Any
) -> None:
    pointer = _pointer(context, builder, kind, array, index, context.get_value_type(vector))
    builder.store(value, pointer).align = kind.dtype.bitwidth // 8


def _muladd(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=FAST), c, flags=FAST)


def _shuffle(builder: Any, a: Any, b: Any, order: Any) -> Any:
    mask = ir.Constant(ir.VectorType(_INT32, len(order)), list(order))
    return builder.shuffle_vector(a, b, mask)


def _neighbours_added(builder: Any, a: Any, b: Any) -> Any:
    """Return the sums of neighbouring lanes of a, then those of b."""
    both = a.type.count + b.type.count
    even, odd = range(0, both, 2), range(1, both, 2)
    return builder.fadd(_shuffle(builder, a, b, even), _shuffle(builder, a, b, odd), flags=FAST)


def _folded(builder: Any, group: Any, count: int) -> Any:
    """Return one vector: neighbouring lanes added until the group's vectors are one."""
    level = [builder.extract_value(group, k) for k in range(count)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_neighbours_added(builder, a, b) for a, b in pairs]
    return level[0]


def _halved(builder: Any, a: Any) -> Any:
    """Return the sums of neighbouring lanes, in half as many lanes."""
    undefined = ir.Constant(a.type, ir.Undefined)
    even, odd = range(0, a.type.count, 2), range(1, a.type.count, 2)
    return builder.fadd(
        _shuffle(builder, a, undefined, even), _shuffle(builder, a, undefined, odd), flags=FAST
    )


@intrinsic
def scratch(typing, array):
    """A pointer to `SCRATCH` numbers on the stack, from a cache line on; gone with the caller."""
    pointer = types.CPointer(array.dtype)

    def code(context, builder, signature, args):
        room = ir.ArrayType(context.get_value_type(array.dtype), SCRATCH)
        with builder.goto_entry_block():
            start = builder.alloca(room)
        start.align = LINE
        return builder.bitcast(start, context.get_value_type(pointer))

    return pointer(array), code


@intrinsic
def load(typing, array, index):
    """array[index : index + lanes] as a vector; no bounds check, no alignment needed."""
    vector = _vector_of(array)

    def code(context, builder, signature, args):
        return _load(context, builder, signature.args[0], *args, vector)

    return vector(array, types.intp), code


@intrinsic(prefer_literal=True)
def loads(typing, array, at, stride, count):
    """A group whose k-th vector is array[at + k stride :]; ``count`` a literal."""
    group = types.UniTuple(_vector_of(array), count.literal_value)

    def code(context, builder, signature, args):
        array, at, stride, _ = args
        out = ir.Constant(context.get_value_type(group), ir.Undefined)
        for k in range(group.count):
            row = _load(context, builder, signature.args[0], array, at, group.dtype)
            out = builder.insert_value(out, row, k)
            at = builder.add(at, stride)
        return out

    return group(array, types.intp, types.intp, count), code


@intrinsic
def store(typing, array, index, value):
    """array[index : index + lanes] = value."""

    def code(context, builder, signature, args):
        kind, _, vector = signature.args
        _store(context, builder, kind, args[0], args[1], vector, args[2])
        return context.get_dummy_value()

    return types.void(array, types.intp, value), code


@intrinsic
def splat(typing, array, index):
    """array[index] in every lane."""
    vector = _vector_of(array)

    def code(context, builder, signature, args):
        one = _load(context, builder, signature.args[0], *args, Vector(array.dtype, 1))
        undefined = ir.Constant(one.type, ir.Undefined)
        return _shuffle(builder, one, undefined, [0] * vector.lanes)

    return vector(array, types.intp), code


@intrinsic(prefer_literal=True)
def splats(typing, array, index, count):
    """A group whose k-th vector holds array[index + k] in every lane; ``count`` a literal."""
    group = types.UniTuple(_vector_of(array), count.literal_value)

    def code(context, builder, signature, args):
        one = Vector(array.dtype, 1)
        out = ir.Constant(context.get_value_type(group), ir.Undefined)
        for k in range(group.count):
            offset = builder.add(args[1], ir.Constant(_INT64, k))
            entry = _load(context, builder, signature.args[0], args[0], offset, one)
            undefined = ir.Constant(entry.type, ir.Undefined)
            vector = _shuffle(builder, entry, undefined, [0] * group.dtype.lanes)
            out = builder.insert_value(out, vector, k)
        return out

    return group(array, types.intp, count), code


@intrinsic(prefer_literal=True)
def zeros(typing, array, count):
    """A group of ``count`` zero vectors (a literal)."""
    group = types.UniTuple(_vector_of(array), count.literal_value)

    def code(context, builder, signature, args):
        return ir.Constant(context.get_value_type(group), None)

    return group(array, count), code


@intrinsic
def add_products(typing, x, at, stride, factor, group):
    """group[k] + x[at + k stride :] * factor, for each k: rows of x against one vector."""

    def code(context, builder, signature, args):
        x, at, stride, factor, group = args
        kind, vector = signature.args[0], signature.args[3]
        for k in range(signature.args[4].count):
            row = _load(context, builder, kind, x, at, vector)
            term = _muladd(builder, row, factor, builder.extract_value(group, k))
            group = builder.insert_value(group, term, k)
            at = builder.add(at, stride)
        return group

    return group(x, types.intp, types.intp, factor, group), code


@intrinsic
def add_outer(typing, x, i, j, group):
    """group[2a + b] + x[i + a] * x[j + b lanes :], b = 0, 1: columns of a row against columns."""

    def code(context, builder, signature, args):
        x, i, j, group = args
        kind, vector = signature.args[0], signature.args[3].dtype
        undefined = ir.Constant(context.get_value_type(Vector(vector.scalar, 1)), ir.Undefined)
        rows = []
        for b in range(2):
            offset = builder.add(j, ir.Constant(_INT64, b * vector.lanes))
            rows.append(_load(context, builder, kind, x, offset, vector))
        for a in range(signature.args[3].count // 2):
            offset = builder.add(i, ir.Constant(_INT64, a))
            one = _load(context, builder, kind, x, offset, Vector(vector.scalar, 1))
            factor = _shuffle(builder, one, undefined, [0] * vector.lanes)
            for b in range(2):
                k = 2 * a + b
                term = _muladd(builder, factor, rows[b], builder.extract_value(group, k))
                group = builder.insert_value(group, term, k)
        return group

    return group(x, types.intp, types.intp, group), code


@intrinsic
def combine(typing, x, at, stride, group, start):
    """start + Σ_k x[at + k stride :] * group[k]: rows of x, each against its own vector.

    Summed in two halves and added to ``start`` last, which is then waited for only once.
    """

    def code(context, builder, signature, args):
        x, at, stride, group, start = args
        kind, vector = signature.args[0], signature.args[4]
        count = signature.args[3].count
        halves = []
        for k in range(count):
            row = _load(context, builder, kind, x, at, vector)
            factor = builder.extract_value(group, k)
            if k in (0, count // 2):
                halves.append(builder.fmul(row, factor, flags=FAST))
            else:
                halves[-1] = _muladd(builder, row, factor, halves[-1])
            at = builder.add(at, stride)
        products = halves[0] if len(halves) == 1 else builder.fadd(*halves)
        return builder.fadd(products, start)

    return start(x, types.intp, types.intp, group, start), code


@intrinsic(prefer_literal=True)
def prefetch(typing, x, at, lines):
    """Ask for ``lines`` cache lines of x (a literal), from x[at] on, to be brought into L2.

    Not into L1: a core has some 24 buffers for lines on their way there, and 24 lines every
    110 ns, the latency of memory, are 14 GB/s. L2 has more. An address past the end of x is no
    error: a prefetch never faults.
    """

    def code(context, builder, signature, args):
        signature_of_prefetch = ir.FunctionType(ir.VoidType(), [_BYTES, _INT32, _INT32, _INT32])
        call = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], signature_of_prefetch)
        first = _pointer(context, builder, signature.args[0], args[0], args[1], ir.IntType(8))
        read, into_l2, data = (ir.Constant(_INT32, value) for value in (0, 2, 1))
        for k in range(lines.literal_value):
            line = builder.gep(first, [ir.Constant(_INT64, k * LINE)])
            builder.call(call, [line, read, into_l2, data])
        return context.get_dummy_value()

    return types.void(x, types.intp, lines), code


@intrinsic
def minus(typing, group, y, at):
    """group[k] - y[at + k lanes :], for each k."""

    def code(context, builder, signature, args):
        group, y, at = args
        kind, vector = signature.args[1], signature.args[0].dtype
        for k in range(signature.args[0].count):
            offset = builder.add(at, ir.Constant(_INT64, k * vector.lanes))
            piece = _load(context, builder, kind, y, offset, vector)
            term = builder.fsub(builder.extract_value(group, k), piece)
            group = builder.insert_value(group, term, k)
        return group

    return group(group, y, types.intp), code


@intrinsic
def accumulate(typing, array, at, group):
    """array[at + k lanes :] += group[k], for each k."""

    def code(context, builder, signature, args):
        array, at, group = args
        kind, vector = signature.args[0], signature.args[2].dtype
        for k in range(signature.args[2].count):
            offset = builder.add(at, ir.Constant(_INT64, k * vector.lanes))
            piece = _load(context, builder, kind, array, offset, vector)
            term = builder.fadd(builder.extract_value(group, k), piece)
            _store(context, builder, kind, array, offset, vector, term)
        return context.get_dummy_value()

    return types.void(array, types.intp, group), code


@intrinsic
def accumulate_rows(typing, array, at, stride, group):
    """array[at + a stride + b lanes :] += group[2a + b], b = 0, 1: a tile of a matrix."""

    def code(context, builder, signature, args):
        array, at, stride, group = args
        kind, vector = signature.args[0], signature.args[3].dtype
        for k in range(signature.args[3].count):
            offset = builder.add(at, ir.Constant(_INT64, k % 2 * vector.lanes))
            piece = _load(context, builder, kind, array, offset, vector)
            term = builder.fadd(builder.extract_value(group, k), piece)
            _store(context, builder, kind, array, offset, vector, term)
            if k % 2:
                at = builder.add(at, stride)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, group), code


@intrinsic
def row_sums(typing, group):
    """The sums over the lanes of each vector, as a group of one vector with ``count`` lanes.

    All at once, by adding neighbours: count - 1 + log2(lanes / count) additions, where summing
    each vector by itself takes count log2(lanes).
    """
    sums = types.UniTuple(Vector(group.dtype.scalar, group.count), 1)

    def code(context, builder, signature, args):
        total = _folded(builder, args[0], group.count)
        while total.type.count > group.count:
            total = _halved(builder, total)
        return builder.insert_value(
            ir.Constant(context.get_value_type(sums), ir.Undefined), total, 0
        )

    return sums(group), code


@intrinsic
def tile_sums(typing, group):
    """The sums of each ``count`` neighbouring lanes of the group, as a group of one vector."""
    sums = types.UniTuple(group.dtype, 1)

    def code(context, builder, signature, args):
        total = _folded(builder, args[0], group.count)
        return builder.insert_value(
            ir.Constant(context.get_value_type(sums), ir.Undefined), total, 0
        )

    return sums(group), code


@intrinsic(prefer_literal=True)
def spread_tile(typing, sums, count):
    """A group of ``count`` vectors in which each lane of ``sums`` fills ``count`` lanes."""
    group = types.UniTuple(sums.dtype, count.literal_value)

    def code(context, builder, signature, args):
        value = builder.extract_value(args[0], 0)
        undefined = ir.Constant(value.type, ir.Undefined)
        out = ir.Constant(context.get_value_type(group), ir.Undefined)
        lanes = group.dtype.lanes
        for k in range(group.count):
            order = [(k * lanes + lane) // group.count for lane in range(lanes)]
            out = builder.insert_value(out, _shuffle(builder, value, undefined, order), k)
        return out

    return group(sums, count), code


@intrinsic
def spread(typing, sums, array):
    """A group whose k-th vector holds lane k of ``sums`` in every lane."""
    group = types.UniTuple(_vector_of(array), sums.dtype.lanes)

    def code(context, builder, signature, args):
        value = builder.extract_value(args[0], 0)
        undefined = ir.Constant(value.type, ir.Undefined)
        out = ir.Constant(context.get_value_type(group), ir.Undefined)
        for k in range(group.count):
            lane = _shuffle(builder, value, undefined, [k] * group.dtype.lanes)
            out = builder.insert_value(out, lane, k)
        return out

    return group(sums, array), code


@intrinsic
def total(typing, vector):
    """The sum over the lanes."""

    def code(context, builder, signature, args):
        (value,) = args
        while value.type.count > 1:
            value = _halved(builder, value)
        return builder.extract_element(value, ir.Constant(_INT32, 0))

    return vector.scalar(vector), code


@intrinsic
def add_squares(typing, group, sums):
    """sums + Σ_k group[k]², lane by lane."""

    def code(context, builder, signature, args):
        group, sums = args
        for k in range(signature.args[0].count):
            entry = builder.extract_value(group, k)
            sums = _muladd(builder, entry, entry, sums)
        return sums

    return sums(group, sums), code

"""How an operation on vectors is told to Numba: its types, and the LLVM code that it stands for."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple

from llvmlite import ir
from numba import config, types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from kernels.one_pass.compile import FAST
from kernels.one_pass.target import WIDTH

if config.DISABLE_JIT:  # an intrinsic would say so at its first call, deep inside
    raise ImportError("the kernels of the numba way need Numba's JIT: unset NUMBA_DISABLE_JIT")

INT32, INT64, BYTES = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


class Vector(types.Type):  # type: ignore[misc]
    """``lanes`` numbers of one float type."""

    def __init__(self, scalar: Any, lanes: int) -> None:
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"Vector({scalar}, {lanes})")


class _VectorModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, vector: Vector) -> None:
        scalar = manager.lookup(vector.scalar).get_value_type()
        super().__init__(manager, vector, ir.VectorType(scalar, vector.lanes))


register_model(Vector)(_VectorModel)


def vector_of(array: Any) -> Any:
    """Return the vector that fills a register with the numbers of an array."""
    return Vector(array.dtype, WIDTH * 8 // array.dtype.bitwidth)


def group_of(array: Any, count: Any) -> Any:
    """Return the group of so many of these vectors, ``count`` being a literal."""
    return types.UniTuple(vector_of(array), count.literal_value)


def operation(function: Callable[..., Any]) -> Any:
    """Make an intrinsic of a function from types to a signature and the code that it stands for.

    The code is given an `Emission` and the arguments: an array as an `ArrayValue`, a group as a
    list of its vectors. It returns a value, a group as such a list, or None.
    """

    @wraps(function)
    def typed(typing: Any, *arguments: Any) -> Any:
        signature, code = function(*arguments)

        def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            emit = Emission(context, builder)
            found = code(emit, *map(emit.unpacked, signature.args, values))
            return emit.packed(signature.return_type, found)

        # Numba finds the code by these types alone: literals, which it may depend on, are kept.
        literals = {k: kind for k, kind in enumerate(arguments) if isinstance(kind, types.Literal)}
        kinds = tuple(literals.get(k, kind) for k, kind in enumerate(signature.args))
        return signature.replace(args=kinds), lowered

    # Numba reads the names of the arguments off the function, the typing context first.
    named = inspect.signature(function)
    context = inspect.Parameter("typing", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    typed.__signature__ = named.replace(  # type: ignore[attr-defined]
        parameters=[context, *named.parameters.values()]
    )
    return intrinsic(prefer_literal=True)(typed)


class ArrayValue(NamedTuple):
    """An array in the code: its Numba type, and the pointer to its first entry."""

    kind: Any
    data: Any


class Emission:
    """Emits LLVM instructions on vectors at the builder's place."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def unpacked(self, kind: Any, value: Any) -> Any:
        if isinstance(kind, types.Array):
            return ArrayValue(
                kind, self.context.make_array(kind)(self.context, self.builder, value).data
            )
        if isinstance(kind, types.UniTuple):
            return [self.builder.extract_value(value, k) for k in range(kind.count)]
        return None if isinstance(kind, types.NoneType) else value

    def packed(self, kind: Any, found: Any) -> Any:
        if found is None:
            return self.context.get_dummy_value()
        if not isinstance(kind, types.UniTuple):
            return found
        out = ir.Constant(self.context.get_value_type(kind), ir.Undefined)
        for k, vector in enumerate(found):
            out = self.builder.insert_value(out, vector, k)
        return out

    def index(self, value: int) -> Any:
        return ir.Constant(INT64, value)

    def plus(self, index: Any, offset: int) -> Any:
        return self.builder.add(index, self.index(offset)) if offset else index

    def pointer(self, array: ArrayValue, index: Any, to: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(array.data, [index]), to.as_pointer())

    def load(self, array: ArrayValue, index: Any, vector: Any) -> Any:
        pointer = self.pointer(array, index, self.context.get_value_type(vector))
        value = self.builder.load(pointer)
        value.align = array.kind.dtype.bitwidth // 8
        return value

    def store(self, array: ArrayValue, index: Any, value: Any) -> None:
        stored = self.builder.store(value, self.pointer(array, index, value.type))
        stored.align = array.kind.dtype.bitwidth // 8

    def add_to(self, array: ArrayValue, index: Any, term: Any, vector: Any) -> None:
        self.store(array, index, self.builder.fadd(term, self.load(array, index, vector)))

    def entry(self, array: ArrayValue, index: Any) -> Any:
        """Return array[index] as a vector of one lane."""
        return self.load(array, index, Vector(array.kind.dtype, 1))

    def rows(self, array: ArrayValue, at: Any, stride: Any, group: Any) -> list[Any]:
        """Return array[at + k stride :] for each vector k of a group's type; None: one by one.

        Each eight are reached from one pointer that LLVM knows nothing of, by multiples of the
        stride. Else it counts on with a pointer for each, and loads most of these from the stack.
        """
        if stride is None:
            return self.pieces(array, at, group)
        multiples = [self.builder.mul(stride, self.index(k)) for k in range(group.count)]
        found = []
        for k in range(group.count):
            if k % 8 == 0:
                start = self.builder.gep(array.data, [self.builder.add(at, multiples[k])])
                same = ir.InlineAsm(ir.FunctionType(start.type, [start.type]), "", "=r,0")
                start = self.builder.call(same, [start], attrs=["readnone", "nounwind"])
            eighth = ArrayValue(array.kind, start)
            found.append(self.load(eighth, multiples[k % 8], group.dtype))
        return found

    def pieces(self, array: ArrayValue, at: Any, group: Any) -> list[Any]:
        """Return array[at + k lanes :] for each vector k of a group's type."""
        places = [self.plus(at, k * group.dtype.lanes) for k in range(group.count)]
        return [self.load(array, place, group.dtype) for place in places]

    def product(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=FAST)

    def muladd(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.fadd(self.product(a, b), c, flags=FAST)

    def shuffled(self, a: Any, order: Iterable[int], b: Any = None) -> Any:
        """Return the lanes of a, and of b after them, in an order."""
        places = list(order)
        other = ir.Constant(a.type, ir.Undefined) if b is None else b
        mask = ir.Constant(ir.VectorType(INT32, len(places)), places)
        return self.builder.shuffle_vector(a, other, mask)

    def filled(self, a: Any, lane: int, lanes: int) -> Any:
        """Return one lane of a vector in every lane."""
        return self.shuffled(a, [lane] * lanes)

    def folded(self, vectors: list[Any], span: int) -> Any:
        """Return one vector: the sums over each ``span`` lanes of the vectors, in their order.

        Halves are added to halves, so that it does not matter at which lane one began to count.
        """
        while len(vectors) > 1 or span > 1:
            pairs = zip(vectors[::2], vectors[1::2] or [None], strict=True)
            vectors, span = [self._halved(span, a, b) for a, b in pairs], max(1, span // 2)
        return vectors[0]

    def _halved(self, span: int, a: Any, b: Any) -> Any:
        """Return the first half of each ``span`` lanes plus the second, of a and then of b."""
        lanes = range(a.type.count * (1 if b is None else 2))
        if span == 1:
            return self.shuffled(a, lanes, b)
        first = self.shuffled(a, [lane for lane in lanes if lane % span < span // 2], b)
        second = self.shuffled(a, [lane for lane in lanes if lane % span >= span // 2], b)
        return self.builder.fadd(first, second, flags=FAST)

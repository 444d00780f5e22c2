"""SIMD intrinsics that numba lacks: testing sixty-four numbers at a time, and adding sixteen at a time."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 64
LANES = 16  # as many as a register of the widest kind holds; where there are none so wide, the compiler takes several
INTEGER, WORD, HALF = ir.IntType(32), ir.IntType(WIDTH), ir.IntType(LANES)
NUMBERS, INTEGERS, BITS = (ir.VectorType(kind, LANES) for kind in (ir.FloatType(), INTEGER, ir.IntType(1)))


def as_intrinsic(generator: Callable[..., Any]) -> Callable[..., Any]:
    """A function for kernels, whose code is written by a generator of numba's intrinsics."""
    made: Callable[..., Any] = intrinsic(generator)
    return made


@as_intrinsic
def find_active(_: Any, row: Any, begin: Any) -> Any:
    """A word whose bit b is set where row[begin + b] is not 0, -0 being 0, for b < 64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        integers = ir.VectorType(INTEGER, WIDTH)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), integers.as_pointer())
        numbers = builder.load(place, align=4)
        unsigned = builder.shl(numbers, ir.Constant(integers, [1] * WIDTH))  # without the bit of the sign
        return builder.bitcast(builder.icmp_unsigned("!=", unsigned, ir.Constant(integers, [0] * WIDTH)), WORD)

    return types.uint64(row, types.uint64), generate


@as_intrinsic
def is_active(_: Any, row: Any, begin: Any) -> Any:
    """Whether any of row[begin] .. row[begin + 63] is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), INTEGERS.as_pointer())
        found = ir.Constant(INTEGERS, [0] * LANES)
        for part in range(WIDTH // LANES):
            found = builder.or_(found, builder.load(builder.gep(place, [ir.Constant(INTEGER, part)]), align=4))
        unsigned = builder.shl(found, ir.Constant(INTEGERS, [1] * LANES))  # without the bit of the sign
        some = builder.icmp_unsigned("!=", unsigned, ir.Constant(INTEGERS, [0] * LANES))
        return builder.icmp_unsigned("!=", builder.bitcast(some, HALF), ir.Constant(HALF, 0))

    return types.boolean(row, types.uint64), generate


@as_intrinsic
def count_trailing_zeros(_: Any, word: Any) -> Any:
    """The number of the lowest bit that is set in a word, 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@as_intrinsic
def count_ones(_: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


class Register(types.Type):
    """Sixteen numbers, as a variable of a kernel."""

    def __init__(self) -> None:
        super().__init__("Register")


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):
    """How a compiler takes one."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, NUMBERS)  # type: ignore[no-untyped-call]  # numba's own


_REGISTER = Register()


@as_intrinsic
def load(_: Any, row: Any, begin: Any, lanes: Any) -> Any:
    """row[begin + lane] for lane < lanes, beyond them 0; nothing beyond is looked at."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(context, builder, signature, arguments, 0)

    return _REGISTER(row, types.uint64, types.uint64), generate


@as_intrinsic
def add_scaled(_: Any, numbers: Any, value: Any, weights: Any, begin: Any, lanes: Any) -> Any:
    """The numbers + value weights[begin + lane] for lane < lanes; product and sum may be rounded as one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = _load(context, builder, signature, arguments, 2)
        scaled = builder.fmul(_repeat(builder, arguments[1]), given, flags=("contract",))
        return builder.fadd(arguments[0], scaled, flags=("contract",))

    return _REGISTER(_REGISTER, types.float32, weights, types.uint64, types.uint64), generate


@as_intrinsic
def store(_: Any, row: Any, begin: Any, lanes: Any, numbers: Any) -> Any:
    """Write the numbers to row[begin + lane] for lane < lanes alone."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [NUMBERS, NUMBERS.as_pointer(), INTEGER, BITS])
        write = builder.module.declare_intrinsic(f"llvm.masked.store.v{LANES}f32.p0", fnty=kind)
        place, some = _point(context, builder, signature, arguments, 0), _lanes_below(builder, arguments[2])
        builder.call(write, [arguments[3], place, ir.Constant(INTEGER, 4), some])
        return context.get_dummy_value()

    return types.void(row, types.uint64, types.uint64, _REGISTER), generate


@as_intrinsic
def repeat(_: Any, value: Any) -> Any:
    """Sixteen times the same number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _repeat(builder, arguments[0])

    return _REGISTER(types.float32), generate


@as_intrinsic
def reach(_: Any, numbers: Any, limits: Any) -> Any:
    """A word whose bit b is set where number b is at least its limit, for b < 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bitcast(builder.fcmp_ordered(">=", *arguments), HALF), WORD)

    return types.uint64(_REGISTER, _REGISTER), generate


@as_intrinsic
def count_reaching(_: Any, numbers: Any, limits: Any) -> Any:
    """1 where a number is at least its limit, elsewhere 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, nothing = (ir.Constant(NUMBERS, [number] * LANES) for number in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered(">=", *arguments), one, nothing)

    return _REGISTER(_REGISTER, _REGISTER), generate


@as_intrinsic
def differ(_: Any, numbers: Any, others: Any) -> Any:
    """A word whose bit b is set where number b is another, for b < 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bitcast(builder.fcmp_unordered("!=", *arguments), HALF), WORD)

    return types.uint64(_REGISTER, _REGISTER), generate


@as_intrinsic
def larger(_: Any, numbers: Any, others: Any) -> Any:
    """The numbers where they are larger than the others, elsewhere the others; of registers or of single numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

    return numbers(numbers, numbers), generate


@as_intrinsic
def smaller(_: Any, numbers: Any, others: Any) -> Any:
    """The numbers where they are smaller than the others, elsewhere the others; of registers or of single numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)

    return numbers(numbers, numbers), generate


@as_intrinsic
def round_down(_: Any, numbers: Any) -> Any:
    """The whole numbers that are not above these, of a register or of a single number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = f"llvm.floor.v{LANES}f32" if kind == NUMBERS else "llvm.floor.f32"
        floor = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(kind, [kind]))
        return builder.call(floor, arguments)

    return numbers(numbers), generate


def _calculate(sign: Any, instruction: str) -> None:
    """Let kernels calculate with registers as with single numbers."""

    def find_type(_: Any) -> Any:
        return lambda numbers, others: _REGISTER if numbers == others == _REGISTER else None

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    type_callable(sign)(find_type)
    lower_builtin(sign, Register, Register)(generate)  # type: ignore[no-untyped-call]  # numba's own


_calculate(operator.add, "fadd")
_calculate(operator.sub, "fsub")
_calculate(operator.mul, "fmul")
_calculate(operator.truediv, "fdiv")


def _load(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    """Numbers of the array at this place of the arguments, from the index next to it on, as many lanes as come then.

    Where the compiler knows that there are sixteen, the mask costs nothing.
    """
    kind = ir.FunctionType(NUMBERS, [NUMBERS.as_pointer(), INTEGER, BITS, NUMBERS])
    read = builder.module.declare_intrinsic(f"llvm.masked.load.v{LANES}f32.p0", fnty=kind)
    begin, some = _point(context, builder, signature, arguments, place), _lanes_below(builder, arguments[place + 2])
    return builder.call(read, [begin, ir.Constant(INTEGER, 4), some, ir.Constant(NUMBERS, [0.0] * LANES)])


def _point(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    """Where sixteen numbers lie, from the array at this place of the arguments and the index next to it."""
    data = context.make_array(signature.args[place])(context, builder, arguments[place]).data
    return builder.bitcast(builder.gep(data, [arguments[place + 1]]), NUMBERS.as_pointer())


def _lanes_below(builder: Any, lanes: Any) -> Any:
    """A bit for each lane, set for so many."""
    limit = _repeat(builder, builder.trunc(lanes, INTEGER))
    return builder.icmp_unsigned("<", ir.Constant(INTEGERS, list(range(LANES))), limit)


def _repeat(builder: Any, value: Any) -> Any:
    """Sixteen times the same value."""
    kind = ir.VectorType(value.type, LANES)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INTEGER, 0))
    return builder.shuffle_vector(first, first, ir.Constant(INTEGERS, [0] * LANES))

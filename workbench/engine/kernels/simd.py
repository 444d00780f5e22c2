"""SIMD intrinsics that numba lacks: testing sixty-four numbers at a time, and adding sixteen at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 64
LANES = 16  # as many as a register of the widest kind holds; where there are none so wide, the compiler takes several
INTEGER, WORD = ir.IntType(32), ir.IntType(WIDTH)
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


@as_intrinsic
def add_scaled(_: Any, row: Any, target: Any, weights: Any, weight: Any, value: Any) -> Any:
    """row[target + lane] += value weights[weight + lane] for lane < 16; product and sum may be rounded as one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        into, given = (_point(context, builder, signature, arguments, place) for place in (0, 2))
        scaled = builder.fmul(_repeat(builder, arguments[4]), builder.load(given, align=4), flags=("contract",))
        builder.store(builder.fadd(builder.load(into, align=4), scaled, flags=("contract",)), into, align=4)
        return context.get_dummy_value()

    return types.void(row, types.uint64, weights, types.uint64, types.float32), generate


@as_intrinsic
def add_some_scaled(_: Any, row: Any, target: Any, weights: Any, weight: Any, value: Any, lanes: Any) -> Any:
    """The same for lane < lanes alone; nothing beyond is looked at."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        into, given = (_point(context, builder, signature, arguments, place) for place in (0, 2))
        limit = _repeat(builder, builder.trunc(arguments[5], INTEGER))
        some = builder.icmp_unsigned("<", ir.Constant(INTEGERS, list(range(LANES))), limit)
        alignment, nothing = ir.Constant(INTEGER, 4), ir.Constant(NUMBERS, [0.0] * LANES)
        place, kind = NUMBERS.as_pointer(), f"v{LANES}f32.p0"
        reads = ir.FunctionType(NUMBERS, [place, INTEGER, BITS, NUMBERS])
        writes = ir.FunctionType(ir.VoidType(), [NUMBERS, place, INTEGER, BITS])
        load = builder.module.declare_intrinsic(f"llvm.masked.load.{kind}", fnty=reads)
        store = builder.module.declare_intrinsic(f"llvm.masked.store.{kind}", fnty=writes)
        before, read = (builder.call(load, [pointer, alignment, some, nothing]) for pointer in (into, given))
        scaled = builder.fmul(_repeat(builder, arguments[4]), read, flags=("contract",))
        builder.call(store, [builder.fadd(before, scaled, flags=("contract",)), into, alignment, some])
        return context.get_dummy_value()

    return types.void(row, types.uint64, weights, types.uint64, types.float32, types.uint64), generate


def _point(context: Any, builder: Any, signature: Any, arguments: Any, place: int) -> Any:
    """Where sixteen numbers lie, from the array at this place of the arguments and the index next to it."""
    data = context.make_array(signature.args[place])(context, builder, arguments[place]).data
    return builder.bitcast(builder.gep(data, [arguments[place + 1]]), NUMBERS.as_pointer())


def _repeat(builder: Any, value: Any) -> Any:
    """Sixteen times the same value."""
    kind = ir.VectorType(value.type, LANES)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(INTEGER, 0))
    return builder.shuffle_vector(first, first, ir.Constant(INTEGERS, [0] * LANES))

"""Looking at sixty-four numbers at a time, and finding those that are not 0: what numba has no words for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WIDTH = 64
INTEGER, WORD = ir.IntType(32), ir.IntType(WIDTH)


def written(generator: Callable[..., Any]) -> Callable[..., Any]:
    """A function for kernels, whose code is written by a generator of numba's intrinsics."""
    made: Callable[..., Any] = intrinsic(generator)
    return made


@written
def find_active(_: Any, row: Any, begin: Any) -> Any:
    """A word whose bit b tells whether row[begin + b] is not 0, -0 being 0, for b < 64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        integers = ir.VectorType(INTEGER, WIDTH)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), integers.as_pointer())
        numbers = builder.load(place, align=4)
        unsigned = builder.shl(numbers, ir.Constant(integers, [1] * WIDTH))  # without the bit of the sign
        return builder.bitcast(builder.icmp_unsigned("!=", unsigned, ir.Constant(integers, [0] * WIDTH)), WORD)

    return types.uint64(row, types.uint64), generate


@written
def count_trailing_zeros(_: Any, word: Any) -> Any:
    """The number of the lowest bit that is set in a word that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate

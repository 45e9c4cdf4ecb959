"""The inner loops on scores, in vector registers.

LLVM is given vectors of 32 numbers, since compilers do not find these shapes in loops; it makes of
them whatever instructions the processor has.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32

_WORD = ir.IntType(64)
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)


@intrinsic
def subtract_vectors(typingctx, scores, first, n_vectors, numbers, starts, weights, row, n_rows):
    """Subtract from ``32 n_vectors`` scores rows ``row`` to ``row + n_rows - 1`` times weights.

    Row a has its numbers, of 8 or 16 bits, from ``starts[a]`` on in the flat array; scores begin at
    ``first``.
    """
    n_bits = numbers.dtype.bitwidth
    short = ir.VectorType(ir.IntType(n_bits), LANES)

    def codegen(context, builder, signature, args):
        def data(position):
            array = context.make_array(signature.args[position])
            return array(context, builder, args[position]).data

        multiply_add = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(_FLOATS, [_FLOATS, _FLOATS, _FLOATS]),
            f"llvm.fmuladd.v{LANES}f32",
        )
        scores_data, numbers_data, starts_data, weights_data = map(data, (0, 3, 4, 5))
        scores_data = builder.gep(scores_data, [args[1]])
        total = cgutils.alloca_once(builder, _FLOATS)
        with cgutils.for_range(builder, args[2]) as loop:
            offset = builder.mul(loop.index, _WORD(LANES))
            place = builder.bitcast(builder.gep(scores_data, [offset]), _FLOATS.as_pointer())
            builder.store(builder.load(place, align=4), total)
            with cgutils.for_range(builder, args[7]) as inner:
                a = builder.add(args[6], inner.index)
                start = builder.add(builder.load(builder.gep(starts_data, [a])), offset)
                at = builder.bitcast(builder.gep(numbers_data, [start]), short.as_pointer())
                number = builder.sext(builder.load(at, align=n_bits // 8), _INTEGERS)
                weight = _broadcast(builder, builder.load(builder.gep(weights_data, [a])))
                term = builder.sitofp(number, _FLOATS)
                builder.store(
                    builder.call(multiply_add, [builder.fneg(weight), term, builder.load(total)]),
                    total,
                )
            builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    signature = types.void(scores, first, n_vectors, numbers, starts, weights, row, n_rows)
    return signature, codegen


@intrinsic
def extremes(typingctx, scores, first, n_vectors):
    """Return the largest of ``32 n_vectors`` scores from ``first`` on, and of their negatives."""

    def codegen(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        scores_data = builder.gep(array.data, [args[1]])
        least = ir.Constant(_FLOATS, [float("-inf")] * LANES)
        largest = cgutils.alloca_once_value(builder, least)
        opposite = cgutils.alloca_once_value(builder, least)
        with cgutils.for_range(builder, args[2]) as loop:
            offset = builder.mul(loop.index, _WORD(LANES))
            place = builder.bitcast(builder.gep(scores_data, [offset]), _FLOATS.as_pointer())
            some = builder.load(place, align=4)
            for values, kept in ((some, largest), (builder.fneg(some), opposite)):
                before = builder.load(kept)
                is_larger = builder.fcmp_ordered(">", values, before)
                builder.store(builder.select(is_larger, values, before), kept)
        results = []
        for kept in (largest, opposite):
            values = builder.load(kept)
            width = LANES
            while width > 1:
                width //= 2
                mask = [i + width for i in range(width)] + list(range(width, LANES))
                mask = ir.Constant(_INTEGERS, mask[:LANES])
                moved = builder.shuffle_vector(values, values, mask)
                is_larger = builder.fcmp_ordered(">", moved, values)
                values = builder.select(is_larger, moved, values)
            results.append(builder.extract_element(values, ir.IntType(32)(0)))
        return context.make_tuple(builder, signature.return_type, results)

    return types.UniTuple(types.float32, 2)(scores, first, n_vectors), codegen


def _broadcast(builder, number):
    vector = builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), number, ir.IntType(32)(0))
    mask = ir.Constant(_INTEGERS, [0] * LANES)
    return builder.shuffle_vector(vector, vector, mask)

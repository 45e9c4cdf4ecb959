r"""Compiled correlations of bit-packed signs.

Why popcount
    A codeword of signs s in {-1, +1}^d is d bits b, 1 where it is -1. A vector u of integers is
    written in balanced ternary, ``u = sum_p 3^p t_p`` with digits t_p in {-1, 0, +1}^d. Each such
    *plane* is two rows of bits: a mask m, where t_p is not 0, and n, where it is negative. Then

    .. math::
        \langle s, t \rangle = \sum_r m_r - 2 \operatorname{popcount}((b \oplus n) \wedge m) ,

    and one XOR with AND, one popcount and one addition of 64-bit words do the work of 64
    multiplications and additions. Superpositions of 2^8 signs are even or odd throughout and have
    4 planes when halved; the sum of a few codewords has 1 or 2, and a codeword is itself a plane,
    so that the inner product of two takes one XOR and popcount. (Two's complement would need 1.6
    times as many planes.) A real vector, on a fixed-point grid of 52 bits, has about thirty. All of
    it is exact: integers wrap around, and each result is below 2^53.

Layout
    Thirty-two codewords lie side by side: ``lanes[g, w, l]`` is word w of codeword ``32 g + l``.
    Vector registers take eight words at a time and need the same word of a plane in each lane, so
    that no sum ever crosses a register. A block of groups that fits in the processor's cache meets
    all samples before the next is loaded, so that memory is read once for a batch.

What the limit is
    Three vector instructions for eight words and a plane are what limits a batch. One sample of a
    large dictionary is limited by the reading of its N d / 8 bytes.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math
import warnings
from functools import cache, partial

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
# Planes that the fixed-point form of any vector may have: 3^34 > 2^53.
MOST_PLANES = 35
# Bytes of codewords that are kept in the cache while all samples are correlated with them.
CACHE_BYTES = 2**18

_WORD = ir.IntType(64)
_REGISTER = ir.VectorType(_WORD, LANES)
_BITS = ir.VectorType(ir.IntType(1), 64)
_SUMS = ir.VectorType(ir.DoubleType(), 64)


def compiled(function, **options):
    """Compile a function that releases the GIL; keep it on disk where there is a place for it."""
    try:
        return njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # neither the package nor the user's cache folder can be written to
        _warn_of_no_cache()
        return njit(nogil=True, **options)(function)


@cache
def _warn_of_no_cache():
    """Say once in a process that nothing is kept of what it compiles."""
    warnings.warn(
        "There is no folder to keep compiled code in: neither the installed package nor the user's "
        "cache folder can be written to. Every process compiles again, for up to half a minute. "
        "Set the environment variable NUMBA_CACHE_DIR to a folder that can be written to.",
        UserWarning,
        stacklevel=2,
    )


# Compile a sum so that its terms may be added in any order.
reassociated = partial(compiled, fastmath={"reassoc"})
# Compile a function as a part of its only caller, with the caller's options: so it is done once.
inlined = partial(compiled, inline="always")


@compiled
def copy(values, out):
    """Write values to the first places of a vector.

    A slice that is assigned takes seconds to compile, for the message where it does not fit.
    """
    for j in range(len(values)):
        out[j] = values[j]


@intrinsic
def weighted_popcounts(typingctx, lanes, g, planes, n_planes, counts):
    """Set ``counts[l] = sum_p 3^p sum_w popcount((lanes[g, w, l] ^ n_pw) & m_pw)``.

    Here ``m_pw, n_pw = planes[p, w]``. This is the inner loop of everything. LLVM is given vectors
    of words, since compilers do not find this shape in loops; it makes of them whatever
    instructions the processor has.
    """

    def codegen(context, builder, signature, args):
        def array(position):
            return context.make_array(signature.args[position])(context, builder, args[position])

        popcount = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_REGISTER, [_REGISTER]), f"llvm.ctpop.v{LANES}i64"
        )
        zeros = ir.Constant(_REGISTER, [0] * LANES)
        n_words = builder.extract_value(array(0).shape, 1)
        registers = builder.bitcast(array(0).data, _REGISTER.as_pointer())
        group = builder.gep(registers, [builder.mul(args[1], n_words)])
        total = cgutils.alloca_once_value(builder, zeros)
        count = cgutils.alloca_once(builder, _REGISTER)
        with cgutils.for_range(builder, args[3]) as loop:
            # Horner's scheme, from the last plane down.
            p = builder.sub(builder.sub(args[3], loop.index), _WORD(1))
            plane = builder.gep(array(2).data, [builder.mul(p, builder.mul(n_words, _WORD(2)))])
            builder.store(zeros, count)
            with cgutils.for_range(builder, n_words) as inner:
                codewords = builder.load(builder.gep(group, [inner.index]))
                codewords.align = 8
                at = builder.mul(inner.index, _WORD(2))
                mask = _broadcast(builder, builder.gep(plane, [at]))
                signs = _broadcast(builder, builder.gep(plane, [builder.add(at, _WORD(1))]))
                bits = builder.and_(builder.xor(codewords, signs), mask)
                ones = builder.call(popcount, [bits])
                builder.store(builder.add(builder.load(count), ones), count)
            old = builder.load(total)
            tripled = builder.add(old, builder.add(old, old))
            builder.store(builder.add(tripled, builder.load(count)), total)
        target = builder.bitcast(array(4).data, _REGISTER.as_pointer())
        builder.store(builder.load(total), target).align = 8
        return context.get_dummy_value()

    return types.void(lanes, g, planes, types.int64, counts), codegen


def _broadcast(builder, pointer):
    return _repeated(builder, builder.load(pointer), LANES)


def _repeated(builder, value, length):
    undefined = ir.Constant(ir.VectorType(value.type, length), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), length), [0] * length)
    return builder.shuffle_vector(first, undefined, zeros)


@intrinsic
def add_signed(typingctx, lanes, w, indices, first, data, start, stop, sums):
    """Add ``data[j] * s_i[64 w : 64 (w + 1)]`` to 64 sums, for j from start to stop, in order.

    Here s_i is codeword ``i = indices[j] - first`` of ``lanes``.
    """

    def codegen(context, builder, signature, args):
        def array(position):
            return context.make_array(signature.args[position])(context, builder, args[position])

        n_words = builder.extract_value(array(0).shape, 1)
        target = builder.bitcast(array(7).data, _SUMS.as_pointer())
        total = cgutils.alloca_once_value(builder, builder.load(target, align=8))
        with cgutils.for_range_slice(builder, args[5], args[6], _WORD(1), _WORD) as (j, _):
            index = builder.sub(builder.load(builder.gep(array(2).data, [j])), args[3])
            value = builder.load(builder.gep(array(4).data, [j]))
            group = builder.mul(builder.udiv(index, _WORD(LANES)), n_words)
            at = builder.mul(builder.add(group, args[1]), _WORD(LANES))
            at = builder.add(at, builder.urem(index, _WORD(LANES)))
            word = builder.load(builder.gep(array(0).data, [at]))
            positive = _repeated(builder, value, 64)
            negative = _repeated(builder, builder.fneg(value), 64)
            terms = builder.select(builder.bitcast(word, _BITS), negative, positive)
            builder.store(builder.fadd(builder.load(total), terms), total)
        builder.store(builder.load(total), target, align=8)
        return context.get_dummy_value()

    return types.void(lanes, w, indices, first, data, start, stop, sums), codegen


@compiled
def interleave(words, lanes):
    """Store rows of words, of shape (m, W), as the first codewords of ``lanes``."""
    for g in range(-(-len(words) // LANES)):
        rows = words[LANES * g : LANES * (g + 1)]
        for w in range(words.shape[1]):
            for lane in range(len(rows)):
                lanes[g, w, lane] = rows[lane, w]


@compiled
def gather(lanes, indices):
    """Return a dictionary of its own for the codewords of some indices."""
    chosen = np.zeros((-(-len(indices) // LANES), lanes.shape[1], LANES), dtype=np.uint64)
    for i in range(len(indices)):
        g, lane = divmod(indices[i], LANES)
        for w in range(lanes.shape[1]):
            chosen[i // LANES, w, i % LANES] = lanes[g, w, lane]
    return chosen


@compiled
def to_planes(vector, planes):
    """Write a vector as ``unit * sum_p 3^p t_p``.

    A vector of integers is taken as it is, or halved if all are even; any other is rounded to
    multiples of 2^-52 of its sum of magnitudes. Sets ``planes``, of shape (MOST_PLANES, W, 2), to
    the masks and signs of t_0, t_1, ... Returns how many are set, the sum of the masks
    ``sum_p 3^p sum_r |t_p[r]|``, and the unit, a power of two.
    """
    total, is_integer, is_even = 0.0, True, True
    for value in vector:
        total += abs(value)
        is_integer &= value == np.rint(value)
        is_even &= value == 2 * np.rint(value / 2)
    unit = 2.0 if is_even else 1.0
    if not is_integer or total >= 2.0**52:
        unit = math.ldexp(1.0, max(math.frexp(total)[1] - 52, -1074))
    largest = 0.0
    for value in vector:
        largest = max(largest, abs(value))
    n_planes, reach = 0, 0
    while n_planes < MOST_PLANES and reach < np.int64(np.rint(largest / unit)):
        n_planes, reach = n_planes + 1, 3 * reach + 1
    planes[:n_planes] = 0
    weighted_sum = 0
    for r in range(len(vector)):
        u, weight, bit = np.int64(np.rint(vector[r] / unit)), 1, np.uint64(1) << np.uint64(r & 63)
        for p in range(n_planes):
            digit = (u + 1) % 3 - 1
            u = (u - digit) // 3
            if digit != 0:
                planes[p, r >> 6, 0] |= bit
                weighted_sum += weight
                if digit < 0:
                    planes[p, r >> 6, 1] |= bit
            weight *= 3
    return n_planes, weighted_sum, unit


@compiled
def all_planes(vectors, n_words):
    """Return the planes of each vector, and for each what :func:`to_planes` returns."""
    planes = np.empty((len(vectors), MOST_PLANES, n_words, 2), dtype=np.uint64)
    n_planes = np.empty(len(vectors), dtype=np.int64)
    sums = np.empty(len(vectors), dtype=np.int64)
    units = np.empty(len(vectors))
    for m in range(len(vectors)):
        n_planes[m], sums[m], units[m] = to_planes(vectors[m], planes[m])
    return planes, n_planes, sums, units


@compiled
def add_correlations(lanes, origin, vectors, rows, scores, start, stop):
    """Add ``<s_i, v>`` to ``scores[row, i]`` for the codewords of groups ``start:stop``.

    ``vectors`` of shape (len(rows), d) hold one v for each of the rows of ``scores``, and
    ``lanes[0]`` is group ``origin``.
    """
    n_words = lanes.shape[1]
    planes, n_planes, sums, units = all_planes(vectors, n_words)
    counts = np.empty(LANES, dtype=np.int64)
    step = max(1, CACHE_BYTES // (8 * LANES * n_words))
    for first in range(start, stop, step):
        for m in range(len(rows)):
            row, plane, n, unit, total = scores[rows[m]], planes[m], n_planes[m], units[m], sums[m]
            for g in range(first, min(first + step, stop)):
                weighted_popcounts(lanes, g - origin, plane, n, counts)
                block = row[LANES * g : LANES * (g + 1)]
                if len(block) == LANES:
                    for lane in range(LANES):
                        block[lane] += unit * (total - 2 * counts[lane])
                else:
                    for lane in range(len(block)):
                        block[lane] += unit * (total - 2 * counts[lane])


@compiled
def superpose(lanes, words, indptr, indices, data, codewords, out):
    """Add ``data[j] * s_i`` over the entries (j, i = indices[j]) of each row of CSR to ``out``.

    Indices of a row ascend, and terms are added in their order. ``lanes`` has the codewords of the
    range ``codewords`` of indices; ``words`` is the range of words of ``out``, (n_samples, 64 W).
    """
    first, last = codewords
    heads = np.empty(len(out), dtype=np.int64)
    for row in range(len(out)):
        entries = indices[indptr[row] : indptr[row + 1]]
        heads[row] = indptr[row] + np.searchsorted(entries, first)
    step = max(1, CACHE_BYTES // (8 * LANES * (words[1] - words[0])))
    for g in range(0, len(lanes), step):
        end = min(first + LANES * (g + step), last)
        for row in range(len(out)):
            start = stop = heads[row]
            while stop < indptr[row + 1] and indices[stop] < end:
                stop += 1
            heads[row] = stop
            if start < stop:
                for w in range(words[0], words[1]):
                    sums = out[row, 64 * w : 64 * (w + 1)]
                    add_signed(lanes, w, indices, first, data, start, stop, sums)

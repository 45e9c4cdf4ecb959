"""Compiled correlations of bit-packed signs.

Why popcount
    A codeword of signs s in {-1, +1}^d is d bits b, 1 where it is -1. A vector u of integers is a
    few *bit planes*: ``u = sum_p w_p u_p`` with u_p in {0, 1}^d and, in two's complement, weights
    ``w_p = 2^p`` of which the last is negative. Then

    .. math::
        \\langle s, u \\rangle = \\sum_r u_r (1 - 2 b_r)
                               = \\sum_r u_r - 2 \\sum_p w_p \\operatorname{popcount}(b \\wedge u_p) ,

    and one AND, one popcount and one addition on 64-bit words do the work of 64 multiplications
    and additions for one plane. Superpositions of k signs have about ``2 + log2(k) / 2`` planes; a
    real vector on a fixed-point grid of 52 bits has about fifty. All of it is exact: two's
    complement wraps around, and each result is below 2^53. The product of two codewords is one XOR
    and popcount, ``<s, s'> = d - 2 popcount(b ^ b')``.

Layout
    Eight codewords lie side by side: ``lanes[g, w, l]`` is word w of codeword ``8 g + l``. A vector
    register of 512 bits takes one ``lanes[g, w]`` at a time and needs the same word of a plane in
    each lane, so that no sum ever crosses a register. A block of groups that fits in the
    processor's cache meets all samples before the next is loaded, so that memory is read once for a
    batch. What limits a batch is the popcount, which one register does per cycle; what limits one
    sample of a large dictionary is the reading of N d / 8 bytes.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
# Planes that the fixed-point form of any vector may have.
MOST_PLANES = 55
# Bytes of codewords that are kept in the cache while all samples are correlated with them.
_CACHE_BYTES = 2**18

_WORD = ir.IntType(64)
_REGISTER = ir.VectorType(_WORD, LANES)


def compiled(function):
    """Compile a function that releases the GIL; keep it on disk where there is a place for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package nor the user's cache folder can be written to
        return njit(nogil=True)(function)


def _weighted_popcounts(operation):
    """Make ``f(lanes, g, planes, n_planes, counts)``, the inner loop of everything here.

    It sets ``counts[l] = sum_p w_p sum_w popcount(lanes[g, w, l] <operation> planes[p, w])`` for
    the eight codewords of group g, the weight of the last of several planes being negative. LLVM is
    given vectors of eight words, since compilers do not find this shape in loops; it makes of them
    whatever instructions the processor has.
    """

    @intrinsic
    def weighted_popcounts(typingctx, lanes, g, planes, n_planes, counts):
        def codegen(context, builder, signature, args):
            def array(position):
                return context.make_array(signature.args[position])(
                    context, builder, args[position]
                )

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
                plane = builder.gep(array(2).data, [builder.mul(p, n_words)])
                builder.store(zeros, count)
                with cgutils.for_range(builder, n_words) as inner:
                    codewords = builder.load(builder.gep(group, [inner.index]))
                    codewords.align = 8
                    word = _broadcast(builder, builder.load(builder.gep(plane, [inner.index])))
                    bits = builder.call(popcount, [getattr(builder, operation)(codewords, word)])
                    builder.store(builder.add(builder.load(count), bits), count)
                last = builder.icmp_signed("==", loop.index, _WORD(0))
                is_negative = builder.and_(last, builder.icmp_signed(">", args[3], _WORD(1)))
                bits = builder.load(count)
                bits = builder.select(is_negative, builder.sub(zeros, bits), bits)
                doubled = builder.add(builder.load(total), builder.load(total))
                builder.store(builder.add(doubled, bits), total)
            target = builder.bitcast(array(4).data, _REGISTER.as_pointer())
            builder.store(builder.load(total), target).align = 8
            return context.get_dummy_value()

        return types.void(lanes, g, planes, types.int64, counts), codegen

    return weighted_popcounts


def _broadcast(builder, word):
    undefined = ir.Constant(_REGISTER, ir.Undefined)
    first = builder.insert_element(undefined, word, ir.IntType(32)(0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


and_popcounts = _weighted_popcounts("and_")
xor_popcounts = _weighted_popcounts("xor")


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
    """Write the bit planes of a vector; return their number, the sum of u, and the unit of u.

    A vector of integers becomes them, or their halves if all are even; any other is rounded to
    multiples of 2^-52 of its sum of magnitudes.
    """
    total, is_integer, is_even = 0.0, True, True
    for value in vector:
        total += abs(value)
        is_integer &= value == np.rint(value)
        is_even &= value == 2 * np.rint(value / 2)
    unit = 2.0 if is_even else 1.0
    if not is_integer or total >= 2.0**52:
        unit = math.ldexp(1.0, max(math.frexp(total)[1] - 52, -1074))
    lowest, highest, u_sum = 0, 0, 0
    for value in vector:
        u = np.int64(np.rint(value / unit))
        lowest, highest, u_sum = min(lowest, u), max(highest, u), u_sum + u
    n_planes = 0 if lowest == highest else 2
    while n_planes and not -(1 << (n_planes - 1)) <= lowest <= highest < 1 << (n_planes - 1):
        n_planes += 1
    planes[:n_planes] = 0
    for r in range(len(vector)):
        u = np.int64(np.rint(vector[r] / unit))
        for p in range(n_planes):
            planes[p, r >> 6] |= np.uint64((u >> p) & 1) << np.uint64(r & 63)
    return n_planes, u_sum, unit


@compiled
def add_correlations(lanes, origin, vectors, rows, scores, start, stop):
    """Add ``<s_i, v>`` to ``scores[row, i]`` for the codewords of groups ``start:stop``.

    ``vectors`` of shape (len(rows), d) hold one v for each of the rows of ``scores``, and
    ``lanes[0]`` is group ``origin``.
    """
    n_words, n_features = lanes.shape[1], scores.shape[1]
    planes = np.empty((len(rows), MOST_PLANES, n_words), dtype=np.uint64)
    n_planes = np.empty(len(rows), dtype=np.int64)
    sums = np.empty(len(rows), dtype=np.int64)
    units = np.empty(len(rows))
    for m in range(len(rows)):
        n_planes[m], sums[m], units[m] = to_planes(vectors[m], planes[m])
    counts = np.empty(LANES, dtype=np.int64)
    step = max(1, _CACHE_BYTES // (8 * LANES * n_words))
    for first in range(start, stop, step):
        for m in range(len(rows)):
            row, offset, factor = scores[rows[m]], units[m] * sums[m], -2 * units[m]
            for g in range(first, min(first + step, stop)):
                and_popcounts(lanes, g - origin, planes[m], n_planes[m], counts)
                if LANES * (g + 1) <= n_features:
                    for lane in range(LANES):
                        row[LANES * g + lane] += offset + factor * counts[lane]
                else:
                    for lane in range(n_features - LANES * g):
                        row[LANES * g + lane] += offset + factor * counts[lane]


@compiled
def superpose(lanes, n_components, indptr, indices, data, out):
    """Add ``data[j] * s_i`` over the entries (j, i = indices[j]) of each row of CSR to ``out``."""
    for row in range(len(out)):
        for j in range(indptr[row], indptr[row + 1]):
            g, lane = divmod(indices[j], LANES)
            for r in range(n_components):
                bit = (lanes[g, r >> 6, lane] >> np.uint64(r & 63)) & np.uint64(1)
                out[row, r] += data[j] * (1.0 - 2.0 * bit)

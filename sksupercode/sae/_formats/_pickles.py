"""A look at a pickle before it is loaded, without loading anything."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import pickletools

MAX_NESTED = 10_000
_MARK = object()
# What these make can be the key of a dictionary, and hashing it visits all that is within.
_HASHABLE = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "REDUCE", "NEWOBJ", "BUILD", "BINPERSID"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}


def check_pickle(data):
    """Refuse a pickle whose tuples of tuples would take forever, or all of the stack, to hash.

    Thirty opcodes that pair a tuple with itself make one of 2**30 entries. The opcodes are followed
    with nothing but the number of entries of each object, at most `MAX_NESTED` in one tuple.
    """
    stack, memo = [], {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _GETS:
                stack.append(memo[int(argument)])
            elif opcode.name in _PUTS:
                memo[int(argument)] = stack[-1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            else:
                _follow(stack, opcode)
    except (IndexError, KeyError) as error:
        raise ValueError("not a pickle") from error


def _follow(stack, opcode):
    """Replace what an opcode takes from the stack by what it leaves there."""
    size = 1
    for taken in reversed(opcode.stack_before):
        if taken is pickletools.markobject:
            continue
        item = stack.pop()
        while item is not _MARK:
            size += item
            if taken is not pickletools.stackslice:
                break
            item = stack.pop()
    if size > MAX_NESTED and opcode.name in _HASHABLE:
        raise ValueError(f"tuples of more than {MAX_NESTED} entries")
    for left in opcode.stack_after:
        is_mark = left is pickletools.markobject
        stack.append(_MARK if is_mark else size if opcode.name in _HASHABLE else 1)

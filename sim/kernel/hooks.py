"""Calls through addresses: how the kernel reaches balancing policies that it was not compiled with.

A policy's hooks are compiled to C functions of one signature; their addresses stand in the policy table. So any number
of policies, built-in or a user's, costs the kernel neither a recompilation nor a longer argument list. This file holds
all the pointer work there is; interpreted, an address is a key into a dictionary of Python functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from sim.kernel.jit import HOOK_OPTIONS, INTERPRETED, f8, i8, u8
from sim.kernel.tables import STATE

HOOK = i8(u8, i8, u8, i8, f8, i8)
"""(address of the state, channel, key, endpoint, latency in s, outcome) → endpoint; hooks ignore what they don't need."""

ARENA = STATE.fields["arena"][1]
python_hooks: dict[int, Callable[..., Any]] = {}
"""Interpreted: hooks by their address."""


def python_address(function: Callable[..., Any]) -> int:
    """An address for a Python function, interpreted."""
    for address, known in python_hooks.items():
        if known is function:
            return address
    python_hooks[len(python_hooks) + 1] = function
    return len(python_hooks)


if INTERPRETED:

    def address_of(record: Any) -> Any:
        return record

    def state_at(address: Any) -> Any:
        return address

    def records(S: Any, word: Any, count: Any, kind: Any) -> Any:
        return S.arena[int(word) : int(word) + int(count) * kind.itemsize // 8].view(kind)

    def invoke(hook: Any, state: Any, channel: Any, key: Any, endpoint: Any, latency_s: Any, outcome: Any) -> Any:
        return python_hooks[int(hook)](state, channel, key, endpoint, latency_s, outcome)

else:

    @intrinsic
    def address_of(context, record):
        """The address of a record."""

        def generate(target, builder, signature, arguments):
            return builder.ptrtoint(arguments[0], ir.IntType(64))

        return types.uint64(record), generate

    @intrinsic
    def pointer_to(context, address):
        """An address as a pointer."""

        def generate(target, builder, signature, arguments):
            return builder.inttoptr(arguments[0], target.get_value_type(types.voidptr))

        return types.voidptr(types.uint64), generate

    @intrinsic
    def invoke(context, hook, state, channel, key, endpoint, latency_s, outcome):
        """Call the hook at an address."""

        def generate(target, builder, signature, arguments):
            int64, double = ir.IntType(64), ir.DoubleType()
            kind = ir.FunctionType(int64, [int64, int64, int64, int64, double, int64])
            function = builder.inttoptr(arguments[0], kind.as_pointer())
            return builder.call(function, arguments[1:])

        return HOOK.return_type(types.uint64, *HOOK.args), generate

    @numba.njit(inline="always", **HOOK_OPTIONS)
    def state_at(address):
        """The state, from its address."""
        return numba.carray(pointer_to(address), (1,), STATE)[0]

    @numba.njit(inline="always", **HOOK_OPTIONS)
    def records(S, word, count, kind):
        """`count` records of a dtype that start at a word of the arena."""
        start = address_of(S) + np.uint64(ARENA) + np.uint64(8) * np.uint64(word)
        return numba.carray(pointer_to(start), (count,), kind)

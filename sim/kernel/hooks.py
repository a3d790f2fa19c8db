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

from sim.kernel.jit import COMPILE_OPTIONS, INTERPRETED, f8, i8, u8

HOOK = i8(u8, i8, u8, i8, f8, i8)
"""(address of the state, channel, key, endpoint, latency in s, outcome) → endpoint; hooks ignore what they don't need."""

_python_hooks: dict[int, Callable[..., Any]] = {}


def compile_hook(function: Callable[..., Any]) -> tuple[int, Any]:
    """Compile a hook of signature HOOK; returns its address and what must be kept alive."""
    if INTERPRETED:
        address = len(_python_hooks) + 1
        _python_hooks[address] = function
        return address, function
    compiled = numba.cfunc(HOOK, **COMPILE_OPTIONS)(function)
    return compiled.address, compiled


if INTERPRETED:

    def address_of(record: Any) -> Any:
        return record

    def records_at(address: Any, dtype: Any, count: Any) -> Any:
        return address[: int(count) * dtype.itemsize // 8].view(dtype)

    def invoke(hook: Any, state: Any, channel: Any, key: Any, endpoint: Any, latency_s: Any, outcome: Any) -> Any:
        return _python_hooks[int(hook)](state, channel, key, endpoint, latency_s, outcome)

else:

    @intrinsic
    def address_of(context, record):
        """The address of a record."""

        def generate(target, builder, signature, arguments):
            return builder.ptrtoint(arguments[0], ir.IntType(64))

        return types.uint64(record), generate

    @intrinsic
    def pointer_to(context, address):
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

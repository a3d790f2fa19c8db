"""Addresses: how the kernel reaches balancing policies that it was not compiled with, and arrays of any length.

A policy's hooks are compiled to C functions of one signature; their addresses stand in the policy table. So any number
of policies, built-in or a user's, costs the kernel neither a recompilation nor a longer argument list. This file holds
all the pointer work there is; interpreted, an address is a key into a dictionary of Python objects.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from sim.kernel.jit import COMPILE_OPTIONS, HOOK_OPTIONS, INTERPRETED, f8, f8s, i8, kernel, u4s, u8, void
from sim.kernel.tables import STATE, STATE_TYPE

HOOK = i8(u8, i8, u8, i8, f8, i8)
"""(address of the state, channel, key, endpoint, latency in s, outcome) → endpoint; hooks use what they need."""

ARENA = dict(STATE.fields or {})["arena"][1]
_known: dict[int, Any] = {}
"""Interpreted: functions and arrays by their address."""


def python_address(thing: Any) -> int:
    """An address for a Python function or an array, interpreted."""
    for address, known in _known.items():
        if known is thing:
            return address
    address = max(_known, default=0) + 1
    _known[address] = thing
    return address


def forget(*things: Any) -> None:
    """Interpreted: drop what has an address."""
    for address in [address for address, known in _known.items() if any(known is thing for thing in things)]:
        del _known[address]


def entry_address(S: Any) -> Any:
    """What the kernel's entry points take for the state: passing the record itself would cost 40 µs a call."""
    return S if INTERPRETED else np.uint64(S.__array_interface__["data"][0])


def set_arrays(S: Any, data: np.ndarray, bins: np.ndarray) -> None:
    """Let the state know its two arrays; the caller keeps them alive. The last row of bins is a dump."""
    set_array(S, "data", data)
    set_array(S, "bins", bins)
    S["pending"][:] = len(bins) - 1


def set_array(S: Any, name: str, array: np.ndarray) -> None:
    """Let the state know where an array is."""
    address = python_address(array) if INTERPRETED else array.ctypes.data
    S[f"{name}_address"], S[f"{name}_length"] = address, len(array)


if INTERPRETED:

    def address_of(record: Any) -> Any:
        return record

    def state_at(address: Any) -> Any:
        return address

    def records(S: Any, word: Any, count: Any, kind: Any) -> Any:
        return S.arena[int(word) : int(word) + int(count) * kind.itemsize // 8].view(kind)

    def data_of(S: Any) -> Any:
        return _known[int(S.data_address)]

    def bins_of(S: Any) -> Any:
        return _known[int(S.bins_address)]

    def prefetch(array: Any, index: Any) -> None:
        """Nothing to fetch."""

    def invoke(hook: Any, state: Any, channel: Any, key: Any, endpoint: Any, latency_s: Any, outcome: Any) -> Any:
        return _known[int(hook)](state, channel, key, endpoint, latency_s, outcome)

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

    def _array_intrinsic(kind):
        @intrinsic
        def array_at(context, address, length):
            """A view of the array at an address; the runtime does not own it."""

            def generate(target, builder, signature, arguments):
                array = target.make_array(kind)(target, builder)
                item = ir.Constant(ir.IntType(64), target.get_abi_sizeof(target.get_data_type(kind.dtype)))
                pointer = builder.inttoptr(arguments[0], array.data.type)
                populate_array(array, pointer, [arguments[1]], [item], item, meminfo=None)
                return array._getvalue()

            return kind(types.uint64, types.int64), generate

        return array_at

    _floats_at, _counts_at = _array_intrinsic(f8s), _array_intrinsic(u4s)

    @numba.njit(inline="always", **COMPILE_OPTIONS)
    def data_of(S):
        """All numbers of distributions, traces and arrival processes, float64."""
        return _floats_at(S.data_address, S.data_length)

    @numba.njit(inline="always", **COMPILE_OPTIONS)
    def bins_of(S):
        """All histograms, uint32, BINS after BINS."""
        return _counts_at(S.bins_address, S.bins_length)

    @intrinsic
    def prefetch(context, array, index):
        """Begin to bring an element into the cache."""

        def generate(target, builder, signature, arguments):
            view = target.make_array(signature.args[0])(target, builder, arguments[0])
            int32 = ir.IntType(32)
            place = builder.bitcast(builder.gep(view.data, [arguments[1]]), ir.IntType(8).as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [place.type, int32, int32, int32])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(function, [place, int32(1), int32(3), int32(1)])
            return target.get_dummy_value()

        return types.void(array, index), generate

    @intrinsic
    def invoke(context, hook, state, channel, key, endpoint, latency_s, outcome):
        """Call the hook at an address."""

        def generate(target, builder, signature, arguments):
            int64, double = ir.IntType(64), ir.DoubleType()
            kind = ir.FunctionType(int64, [int64, int64, int64, int64, double, int64])
            function = builder.inttoptr(arguments[0], kind.as_pointer())
            return builder.call(function, arguments[1:])

        return HOOK.return_type(types.uint64, *HOOK.args), generate

    @intrinsic
    def state_at(context, address):
        """The state at an address."""

        def generate(target, builder, signature, arguments):
            return builder.inttoptr(arguments[0], target.get_value_type(STATE_TYPE))

        return STATE_TYPE(types.uint64), generate

    @numba.njit(inline="always", **HOOK_OPTIONS)
    def records(S, word, count, kind):
        """`count` records of a dtype that start at a word of the arena."""
        start = address_of(S) + np.uint64(ARENA) + np.uint64(8) * np.uint64(word)
        return numba.carray(pointer_to(start), (count,), kind)


@kernel(void, STATE_TYPE, i8, i8, i8)
def ask_wire(S, what, row, value):
    """Let the wire do something; for `row`'s meaning see `sim.kernel.wire`."""
    invoke(S.wire, address_of(S), row, np.uint64(0), value, 0.0, what)


@kernel(void, STATE_TYPE, i8, i8, i8)
def ask_log(S, what, row, value):
    """Let a group do something; for `row`'s meaning see `sim.kernel.log`."""
    invoke(S.log, address_of(S), row, np.uint64(0), value, 0.0, what)

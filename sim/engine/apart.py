"""Functions that only some scenarios need: compiled apart from the kernel, which finds them by their addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from sim.kernel import hooks, jit


@cache
def address_apart(unit: str, entry: Callable[..., Any]) -> int:
    """Where the kernel finds `entry`, which calls the functions of a unit (`jit.kernel(apart=…)`); compiled on first
    use."""
    if jit.INTERPRETED:
        return hooks.python_address(entry)
    marker = jit.CACHE / f"{unit}-compiled"
    if not marker.exists():
        jit.compile_apart(unit)
    address = int(numba.cfunc(hooks.HOOK, cache=True, **jit.HOOK_OPTIONS)(entry).address)
    marker.touch()
    return address

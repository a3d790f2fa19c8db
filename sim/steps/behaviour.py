"""`behaviour`: a handler written by the user as a SimPy generator."""

from __future__ import annotations

from dataclasses import dataclass

from sim.steps.call import Call


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`function` is `module:function`; `calls` are the calls that it may make, in the order declared."""

    function: str
    calls: tuple[Call, ...] = ()

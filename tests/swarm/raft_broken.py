"""Raft machines with one mistake each, which the swarm has to find."""

from __future__ import annotations

from dataclasses import dataclass

from sim.protocols.raft import Raft


@dataclass(frozen=True)
class Broken:
    """What is wrong: the machine, the state machine that forgets who asked what, or leases in spite of the clocks."""

    machine: type[Raft] = Raft
    remembers: bool = True
    lease_reads: bool = False


BROKEN: dict[str, Broken] = {"nothing": Broken()}

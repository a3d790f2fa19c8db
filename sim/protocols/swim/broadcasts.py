"""Gossip that waits to be passed on: memberlist's `TransmitLimitedQueue` (0.5)."""

from __future__ import annotations

from heapq import heappop, heappush

from sim.protocols.swim.formulas import retransmit_limit
from sim.protocols.swim.messages import COMPOUND_BYTES, SIZES_BYTES, Claim


class Broadcasts:
    """The least often sent first, then the longest, then the newest. A claim about a node replaces the one before.

    Departs from memberlist in one point: where the next claim does not fit into what is left of a datagram, the
    datagram is full; memberlist looks for a shorter one.
    """

    def __init__(self, retransmit_mult: int) -> None:
        self._mult = retransmit_mult
        self._heap: list[tuple[int, int, int, Claim]] = []
        self._newest: dict[str, int] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._newest)

    def __len__(self) -> int:
        return len(self._newest)

    def put(self, claim: Claim) -> None:
        self._count += 1
        self._newest[claim.node] = self._count
        heappush(self._heap, (0, -SIZES_BYTES[type(claim)], -self._count, claim))

    def take(self, room_bytes: int, size: int) -> tuple[tuple[Claim, ...], int]:
        """What fits into `room_bytes` in a group of `size`, with the bytes that it takes; each is counted as sent."""
        if not self._newest:
            return (), 0
        limit, heap, newest = retransmit_limit(self._mult, size), self._heap, self._newest
        taken: list[tuple[int, int, int, Claim]] = []
        used = 0
        while heap:
            transmits, length, number, claim = heap[0]
            if newest.get(claim.node) != -number:
                heappop(heap)
                continue
            if used - length + COMPOUND_BYTES > room_bytes:
                break
            used += COMPOUND_BYTES - length
            taken.append(heappop(heap))
        for transmits, length, number, claim in taken:
            if transmits + 1 < limit:
                heappush(heap, (transmits + 1, length, number, claim))
            else:
                del newest[claim.node]
        return tuple(entry[3] for entry in taken), used

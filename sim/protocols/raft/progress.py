"""What a leader knows of one follower's log.

Source: `nextIndex` and `matchIndex` of Ongaro & Ousterhout's figure 2; the three states and the limit of messages
under way are etcd-io/raft's (3.5, package tracker), a pipelining that the thesis describes in section 10.2.1.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class Progress:
    """`probe`: where the logs meet is not known; one append at a time. `replicate`: entries stream ahead of their
    acknowledgements. `snapshot`: nothing is sent until the follower has taken a snapshot.

    `match` is the highest entry known to be on the follower's disk, `next` the next to send. `recent_active`: it has
    said something since the last check of the quorum. `acknowledged_tick`: when the latest heartbeat that it answered
    was sent, in the leader's ticks.
    """

    next: int
    inflight_max: int
    match: int = 0
    state: Literal["probe", "replicate", "snapshot"] = "probe"
    is_paused: bool = False
    pending_snapshot: int = 0
    recent_active: bool = False
    acknowledged_tick: int = -1
    inflight: deque[int] = field(default_factory=deque)

    @property
    def must_wait(self) -> bool:
        """Whether appends to it have to wait for an answer."""
        if self.state == "replicate":
            return len(self.inflight) >= self.inflight_max
        return self.is_paused or self.state == "snapshot"

    def become_probe(self) -> None:
        self._become("probe")
        self.next = self.match + 1

    def become_replicate(self) -> None:
        self._become("replicate")
        self.next = self.match + 1

    def become_snapshot(self, index: int) -> None:
        self._become("snapshot")
        self.pending_snapshot = index

    def sent(self, last_index: int, count: int) -> None:
        """An append with `count` entries up to `last_index` has left."""
        if self.state == "probe":
            self.is_paused = True
        elif count:
            self.next = last_index + 1
            self.inflight.append(last_index)

    def acknowledge(self, index: int) -> bool:
        """Whether the follower holds more than was known."""
        if index <= self.match:
            return False
        while self.inflight and self.inflight[0] <= index:
            self.inflight.popleft()
        self.next = max(self.next, index + 1)
        self.match = index
        self.is_paused = False
        return True

    def reject(self, rejected_index: int, probe_index: int) -> bool:
        """The follower does not hold `rejected_index`; the logs may meet at `probe_index`. False if that is old news:
        messages are reordered."""
        if self.state == "replicate":
            if rejected_index <= self.match:
                return False
            self.become_probe()
            return True
        if self.next - 1 != rejected_index:
            return False
        self.next = max(min(rejected_index, probe_index + 1), self.match + 1)
        self.is_paused = False
        return True

    def heard(self) -> None:
        """It answered a heartbeat: an append may be tried again, for the last one may have been lost."""
        self.is_paused = False
        if len(self.inflight) >= self.inflight_max:
            self.inflight.popleft()

    def _become(self, state: Literal["probe", "replicate", "snapshot"]) -> None:
        self.state = state
        self.is_paused = False
        self.pending_snapshot = 0
        self.inflight.clear()

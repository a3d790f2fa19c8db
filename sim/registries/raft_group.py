"""A Raft group as its members share it: timers, beginning, and what is recorded of it.

`unwritable` … `writable` of the control plane's log, with the group as component and subject: the group cannot commit
writes. It begins at the last moment at which a quorum had answered the leader, and is written down (at that time) once
the leader dies, steps down, is superseded, or has heard from no quorum for an election timeout; it ends with the first
commit of the next leader, or when a quorum answers the old one again. So it is too long by at most one heartbeat
interval: when a leader dies, some writes of that interval may still have been committed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sim.engine.cluster import Cluster
from sim.protocols.raft import Config, HashicorpRaft, Raft
from sim.protocols.raft.quorum import majority

if TYPE_CHECKING:
    from sim.registries.raft_member import RaftMember


@dataclass(frozen=True, slots=True)
class Timers:
    """How a real system runs Raft. Times of the protocol are ticks of `tick_s`.

    `read_retry_s`: a read index that has not come is asked for again (None: never). A member whose log holds
    `snapshot_entries` more than its snapshot makes a new one and keeps `keep_entries` before it. `broken_after_s`: a
    connection on which nothing gets through is given up. `machine` is what members run.
    """

    tick_s: float
    election_ticks: int
    heartbeat_ticks: int = 1
    election_spread_ticks: int = 0
    candidate_ticks: int = 0
    quorum_ticks: int = 0
    pre_vote: bool = True
    check_quorum: bool = True
    lease_reads: bool = False
    read_retry_s: float | None = 0.5
    snapshot_entries: int = 100_000
    keep_entries: int = 5_000
    broken_after_s: float = 5.0
    machine: type[Raft] = Raft

    @property
    def election_s(self) -> float:
        return self.election_ticks * self.tick_s

    def config(self, host: str, members: Sequence[str]) -> Config:
        return Config(
            host,
            members,
            election_ticks=self.election_ticks,
            election_spread_ticks=self.election_spread_ticks,
            candidate_ticks=self.candidate_ticks,
            heartbeat_ticks=self.heartbeat_ticks,
            quorum_ticks=self.quorum_ticks,
            pre_vote=self.pre_vote,
            check_quorum=self.check_quorum,
            lease_reads=self.lease_reads,
        )


def etcd_timers(
    heartbeat_s: float = 0.1,
    election_s: float = 1.0,
    pre_vote: bool = True,
    snapshot_entries: int = 100_000,
    read_retry_s: float | None = 0.5,
) -> Timers:
    """etcd 3.4 to 3.6: a tick is a heartbeat; CheckQuorum is always on, PreVote by default since 3.5 (`--pre-vote`,
    off in 3.4); reads are ReadOnlySafe; peers' connections are given up after 5 s (`rafthttp`: ConnReadTimeout); a
    snapshot every 100,000 entries (10,000 since 3.6), of which 5,000 stay (`SnapshotCatchUpEntries`). A linearizable
    read is asked for again after 500 ms since 3.5 (`readIndexRetryTime`)."""
    return Timers(
        heartbeat_s,
        int(election_s / heartbeat_s + 1e-9),
        pre_vote=pre_vote,
        read_retry_s=read_retry_s,
        snapshot_entries=snapshot_entries,
    )


def hashicorp_timers(multiplier: int = 5, pre_vote: bool = False) -> Timers:
    """hashicorp/raft 1.x under Consul: HeartbeatTimeout and ElectionTimeout 1 s, LeaderLeaseTimeout 0.5 s, each times
    `raft_multiplier`; a leader beats every random 1/10 … 2/10 of HeartbeatTimeout; PreVote since 1.7, in Consul since
    1.20; snapshots every 8,192 entries, of which 10,240 stay.

    Approximated: the beat is 0.15 of HeartbeatTimeout, always. The machine says what else is.
    """
    tick_s = 0.05 * multiplier
    return Timers(
        tick_s,
        election_ticks=20,
        heartbeat_ticks=3,
        quorum_ticks=10,
        pre_vote=pre_vote,
        read_retry_s=None,
        snapshot_entries=8_192,
        keep_entries=10_240,
        broken_after_s=10.0,
        machine=HashicorpRaft,
    )


@dataclass(frozen=True, slots=True)
class Proposed:
    """A client's wish as it stands in the log: who asked (`member`, its `life`) and its `number` there."""

    member: str
    life: int
    number: int
    data: Any


@dataclass(frozen=True, slots=True)
class Done:
    """How a proposal or a read ended at the member that was asked. `timeout`: it may still happen. `dropped`: it will
    not. `leader changed`: a read that has to be asked again. `result`: what applying it returned."""

    outcome: Literal["ok", "timeout", "dropped", "leader changed"]
    result: Any = None
    index: int = 0


class RaftGroup:
    """`name` is the registry's, or the store's; `hosts` are its servers, instances of the model."""

    def __init__(self, cluster: Cluster, name: str, hosts: Sequence[str], timers: Timers) -> None:
        self.cluster, self.name, self.hosts, self.timers = cluster, name, tuple(hosts), timers
        self.members: dict[str, RaftMember] = {}
        self._leader: RaftMember | None = None
        self.is_unwritable = False
        self._is_founded = False

    def address(self, host: str) -> str:
        return f"{host}/{self.name}.raft"

    def found(self, initial: Sequence[Any] = ()) -> None:
        """Let the group be old: the first of `hosts` has been elected, and `initial` has been committed. Messages take
        no time. Once all members are made; their start does it where nobody did."""
        if self._is_founded:
            return
        self._is_founded = True
        for member in self.members.values():
            member.begin()
        first = self.members[self.hosts[0]]
        first.raft.tick(first.raft.ticks_until_due())
        self._exchange()
        for data in initial:
            first.raft.propose(Proposed(first.host, -1, 0, data))
        self._exchange()
        first.raft.tick(first.raft.ticks_until_due())
        self._exchange()
        for member in self.members.values():
            member.founded()

    def _exchange(self) -> None:
        wire = [message for member in self.members.values() for message in member.work_at_once()]
        while wire:
            message = wire.pop(0)
            member = self.members[message.receiver]
            member.raft.step(message)
            wire += member.work_at_once()

    # What members tell for the record

    def record(self, event: str, host: str, term: int) -> None:
        self.cluster.record(self.name, event, host, f"term {term}")

    def elected(self, member: RaftMember, term: int) -> None:
        if self._leader is not None:
            self.lost(self._leader)
        self._leader = member
        self.record("elected", member.host, term)

    def ready(self, member: RaftMember, term: int) -> None:
        """Its first commit."""
        self.record("ready", member.host, term)
        self.served(member)

    def lost(self, member: RaftMember) -> None:
        """The group's leader died, stepped down, was superseded, or has heard from no quorum for too long."""
        if member is self._leader and not self.is_unwritable:
            self.is_unwritable = True
            self.cluster.record(self.name, "unwritable", self.name, f"led by {member.host}", at_s=member.served_until_s)

    def served(self, member: RaftMember) -> None:
        """A quorum answers the leader, which has committed in its term."""
        if member is self._leader and self.is_unwritable:
            self.is_unwritable = False
            self.cluster.record(self.name, "writable", self.name, f"led by {member.host}")


def quorum_time_s(groups: Sequence[frozenset[str]], heard_s: Mapping[str, float]) -> float:
    """The last time at which a majority of each group had been heard from."""
    latest = []
    for group in groups:
        descending = sorted((heard_s.get(voter, 0.0) for voter in group), reverse=True)
        latest.append(descending[majority(len(group)) - 1])
    return min(latest)


Then = Callable[[Done], None]

"""A member's state, its roles and its timers: what all parts of the machine share.

Source: Ongaro & Ousterhout 2014, figures 2 and 4; the counters of ticks are etcd-io/raft's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from sim.protocols.raft.config import Config
from sim.protocols.raft.log import Log
from sim.protocols.raft.membership import Configuration
from sim.protocols.raft.messages import SENT_BY_LEADER, Message, Propose, ReadRequest
from sim.protocols.raft.progress import Progress
from sim.protocols.raft.state import HardState, Stored

Role = Literal["follower", "precandidate", "candidate", "leader"]

FAR_TICKS = 1 << 30
"""`ticks_until_due` of a member that waits for nothing."""


class Member(ABC):
    """Public, to be read only: `id`, `role`, `term`, `vote`, `leader`, `log`, `commit_index`."""

    log_type: type[Log] = Log

    def __init__(self, config: Config, storage: Stored, random: Callable[[int], int]) -> None:
        """Begin as a follower with what the disk holds. `random(n)` gives a number of 0 … n − 1."""
        self.config = config
        self.id = config.id
        self.random = random
        bootstrap = Configuration(frozenset(config.members), learners=frozenset(config.learners))
        self.log = self.log_type(storage, bootstrap)
        self.term = 0
        self.vote: str | None = None
        self.recall(storage.hard_state)
        self.role: Role = "follower"
        self.leader: str | None = None
        self.ticks = 0
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self.election_timeout_ticks = self.draw_timeout()
        self.progress: dict[str, Progress] = {}
        self.votes: dict[str, bool] = {}
        self.transfer_target: str | None = None
        self.messages: list[Message] = []
        self.messages_after_persist: list[Message] = []

    @property
    def commit_index(self) -> int:
        return self.log.commit_index

    @property
    def configuration(self) -> Configuration:
        return self.log.configuration

    @property
    def is_leader(self) -> bool:
        return self.role == "leader"

    def recall(self, kept: HardState) -> None:
        """A member that restarts knows its term and its vote."""
        self.term, self.vote = kept.term, kept.vote

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        if self.must_wait_for_disk(message):
            self.messages_after_persist.append(message)
        else:
            self.messages.append(message)

    def must_wait_for_disk(self, message: Message) -> bool:
        """Whatever promises something (a vote, an acknowledgement) waits until the promise is on the disk.

        A request for votes waits too, as in etcd: it tells of a log that a crash could still shorten.
        """
        return not isinstance(message, (*SENT_BY_LEADER, Propose, ReadRequest))

    # --- roles -------------------------------------------------------------------------------------------------------

    def become_follower(self, term: int, leader: str | None) -> None:
        """A follower that hears of a newer term goes on waiting: only a leader's word or a vote given away begins its
        timeout anew (figure 2). etcd begins it anew with each term."""
        was_waiting = self.role == "follower"
        self.role = "follower"
        self._enter(term)
        self.leader = leader
        if not was_waiting:
            self.restart_timers()

    def become_precandidate(self) -> None:
        """Term and vote stay: nobody has been asked to change anything."""
        assert not self.is_leader, "a leader does not stand for election"
        self.role = "precandidate"
        self.leader = None
        self.votes = {}
        self.restart_timers()

    def become_candidate(self) -> None:
        assert not self.is_leader, "a leader does not stand for election"
        self.role = "candidate"
        self._enter(self.term + 1)
        self.vote = self.id
        self.restart_timers()

    def become_leader(self) -> None:
        assert self.role == "candidate", f"{self.role} cannot become leader: only a candidate is elected"
        self.role = "leader"
        self._enter(self.term)
        self.leader = self.id
        self.restart_timers()
        self.track_members(recent_active=False)
        self.assert_leadership()

    def track_members(self, recent_active: bool) -> None:
        """Keep one `Progress` for each member of the latest configuration but itself."""
        for member in sorted(self.configuration.members - self.progress.keys() - {self.id}):
            self.progress[member] = Progress(
                self.log.last_index + 1, self.config.inflight_max, recent_active=recent_active
            )
        for member in self.progress.keys() - self.configuration.members:
            del self.progress[member]

    def _enter(self, term: int) -> None:
        assert term >= self.term, f"term {term} after term {self.term}: terms never go back"
        if term != self.term:
            self.term = term
            self.vote = None
        self.leader = None
        self.votes = {}
        self.progress = {}
        self.transfer_target = None

    # --- timers ------------------------------------------------------------------------------------------------------

    def restart_timers(self) -> None:
        self.election_elapsed = 0
        self.heartbeat_elapsed = 0
        self.election_timeout_ticks = self.draw_timeout()

    def note_contact(self) -> None:
        """A leader that is known already was heard."""
        self.election_elapsed = 0

    def note_vote(self) -> None:
        """A vote was given away."""
        self.restart_timers()

    def hears_leader(self) -> bool:
        """Whether a leader was heard within the minimum election timeout."""
        return self.leader is not None and self.election_elapsed < self.config.election_ticks

    def draw_timeout(self) -> int:
        is_follower = self.role == "follower"
        base = self.config.election_ticks if is_follower else self.config.candidate_ticks
        return base + self.random(self.config.election_spread_ticks)

    @property
    def may_stand(self) -> bool:
        """Whether this member stands for election when it hears of no leader.

        A voter does. One that the latest configuration removes still does until that configuration is known to be
        committed: it may be the only one that can commit it (thesis, section 4.2.2).
        """
        if self.id in self.log.configuration.electorate:
            return True
        return self.id in self.log.committed_configuration.electorate

    def ticks_until_due(self) -> int:
        """How many ticks may pass at once before something happens by itself; at least 1."""
        if self.is_leader:
            to_heartbeat = self.config.heartbeat_ticks - self.heartbeat_elapsed
            return max(1, min(to_heartbeat, self.config.quorum_ticks - self.election_elapsed))
        if not self.may_stand:
            return FAR_TICKS
        return max(1, self.election_timeout_ticks - self.election_elapsed)

    def tick(self, count: int = 1) -> None:
        """Let `count` ticks pass. A host that sleeps calls it before each message with what has passed meanwhile."""
        if not self.is_leader and self.election_elapsed + count < self.election_timeout_ticks:
            self.ticks += count
            self.election_elapsed += count
            return
        while count > 0:
            passed = min(count, self.ticks_until_due())
            count -= passed
            self.ticks += passed
            self.election_elapsed += passed
            if self.is_leader:
                self._tick_leader(passed)
            elif self.may_stand and self.election_elapsed >= self.election_timeout_ticks:
                self.election_elapsed = 0
                self.stand_for_election()

    def _tick_leader(self, passed: int) -> None:
        self.heartbeat_elapsed += passed
        if self.election_elapsed >= self.config.quorum_ticks:
            self.election_elapsed = 0
            self.end_of_quorum_period()
        if self.is_leader and self.heartbeat_elapsed >= self.config.heartbeat_ticks:
            self.heartbeat_elapsed = 0
            self.send_heartbeats()

    # --- what other parts do -----------------------------------------------------------------------------------------

    @abstractmethod
    def stand_for_election(self) -> None: ...

    @abstractmethod
    def assert_leadership(self) -> None: ...

    @abstractmethod
    def send_heartbeats(self) -> None: ...

    @abstractmethod
    def end_of_quorum_period(self) -> None: ...

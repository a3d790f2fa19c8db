"""Linearizable reads of one member, gathered in rounds.

Source: etcd 3.5, `server/etcdserver/v3_server.go`, linearizableReadLoop: one question to the leader at a time; all that
is asked meanwhile waits for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.protocols.raft import ReadState
from sim.registries.raft_group import Done, Then

if TYPE_CHECKING:
    from sim.registries.raft_member import RaftMember


class ReadRounds:
    def __init__(self, member: RaftMember) -> None:
        self._member = member
        self._asked = self._rounds = 0
        self._open: dict[int, Then] = {}
        self._next: list[int] = []
        self._in_round: list[int] = []
        self._context: Any = None
        self._index: int | None = None

    def ask(self, then: Then, timeout_s: float) -> None:
        self._asked += 1
        self._open[self._asked] = then
        self._next.append(self._asked)
        self._member.after(timeout_s, self._time_out, self._asked)

    def go_on(self) -> None:
        """End the round whose index has been applied; begin the next one."""
        if self._index is not None and self._member.raft.log.applied_index >= self._index:
            reads, index = self._in_round, self._index
            self._close()
            for read in reads:
                self._end(read, Done("ok", index=index))
        if self._context is None and self._next and self._member.raft.leader is not None:
            self._in_round, self._next = self._next, []
            self._rounds += 1
            self._context = (self._member.host, self._member.life, self._rounds)
            self._question(self._context)
            self._member.work()

    def confirmed(self, states: Sequence[ReadState]) -> None:
        for state in states:
            if state.context == self._context:
                self._index = state.index

    def leader_changed(self) -> None:
        """etcd fails what is under way (ErrLeaderChanged)."""
        reads = self._in_round
        self._close()
        for read in reads:
            self._end(read, Done("leader changed"))

    def _question(self, context: Any) -> None:
        if context != self._context or self._index is not None:
            return
        self._member.raft.read_index(context)
        retry_s = self._member.group.timers.read_retry_s
        if retry_s is not None:
            self._member.after(retry_s, self._ask_again, context)

    def _ask_again(self, context: Any) -> None:
        if context == self._context:
            self._question(context)
            self._member.work()

    def _close(self) -> None:
        self._in_round, self._context, self._index = [], None, None

    def _time_out(self, read: int) -> None:
        """A round without readers left is given up."""
        self._end(read, Done("timeout"))
        if self._in_round and not any(one in self._open for one in self._in_round):
            self._close()

    def _end(self, read: int, done: Done) -> None:
        then = self._open.pop(read, None)
        if then is not None:
            then(done)

"""One member's Raft: what drives the machine at its host."""

from __future__ import annotations

from typing import Any

from sim.engine.daemons import Daemon
from sim.protocols.raft import Config, Raft, Stored
from sim.registries.etcd.server import Log


class Member(Daemon, Log):
    def __init__(self, cluster: Any, host: str, etcd: Any, server: Any) -> None:
        super().__init__(cluster, host, f"{etcd.name}-raft")
        self._etcd, self._server = etcd, server
        server.log = self
        self.kept["stored"] = Stored()
        self.raft: Raft = None  # type: ignore[assignment]
        self._leader: Any = None
        self._is_writing = False
        self._make()

    def _make(self) -> None:
        settings = self._etcd.settings
        config = Config(
            self.host,
            self._etcd.servers,
            election_ticks=settings.election_ticks,
            pre_vote=settings.pre_vote,
            check_quorum=True,
        )
        self.raft = Raft(config, self.kept["stored"], lambda n: int(self.uniform() * n))
        if self.now == 0.0:
            first = self._etcd.servers[0]
            if self.host == first:
                self.raft.become_candidate()
                self.raft.become_leader()
            else:
                self.raft.become_follower(1, first)
        self._leader = self.raft.leader

    def started(self) -> None:
        if self.now > 0.0:
            self._make()
        self._is_writing = False
        self.every(self._etcd.settings.heartbeat_s, self._tick, self._etcd.settings.heartbeat_s * self.uniform())
        self._carry()

    @property
    def is_leader(self) -> bool:
        return self.raft.role == "leader"

    @property
    def term(self) -> int:
        return self.raft.term

    @property
    def leader(self) -> str | None:
        return self.raft.leader

    def propose(self, data: Any) -> bool:
        done = self.raft.propose(data)
        self._carry()
        return done

    def read_index(self, context: Any) -> bool:
        done = self.raft.read_index(context)
        self._carry()
        return done

    def received(self, sender: str, message: Any) -> None:
        self.raft.step(message)
        self._carry()

    def _tick(self) -> None:
        self.raft.tick()
        self._carry()

    def _send(self, messages: Any) -> None:
        for message in messages:
            self.send(f"{message.receiver}/{self._etcd.name}-raft", message)

    def _carry(self) -> None:
        while not self._is_writing:
            ready = self.raft.ready()
            if ready is None:
                break
            self._send(ready.messages)
            self._is_writing = True

            def done(ready: Any = ready) -> None:
                self.kept["stored"].save(ready)
                self._send(ready.messages_after_persist)
                self._is_writing = False
                self.raft.advance()
                for entry in ready.committed:
                    self._server.applied(entry.index, entry.data)
                for state in ready.read_states:
                    self._server.read_ready(state.index, state.context)
                self._carry()

            if ready.must_persist:
                self.flush(100.0, done)
            else:
                done()
        if self.raft.leader != self._leader:
            self._leader = self.raft.leader
            if self.is_leader:
                self.cluster.record(self._etcd.name, "elected", self.host, f"term {self.term}")
            self._server.leader_changed()

"""Replicated logs in the kernel's tables, and what the control plane tells their members."""

from __future__ import annotations

from typing import Any

from sim.engine import loop
from sim.engine.apart import address_apart
from sim.engine.clock import Environment
from sim.engine.devices import check_room
from sim.errors import DsimError
from sim.kernel.codes import FOLLOW, LEAD, NONE, SET_VOTER
from sim.kernel.draws import stream_key
from sim.kernel.log import log
from sim.kernel.tables import CAPACITY
from sim.model import Model, Service


def entry(address: Any, row: Any, key: Any, value: Any, unused: Any, what: Any) -> Any:
    """The log as a C function."""
    return log(address, row, key, value, unused, what)


def add_groups(S: Any, model: Model, replication: int) -> None:
    """Fill the tables of all services that have a log; called once the services' rows are filled."""
    groups = [service for service in model.services if service.log is not None]
    if not groups:
        return
    S.log = address_apart("log", entry)
    check_room("group", len(groups))
    replicas = peers = 0
    for number, service in enumerate(groups):
        check_room("replica", replicas + len(service.instances))
        check_room("peer", peers + len(service.instances) ** 2)
        _add_group(S, model, replication, service, (number, replicas, peers))
        replicas += len(service.instances)
        peers += len(service.instances) ** 2


def _add_group(S: Any, model: Model, replication: int, service: Service, rows: tuple[int, int, int]) -> None:
    number, first, peers = rows
    row = [known.name for known in model.services].index(service.name)
    S.service[row].group = number
    group, declared = S.group[number], service.log
    assert declared is not None
    group.first, group.count = first, len(service.instances)
    group.heartbeat, group.patience = declared.heartbeat_s, declared.patience_s
    group.committed.epoch = NONE
    for ordinal, instance in enumerate(service.instances):
        replica = S.replica[first + ordinal]
        replica.instance, replica.group = int(S.service[row].first_instance) + ordinal, number
        replica.peers = peers + ordinal * len(service.instances)
        replica.voter = declared.members is None or instance.name in declared.members
        group.voters += int(replica.voter)
        replica.key = stream_key(model.run.seed, replication, f"log:{instance.name}")
        for position in ("last", "stable", "writing", "commit"):
            replica[position].epoch = NONE
        replica.leader = replica.outbox = NONE
        for end in ("pending", "appended", "outgoing", "reads"):
            replica[f"{end}_head"] = replica[f"{end}_tail"] = NONE
        replica.round_head = NONE
    for peer in range(peers, peers + len(service.instances) ** 2):
        S.peer[peer].first = S.peer[peer].last = NONE
        for position in ("match", "next", "upto", "acked"):
            S.peer[peer][position].epoch = NONE


class Groups:
    """What members of groups have learnt: of terms, of leaders, of membership."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._tables = env.tables

    def has(self, instance: str) -> bool:
        """Is an instance a member of one?"""
        S = self._tables.state
        return int(S.service[int(S.instance[self._tables.instance_row[instance]].service)].group) != NONE

    def leads(self, instance: str, term: int) -> None:
        """A member has been elected."""
        replica = self._replica(instance)
        if int(self._tables.state.epochs) >= CAPACITY["epoch"]:
            raise DsimError(f"more than {CAPACITY['epoch']:,} elections; let leaders change less often")
        self._tell(LEAD, replica, term)

    def follows(self, instance: str, leader: str | None, term: int) -> None:
        """A member is in a term, and follows a leader in it, or nobody."""
        self._tell(FOLLOW, self._replica(instance), term, NONE if leader is None else self._replica(leader))

    def set_members(self, service: str, instances: frozenset[str]) -> None:
        """These instances of the service count from now on."""
        declared = next((known for known in self._tables.model.services if known.name == service), None)
        names = [instance.name for instance in declared.instances] if declared else []
        for name in names:
            self._tell(SET_VOTER, self._replica(name), int(name in instances))

    def end_of(self, instance: str) -> tuple[int, int]:
        """(term, index) of the last entry in a member's log."""
        S = self._tables.state
        replica = S.replica[self._replica(instance)]
        has_died = int(S.instance[int(replica.instance)].deaths + S.instance[int(replica.instance)].silent_deaths)
        end = replica.last if has_died == int(replica.deaths) else replica.stable
        return (int(S.epoch[int(end.epoch)].term) if end.epoch >= 0 else 0), int(end.index)

    def lost(self, service: str) -> int:
        """Committed entries that a later leader did not have: 0 where elections look at these logs."""
        rows = [known.name for known in self._tables.model.services].index(service)
        return int(self._tables.state.group[int(self._tables.state.service[rows].group)].lost)

    def _tell(self, what: int, replica: int, value: int, leader: int = NONE) -> None:
        self.env.control(loop.TELL_MEMBER, replica, leader + 1, value, what)

    def _replica(self, instance: str) -> int:
        S = self._tables.state
        if instance not in self._tables.instance_row:
            raise DsimError(f"instance {instance!r} does not exist")
        row = self._tables.instance_row[instance]
        service = S.service[int(S.instance[row].service)]
        if service.group == NONE:
            raise DsimError(f"instance {instance} is no member of a group: its service has no log")
        return int(S.group[int(service.group)].first) + row - int(service.first_instance)

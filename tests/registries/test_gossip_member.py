"""Gossip over the simulated network: deaths, farewells, restarts, partitions and pauses of hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.checks.events import MembershipState, ObserverRestarted
from sim.checks.swim import SwimCheck
from sim.engine.cluster import Cluster
from sim.protocols.swim import SERF, Record
from sim.registries.gossip_member import GossipMember, Pool
from tests.engine.small import run_with

FILE = """
scenario: gossip
run: {duration: 200s, warmup: 0s, seed: 3}
nodes: {n: {count: 8, zones: [a, b]}}
network:
  same_zone: {latency: 1ms}
  across_zones: {latency: 5ms}
services:
  web: {nodes: n, instances: 8, cpu: 1ms}
traffic:
  users: {to: web, from: {zone: a}, arrivals: constant(1/s), timeout: 1s}
"""

Script = dict[float, Callable[[Cluster], Any]]


class Log:
    """What every member learned, and when."""

    def __init__(self, cluster: Cluster, script: Script) -> None:
        self.cluster, self.check = cluster, SwimCheck()
        self.learned: list[tuple[float, str, Record]] = []
        hosts = cluster.instances_of("web")
        pool = Pool("gossip", hosts, SERF)
        for member in hosts:
            for observer in (member, *hosts):
                self.check.observe(MembershipState(0.0, "gossip", observer, member, "alive", 1))
        self.members = {host: GossipMember(cluster, host, pool, hosts[:3], self._note(host)) for host in hosts}

        def play() -> Any:
            for time_s in sorted(script):
                yield cluster.env.at(time_s)
                script[time_s](cluster)

        cluster.env.process(play())

    def _note(self, host: str) -> Callable[[Record], None]:
        def note(record: Record) -> None:
            now = self.cluster.env.now
            self.learned.append((now, host, record))
            if record.name == host and record.incarnation == 1 and record.status == "alive":
                self.check.observe(ObserverRestarted(now, "gossip", host))
            self.check.observe(MembershipState(now, "gossip", host, record.name, record.status, record.incarnation))

        return note

    def times(self, name: str, status: str) -> list[float]:
        return [at_s for at_s, who, record in self.learned if (record.name, record.status) == (name, status) != who]

    def views(self) -> set[tuple[str, ...]]:
        """What the living believe to be alive."""
        return {
            tuple(name for name in self.members if (known := daemon.member.believes(name)) and known.status == "alive")
            for daemon in self.members.values()
            if daemon.is_up
        }


def played(script: Script) -> Log:
    log, _ = run_with(lambda cluster: Log(cluster, script), FILE)
    assert not log.check.violations()
    return log


ALL = tuple(f"web-{number}" for number in range(1, 9))


def test_a_healthy_group_says_nothing():
    log = played({})
    assert not log.learned and log.views() == {ALL}


def test_a_host_that_dies_is_suspected_then_dead_at_all():
    log = played({50.0: lambda cluster: cluster.crash_node("n-3")})
    suspected, dead = log.times("web-3", "suspect"), log.times("web-3", "dead")
    assert len(dead) == 7 and 51.0 < suspected[0] < 53.0
    assert 4.0 <= dead[0] - suspected[0] <= 24.0 and dead[-1] - dead[0] < 2.0
    assert log.views() == {tuple(name for name in ALL if name != "web-3")}


def test_one_that_says_farewell_is_never_suspected():
    def stop(cluster: Cluster) -> None:
        cluster.stop_instance("web-3")

    log = played({50.0: stop, 55.0: lambda cluster: cluster.crash_instance("web-3")})
    assert len(log.times("web-3", "left")) >= 7 and not log.times("web-3", "suspect")
    assert max(log.times("web-3", "left")) < 52.0


def test_one_that_comes_back_joins_and_is_alive_with_a_higher_incarnation():
    log = played({50.0: lambda cluster: cluster.crash_node("n-3"), 70.0: lambda cluster: cluster.restore_node("n-3")})
    assert log.views() == {ALL} and log.members["web-3"].member.incarnation >= 2
    assert max(log.times("web-3", "alive")) < 72.0


def test_the_halves_of_a_partition_bury_each_other_and_meet_again():
    left, right = frozenset({"n-1", "n-3"}), frozenset({"n-2", "n-4", "n-5", "n-6", "n-7", "n-8"})
    handles: list[int] = []

    def cut(cluster: Cluster) -> None:
        handles.extend([cluster.impair(left, right, loss=1.0), cluster.impair(right, left, loss=1.0)])

    def mend(cluster: Cluster) -> None:
        for handle in handles:
            cluster.mend(handle)

    log = played({20.0: cut, 80.0: mend})
    assert log.times("web-1", "dead") and log.times("web-2", "dead")
    assert log.views() == {ALL}, "Serf tries the failed again"


def test_a_short_pause_is_refuted():
    log = played({50.0: lambda cluster: cluster.pause_node("n-3"), 53.0: lambda cluster: cluster.resume_node("n-3")})
    assert log.times("web-3", "suspect") and not log.times("web-3", "dead")
    assert log.views() == {ALL} and log.members["web-3"].member.incarnation > 1

"""A thousand members of a gossip group on the simulated network, for a minute in which one of them dies."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from sim.engine.cluster import Cluster
from sim.model import Component

SCENARIO = Path(__file__).parent / "scenarios" / "gossip.yaml"


@dataclass(frozen=True)
class Gossip(Component):
    """A member at each instance of the service `app`."""

    name: str = "gossip"

    def start(self, cluster: Cluster) -> None:
        from sim.protocols.swim import SERF
        from sim.registries.gossip_member import GossipMember, Pool

        hosts = cluster.instances_of("app")
        pool = Pool("gossip", hosts, SERF)
        cluster.components[self.name] = {host: GossipMember(cluster, host, pool) for host in hosts}


def seconds() -> tuple[float, int]:
    """Wall time of one run, and how many members have learned of the death."""
    from sim.engine import Simulation
    from sim.scenario import load

    scenario = load(SCENARIO)
    model = replace(scenario.resolve(scenario.variants[0]), components=(Gossip(),))
    started = time.perf_counter()
    simulation = Simulation(model)
    simulation.run()
    elapsed_s = time.perf_counter() - started
    members = simulation.cluster.components["gossip"].values()
    known = [daemon.member.believes("app-7") for daemon in members if daemon.is_up]
    return elapsed_s, sum(record is None or record.status == "dead" for record in known)


if __name__ == "__main__":
    took_s, knew = seconds()
    print(f"{took_s:.1f} s; {knew} members know of the death")

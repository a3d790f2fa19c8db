"""Random networks, transports and faults of all kinds, put around a random model."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from typing import Any

from sim.distributions import Constant, Distribution, Exponential, Uniform
from sim.failures import (
    Crash,
    Latency,
    LinkDown,
    LinkSlow,
    Loss,
    Outage,
    Partition,
    Pause,
    Restart,
    Slow,
    SlowDisk,
    Stress,
)
from sim.failures.impairment import Way
from sim.model import CallPolicy, Disk, Fault, Ideal, Link, Model, Network, Node, Once, Tcp, Transport, Udp
from sim.steps.call import Call
from sim.steps.disk import DiskOperation

FAR_S = 60.0
"""Faults of the network last no longer, so that at rest there is none."""
CUT_NOTHING, CUT_BOTH, CUT_REQUESTS, CUT_ANSWERS = range(4)
CUT = "cut for good"


class NetworkGenerator:
    """Draws what lies between the processes of a model, and what becomes of it."""

    def __init__(self, model: Model, seed: int) -> None:
        self.model = model
        self.rng = random.Random(f"swarm network {seed}")
        self.kind = self.rng.choice(("zones", "zones", "racks", "graph"))
        self.transports = [self.transport() for _ in range(self.rng.randint(1, 3))]
        self.vertices = [f"v{number}" for number in range(self.rng.randint(2, 6))]
        self.has_disks = self.rng.random() < 0.3

    def around(self, cut: int) -> Model:
        """The model in its network; `cut`: what clients send, or are sent, is lost from the beginning to the end."""
        nodes = tuple(self.placed(node) for node in self.model.nodes)
        sources = tuple(
            replace(
                source, zone=self.site(source.zone) if source.zone else None, policy=self.with_transport(source.policy)
            )
            for source in self.model.sources
        )
        sites = sorted({node.site for node in nodes} | {source.zone for source in sources if source.zone})
        places = [node.name for node in nodes] + [f"source:{source.name}" for source in sources if source.zone]
        services = tuple(
            replace(
                service,
                endpoints=tuple(
                    replace(
                        endpoint,
                        steps=self.steps(endpoint.steps),
                        request_bytes=self.size(),
                        response_bytes=self.size(),
                    )
                    for endpoint in service.endpoints
                ),
            )
            for service in self.model.services
        )
        network = self.network(sites)
        faults = list(self.model.faults)
        for number in range(self.rng.randint(1, 6)):
            faults += self.fault(f"more-{number}", places, sorted(network.links), nodes)
        faults += forever(cut, nodes, [place for place in places if place.startswith("source:")])
        return replace(
            self.model, nodes=nodes, sources=sources, services=services, network=network, faults=tuple(faults)
        )

    # Places

    def site(self, zone: str) -> str:
        match self.kind:
            case "zones":
                return zone
            case "racks":
                return f"{zone}-rack-{self.rng.randint(1, 2)}"
            case _:
                return self.rng.choice(self.vertices)

    def placed(self, node: Node) -> Node:
        disk = Disk(self.duration(0.002), self.duration(0.001)) if self.has_disks else None
        return replace(node, site=self.site(node.zone), disk=disk)

    def network(self, sites: list[str]) -> Network:
        same_node = self.duration(0.0001) if self.rng.random() < 0.5 else None
        if self.kind != "graph":
            pairs = [(a, b) for a in sites for b in sites if self.rng.random() < 0.95]
            return Network({pair: self.link() for pair in pairs}, same_node)
        edges = {(self.rng.choice(self.vertices[:n]), self.vertices[n]) for n in range(1, len(self.vertices))}
        edges |= {pair for pair in combinations(self.vertices, 2) if self.rng.random() < 0.3}
        both = sorted(edges | {(b, a) for a, b in edges})
        return Network({pair: self.link() for pair in both}, same_node, routed=True)

    def link(self) -> Link:
        return Link(
            self.duration(0.005),
            self.duration(0.002) if self.rng.random() < 0.4 else None,
            self.rng.choice((0.0, 0.0, 0.0, 0.01, 0.1, 0.4)),
            10.0 ** self.rng.uniform(5.5, 8.0) if self.rng.random() < 0.4 else None,
            self.rng.choice(("first_come", "fair")),
        )

    def duration(self, scale_s: float) -> Distribution:
        mean_s = scale_s * self.rng.uniform(0.5, 2.0)
        return self.rng.choice((Constant(mean_s), Exponential(mean_s), Uniform(0.5 * mean_s, 1.5 * mean_s)))

    # Calls

    def size(self) -> float:
        return float(round(10.0 ** self.rng.uniform(0.0, 5.0)))

    def transport(self) -> Transport:
        rng = self.rng
        match rng.choice(("ideal", "udp", "tcp", "tcp", "tcp")):
            case "ideal":
                return Ideal(rng.choice((0.2, 0.02)), rng.choice((120.0, 1.0)))
            case "udp":
                return Udp(rng.choice((1472.0, 500.0)))
        first_s, least_s = rng.choice(((1.0, 0.2), (0.05, 0.01)))
        return Tcp(
            streams=rng.choice((1, 1, 2, 100)),
            max_connections=rng.choice((None, None, 1, 2)),
            max_idle=rng.choice((None, 0, 1, 2)),
            idle_timeout_s=rng.choice((90.0, 0.05)),
            connect_timeout_s=rng.choice((None, 0.5, 0.03)),
            tls_round_trips=rng.randint(0, 1),
            segment_bytes=rng.choice((1460.0, 500.0)),
            initial_window=rng.choice((10.0, 1.0, 4.0)),
            receive_window_bytes=rng.choice((6291456.0, 4000.0)),
            rto_initial_s=first_s,
            rto_min_s=least_s,
            rto_max_s=rng.choice((120.0, 1.0)),
            retries=rng.choice((15, 2)),
            dial_retries=rng.choice((6, 1)),
            keep_alive_s=rng.choice((None, None, None, 0.1)),
            keep_alive_every_s=0.05,
            keep_alive_probes=3,
        )

    def with_transport(self, policy: CallPolicy) -> CallPolicy:
        return replace(policy, transport=self.rng.choice(self.transports))

    def steps(self, steps: Any) -> Any:
        """The same steps, however deep, with transports; some waits are for the disk."""
        if isinstance(steps, tuple):
            found = tuple(self.steps(step) for step in steps)
            return (*found, DiskOperation(self.size(), False)) if self.has_disks and len(found) == 1 else found
        if isinstance(steps, Call):
            return replace(steps, policy=self.with_transport(steps.policy))
        inner = {name: getattr(steps, name) for name in ("branches", "steps") if hasattr(steps, name)}
        if "branches" in inner:
            return replace(steps, branches=tuple(self.steps(branch) for branch in inner["branches"]))
        return replace(steps, steps=self.steps(inner["steps"])) if inner else steps

    # Faults

    def once(self) -> Once:
        return Once(self.rng.uniform(0.0, 1.9), self.rng.choice((0.005, 0.05, 0.3, 1.0)) * self.rng.uniform(0.5, 2.0))

    def fault(self, name: str, places: list[str], links: list[tuple[str, str]], nodes: tuple[Node, ...]) -> list[Fault]:
        rng, when = self.rng, self.once()
        node = rng.choice(nodes).name
        instance = rng.choice([instance.name for service in self.model.services for instance in service.instances])
        ways = self.ways(places)
        kinds: list[Fault] = [
            Crash(name, name, "node", node, when),
            Crash(name, name, "instance", instance, when),
            Restart(name, name, "instance", instance, when),
            Outage(name, name, "zone", "somewhere", when, tuple(n.name for n in nodes if rng.random() < 0.5)),
            Pause(name, name, "instance", instance, when),
            Pause(name, name, "node", node, when),
            Slow(name, name, "node", node, when, rng.uniform(0.1, 0.9)),
            Stress(name, name, "node", node, when, rng.uniform(0.5, 4.0)),
            Partition(name, name, "traffic", "ways", when, ways),
            Partition(name, name, "traffic", "ways", when, ways),
            Loss(name, name, "traffic", "ways", when, ways, rng.choice((0.05, 0.5, 1.0))),
            Latency(name, name, "traffic", "ways", when, ways, self.duration(0.02)),
        ]
        if self.has_disks:
            kinds.append(SlowDisk(name, name, "node", node, when, rng.uniform(0.1, 0.9)))
        if links:
            pairs = tuple(rng.sample(links, rng.randint(1, min(3, len(links)))))
            kinds.append(LinkDown(name, name, "link", "links", when, pairs))
            kinds.append(
                LinkSlow(name, name, "link", "links", when, pairs, rng.uniform(1.0, 5.0), rng.uniform(0.05, 1.0))
            )
        return [rng.choice(kinds)]

    def ways(self, places: list[str]) -> tuple[Way, ...]:
        """Both ways between two groups, or one, or between any two places."""
        ones = [place for place in places if self.rng.random() < 0.5]
        others = [place for place in places if place not in ones]
        match self.rng.randrange(3):
            case 0:
                return (Way(tuple(ones), tuple(others)), Way(tuple(others), tuple(ones)))
            case 1:
                return (Way(tuple(ones), tuple(others)),)
            case _:
                return (Way(tuple(places), tuple(places)),)


def forever(cut: int, nodes: tuple[Node, ...], clients: list[str]) -> list[Fault]:
    """Nothing that clients send (or are sent) arrives, from the beginning to the end."""
    if cut == CUT_NOTHING or not clients:
        return []
    hosts = tuple(node.name for node in nodes)
    out, back = Way(tuple(clients), hosts), Way(hosts, tuple(clients))
    ways = {CUT_BOTH: (out, back), CUT_REQUESTS: (out,), CUT_ANSWERS: (back,)}[cut]
    return [Partition(CUT, CUT, "traffic", CUT, Once(0.0), ways)]


def with_network(model: Model, seed: int, cut: int = CUT_NOTHING) -> Model:
    """The model with a random network around it."""
    return NetworkGenerator(model, seed).around(cut)

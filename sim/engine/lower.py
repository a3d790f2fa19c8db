"""From the machine model to the kernel's tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from sim.balancing.compile import addresses
from sim.balancing.policy import POLICIES
from sim.distributions import Distribution, DistributionTable
from sim.engine import devices
from sim.engine.devices import check_room as _check
from sim.engine.groups import add_groups
from sim.engine.lowered import Edge, Lowered
from sim.engine.wires import add_transport, needs_wire
from sim.errors import DsimError
from sim.kernel.codes import EVENT_LOOP, GOROUTINES, NONE, OUTCOMES, TCP, THREADS
from sim.kernel.draws import stream_key
from sim.kernel.histogram import BINS
from sim.kernel.hooks import entry_address, set_arrays
from sim.kernel.tables import new_state
from sim.model import Balance, CallPolicy, EventLoop, Ideal, Model, Service, Source, Threads, Transport
from sim.steps.program import Program
from sim.traffic import Closed, Trace, lower_arrivals

JITTER = {"none": 0, "full": 1, "equal": 2}
ROWS_SPARE = 64


class Lowering:
    """Fills the tables; the methods run in the order in which `lower` calls them."""

    def __init__(self, model: Model, replication: int) -> None:
        self.model = model
        self.replication = replication
        self.state = new_state()
        self.laws = DistributionTable()
        self.program = Program(self)
        self.edges: list[Edge] = []
        self.edge_rows: dict[str, dict[str, int]] = {}
        self.behaviours: list[tuple[Any, list[int]]] = []
        self.entries: dict[tuple[str, str], int] = {}
        self.zone = {name: row for row, name in enumerate(self._zones())}
        self.node_row = {node.name: row for row, node in enumerate(model.nodes)}
        self.service_row = {service.name: row for row, service in enumerate(model.services)}
        self.instances = [(service, instance) for service in model.services for instance in service.instances]
        self.instance_row = {instance.name: row for row, (_, instance) in enumerate(self.instances)}
        self.disk_row: dict[str, int] = {}
        self.first_instance: dict[str, int] = {}
        self.endpoint_rows: list[tuple[str, str]] = []
        self.channel_of: dict[str, dict[tuple[str, str, str, int, str], int]] = {}
        self.balances: dict[str, list[tuple[str, Balance, int]]] = {}
        self.followed: dict[str, list[bool]] = {}
        self.probe_row: dict[str, int] = {}
        self.policy_row: dict[str, int] = {}
        self.templates: dict[tuple[str, str, str], tuple[int, int, int]] = {}
        self.timers: dict[float, int] = {}
        self.drifts = list(dict.fromkeys([0.0, *(node.clock.drift for node in model.nodes if node.clock is not None)]))
        self.state.drifts = len(self.drifts) > 1
        self.transport_row: dict[Transport, int] = {Ideal(): 0}
        self.pools = 0

    def _zones(self) -> list[str]:
        named = [node.site for node in self.model.nodes] + [s.zone for s in self.model.sources if s.zone is not None]
        named += [zone for pair in self.model.network.links for zone in pair]
        return sorted(set(named))

    # What `Program` asks for

    def distribution(self, distribution: Distribution) -> int:
        return self.laws.add(distribution)

    def edge(self, call: Any, caller: str) -> int:
        client = caller.partition(".")[0]
        return self._edge(Edge(caller, call.service, call.endpoint, call.policy, "", NONE), client)

    def behaviour(self, handler: Any, entries: Sequence[int]) -> int:
        self.behaviours.append((handler, list(entries)))
        return len(self.behaviours) - 1

    def _edge(self, edge: Edge, client: str) -> int:
        name = f"{edge.caller} → {edge.service}.{edge.endpoint}"
        twins = self.edge_rows.setdefault(name, {})
        policy = repr(edge.policy)
        if policy in twins:
            return twins[policy]
        edge.name = name if not twins else f"{name} ({len(twins) + 1})"
        twins[policy] = len(self.edges)
        edge.channel = self._channel(client, edge.service, edge.policy, edge.probe)
        self.edges.append(edge)
        return len(self.edges) - 1

    def _channel(self, client: str, service: str, policy: CallPolicy, probe: str) -> int:
        """The ordinal of a client's balancer and connections towards a service; probes have their own."""
        known = self.channel_of.setdefault(client, {})
        balance, transport = policy.balance, self._transport(policy.transport)
        key = (service, balance.policy, repr(sorted(balance.params.items())), transport, probe)
        if key not in known:
            known[key] = len(known)
            self.followed.setdefault(client, []).append(not probe)
            self.balances.setdefault(client, []).append((service, balance, transport))
        return known[key]

    def _transport(self, transport: Transport) -> int:
        row = self.transport_row.setdefault(transport, len(self.transport_row))
        _check("transport", row + 1)
        return row

    # Tables

    def lower(self) -> Lowered:
        self._topology()
        self._programs()
        self._sources()
        self._probes()
        for transport, row in self.transport_row.items():
            add_transport(self.state, row, transport)
        self._channels()
        self._edges()
        self._plan()
        bins = np.zeros((len(self.endpoint_rows) + len(self.edges) + self._roots() + 1) * BINS, np.uint32)
        data = self.laws.data()
        set_arrays(self.state, data, bins)
        lowered = Lowered(
            self.state,
            entry_address(self.state),
            self.laws,
            data,
            bins,
            self.model,
            self.replication,
            self.zone,
            self.edges,
            self.endpoint_rows,
            self.instance_row,
            self.node_row,
            self.disk_row,
            self.behaviours,
            list(self.policy_row),
            self._clients(),
            self.probe_row,
        )
        if needs_wire(self.model, self.transport_row):
            lowered.lay_wires()
        return lowered

    def _clients(self) -> dict[str, dict[str, list[int]]]:
        """By client (an instance, or `source:NAME`) and service, the channels whose view follows what it is told."""
        S = self.state
        hosts = [
            (instance.name, service.name, S.instance[row].channels)
            for row, (service, instance) in enumerate(self.instances)
        ]
        hosts += [
            (f"source:{s.name}", f"source:{s.name}", S.source[row].channels) for row, s in enumerate(self.model.sources)
        ]
        clients: dict[str, dict[str, list[int]]] = {}
        for host, client, first in hosts:
            for ordinal, (service, _, _) in enumerate(self.balances.get(client, ())):
                if self.followed[client][ordinal]:
                    clients.setdefault(host, {}).setdefault(service, []).append(int(first) + ordinal)
        return clients

    def _roots(self) -> int:
        return sum(edge.is_root for edge in self.edges)

    def _topology(self) -> None:
        S, model = self.state, self.model
        for table, count in (("node", len(model.nodes)), ("instance", len(self.instances))):
            _check(table, count)
        S.nodes, S.instances = len(model.nodes), len(self.instances)
        S.node_rows, S.instance_rows = S.nodes, S.instances
        for row, node in enumerate(model.nodes):
            to = S.node[row]
            to.first_instance, to.zone, to.cores, to.speed = NONE, self.zone[node.site], node.cores, node.speed
            to.disk, to.memory = NONE, inf if node.memory_bytes is None else node.memory_bytes
        stats = 0
        for row, (service, instance) in enumerate(self.instances):
            self.first_instance.setdefault(service.name, row)
            self._instance(row, service, instance.node, instance.cores, stats)
            for endpoint in service.endpoints:
                self.endpoint_rows.append((instance.name, f"{service.name}.{endpoint.name}"))
            stats += len(service.endpoints)
        for row, service in enumerate(model.services):
            S.service[row].first_instance = self.first_instance.get(service.name, 0)
            S.service[row].instance_count = len(service.instances)
            S.service[row].group = NONE
        add_groups(S, model, self.replication)
        self.disk_row = devices.add_disks(S, model.nodes, self.laws)
        self._latencies()

    def _instance(self, row: int, service: Service, node: str, cores: float, stats: int) -> None:
        to = self.state.instance[row]
        host = self.node_row[node]
        to.service, to.node, to.zone = self.service_row[service.name], host, self.state.node[host].zone
        to.node_next, self.state.node[host].first_instance = self.state.node[host].first_instance, row
        self.state.position[row] = to.top = to.queue_head = to.queue_tail = to.queue_bound = NONE
        to.first_resident = to.last_resident = NONE
        to.own_cores, to.stats = cores, stats
        if isinstance(service.concurrency, Threads):
            to.model, to.workers = THREADS, service.concurrency.workers
            if service.concurrency.queue is not None:
                to.queue_bound = service.concurrency.queue
        elif isinstance(service.concurrency, EventLoop):
            to.model, to.own_cores = EVENT_LOOP, min(1.0, cores)
        else:
            to.model = GOROUTINES
        to.cores, to.own_speed, to.speed = to.own_cores, 1.0, self.model.nodes[host].speed
        devices.limit_memory(self.state, row, service.memory)
        clock = self.model.nodes[host].clock
        drift = 0.0 if clock is None else clock.drift
        to.drift, to.stretch = self.drifts.index(drift), 1.0 / (1.0 + drift)

    def _latencies(self) -> None:
        S, zones = self.state, len(self.zone)
        _check("latency", zones * zones)
        S.zones = zones
        S.latency[: zones * zones] = NONE
        for (sender, receiver), link in self.model.network.links.items():
            S.latency[self.zone[sender] * zones + self.zone[receiver]] = self.laws.add(link.latency)
        same_node = self.model.network.same_node
        S.same_node = NONE if same_node is None else self.laws.add(same_node)

    def _programs(self) -> None:
        for service in self.model.services:
            for endpoint in service.endpoints:
                name = f"{service.name}.{endpoint.name}"
                self.entries[service.name, endpoint.name] = self.program.handler(name, endpoint.steps)
        _check("step", len(self.program.rows))
        for row, fields in enumerate(self.program.rows):
            for name, value in fields.items():
                self.state.step[row][name] = value

    def _sources(self) -> None:
        _check("source", len(self.model.sources))
        users = 0
        for row, source in enumerate(self.model.sources):
            users += self._source(row, source, users)
        _check("branch", len(self.program.branches))
        for row, (pc, cumulative) in enumerate(self.program.branches):
            self.state.branch[row] = (pc, cumulative)

    def _source(self, row: int, source: Source, first_user: int) -> int:
        """Fill one source's row; returns its number of closed users."""
        to = self.state.source[row]
        to.zone = NONE if source.zone is None else self.zone[source.zone]
        to.key = stream_key(self.model.run.seed, self.replication, f"source:{source.name}")
        to.targets, to.target_count = len(self.program.branches), len(source.targets)
        client = f"source:{source.name}"
        slo_s = float("inf") if source.slo_latency_s is None else source.slo_latency_s
        self.program.reserve_branches([target.weight for target in source.targets])
        for number, target in enumerate(source.targets):
            edge = Edge(source.name, target.service, target.endpoint, source.policy, "", NONE, slo_s, True)
            self.program.set_branch(int(to.targets) + number, self._edge(edge, client))
        to.scripted = self._script(source)
        to.first_user = first_user
        lower_arrivals(to.arrival, source.arrivals, to.key, self.laws)
        if isinstance(source.arrivals, Closed):
            to.users = source.arrivals.users
            _check("user", first_user + source.arrivals.users)
            for user in range(first_user, first_user + source.arrivals.users):
                self.state.user[user].source = row
        return int(to.users)

    def _script(self, source: Source) -> int:
        """Where in the data the targets of a trace's requests stand; -1 without such a trace."""
        if not isinstance(source.arrivals, Trace) or source.arrivals.endpoints is None:
            return NONE
        targets = [f"{target.service}.{target.endpoint}" for target in source.targets]
        for name in source.arrivals.endpoint_names:
            if name not in targets:
                raise DsimError(
                    f"traffic.{source.name}.arrivals: {source.arrivals.origin} holds requests to {name!r}; `to:` lists "
                    f"{', '.join(targets)}; add it there"
                )
        numbers = np.array([targets.index(name) for name in source.arrivals.endpoint_names], np.float64)
        return self.laws.append(numbers[source.arrivals.endpoints])

    def _probes(self) -> None:
        for probe in self.model.probes:
            caller = f"{probe.client.removeprefix('source:')} ({probe.name})"
            edge = Edge(caller, probe.service, probe.endpoint, probe.policy, "", NONE, probe=probe.name)
            self.probe_row[probe.name] = self._edge(edge, probe.client)

    # Balancers

    def _channels(self) -> None:
        S, next_row = self.state, 0
        for row, service in enumerate(self.model.services):
            known = S.listing[row]
            known.start, known.count = self._members(row), len(service.instances)
            S.service[row].channel_count = len(self.balances.get(service.name, ()))
            for instance in range(len(service.instances)):
                S.instance[self.first_instance[service.name] + instance].channels = next_row
                next_row = self._client_channels(service.name, next_row)
        for row, source in enumerate(self.model.sources):
            S.source[row].channels = next_row
            next_row = self._client_channels(f"source:{source.name}", next_row)

    def _members(self, service: int) -> int:
        """Write the view of all of a service's instances; returns its start."""
        start = (
            0 if service == 0 else int(self.state.listing[service - 1].start + self.state.listing[service - 1].count)
        )
        count = len(self.model.services[service].instances)
        _check("member", start + count)
        self.state.member[start : start + count] = np.arange(count)
        return start

    def _client_channels(self, client: str, row: int) -> int:
        for service, balance, transport in self.balances.get(client, ()):
            _check("channel", row + 1)
            to = self.state.channel[row]
            to.transport, to.pools = transport, self._pools(service, transport)
            to.service, to.listing, to.policy = (
                self.service_row[service],
                self.service_row[service],
                self._policy(balance),
            )
            to.template, to.client_words, to.words = self._template(service, balance)
            row += 1
        return row

    def _pools(self, service: str, transport: int) -> int:
        """The first of a client's pools of connections, one a server; -1 where the transport has none."""
        if self.state.transport[transport].kind != TCP:
            return NONE
        first, count = self.pools, len(self.model.services[self.service_row[service]].instances)
        self.pools += count
        _check("pool", self.pools)
        for end in ("first", "last", "waiting_head", "waiting_tail"):
            self.state.pool[end][first : self.pools] = NONE
        return first

    def _policy(self, balance: Balance) -> int:
        if balance.policy not in self.policy_row:
            self.policy_row[balance.policy] = len(self.policy_row)
            for hook, address in addresses(POLICIES[balance.policy]).items():
                self.state.policy[self.policy_row[balance.policy]][hook] = address
        return self.policy_row[balance.policy]

    def _template(self, service: str, balance: Balance) -> tuple[int, int, int]:
        """(arena word, words of the client's record, words in all) of a balancer's initial image."""
        key = (service, balance.policy, repr(sorted(balance.params.items())))
        if key not in self.templates:
            policy = POLICIES[balance.policy]
            count = len(self.model.services[self.service_row[service]].instances)
            image = policy.image(balance.params, count)
            start = max(int(self.state.arena_used), 1)
            _check("arena", start + image.size)
            self.state.arena[start : start + image.size] = image
            self.state.arena_used = start + image.size
            self.state.channel_words = max(self.state.channel_words, image.size)
            self.templates[key] = (start, policy.client_type().itemsize // 8, image.size)
        return self.templates[key]

    def _edges(self) -> None:
        S = self.state
        _check("edge", len(self.edges))
        _check("stat", len(self.endpoint_rows) + len(self.edges))
        other = len(self.endpoint_rows) + len(self.edges)
        for row, edge in enumerate(self.edges):
            to = S.edge[row]
            service = self.model.services[self.service_row[edge.service]]
            to.service = self.service_row[edge.service]
            to.endpoint = [endpoint.name for endpoint in service.endpoints].index(edge.endpoint)
            to.entry = self.entries[edge.service, edge.endpoint]
            to.channel, to.slo = edge.channel, edge.slo_s
            called = next(endpoint for endpoint in service.endpoints if endpoint.name == edge.endpoint)
            to.request_bytes, to.response_bytes = called.request_bytes, called.response_bytes
            to.stat, to.other_bins = len(self.endpoint_rows) + row, NONE
            if edge.is_root:
                to.other_bins = other
                other += 1
            self._policy_of_edge(to, edge.policy)

    def _policy_of_edge(self, to: Any, policy: CallPolicy) -> None:
        to.timer, to.attempts = NONE, 1
        if policy.timeout_s is not None:
            to.timeout = policy.timeout_s
            each = len(self.drifts)
            to.timer = self.timers.setdefault(policy.timeout_s, len(self.timers)) * each
            _check("timer", len(self.timers) * each)
            for end in ("head", "tail"):
                self.state.timer[end][to.timer : to.timer + each] = NONE
        if policy.retry is not None:
            retry = policy.retry
            to.attempts, to.jitter = retry.attempts, JITTER[retry.jitter]
            to.retried = sum(1 << OUTCOMES.index(outcome) for outcome in retry.on if outcome != "too_deep")
            to.backoff, to.backoff_factor, to.backoff_max = retry.initial_s, retry.factor, retry.max_s

    def _plan(self) -> None:
        S, run = self.state, self.model.run
        rows = self.laws.rows()
        _check("distribution", len(rows))
        S.distribution[: len(rows)] = rows
        S.cohort_start, S.cohort_end = run.warmup_s, run.duration_s
        S.in_flight_limit, S.depth_limit = run.max_in_flight, run.depth_limit
        S.record_share = {"none": 0.0, "sample": run.record_share, "all": 1.0}[run.record]
        widest = max((int(row.get("c", 0)) for row in self.program.rows), default=0)
        S.reserve = widest + ROWS_SPARE


def lower(model: Model, replication: int) -> Lowered:
    """The tables of one replication of a model.

    Raises DsimError where the model does not fit the kernel's tables, PluginError where a policy does not compile.
    """
    return Lowering(model, replication).lower()

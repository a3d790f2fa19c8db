"""The control plane's hands on the data plane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from math import prod
from typing import Any, Literal

from sim.checks import CHECKS, Event, View
from sim.distributions import Distribution
from sim.engine import loop
from sim.engine.clock import Environment
from sim.engine.daemons import Daemon, operation_key
from sim.engine.groups import Groups
from sim.engine.hosts import SOURCE, Hosts
from sim.engine.mail import Mail
from sim.engine.memory import Fillings, OutOfMemory
from sim.engine.neighbours import Neighbours
from sim.engine.node_clocks import NodeClock
from sim.engine.starts import Starts
from sim.engine.views import Views
from sim.engine.wires import Change, Interference
from sim.errors import DsimError
from sim.model import TargetKind


class Cluster:
    """What failures, registries and a user's own processes may do to the running system. Acts happen at once."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._tables = env.tables
        self._speeds = {node.name: node.speed for node in env.tables.model.nodes}
        self._factors: dict[str, list[float]] = {}
        self._handles: dict[str, list[Any]] = {}
        self._starts = Starts(env)
        self._neighbours = Neighbours(env)
        self._disk_factors: dict[str, list[float]] = {}
        self._clocks = {node.name: NodeClock(env, node.clock) for node in env.tables.model.nodes}
        self.episodes: list[tuple[str, float, float]] = []
        """What happened to the system: (name, start in s, end in s)."""
        self._fillings = Fillings(self)
        self._out_of_memory = OutOfMemory(self)
        self.groups = Groups(env)
        """What members of replicated logs are told: `cluster.groups.leads("etcd-1", term=3)`."""
        self._network = Interference(
            env.tables, lambda row, bytes_per_s: self.env.control(loop.SET_SPEED, row, amount=bytes_per_s)
        )
        self._probed = 0
        self.components: dict[str, Any] = {}
        """What the model's components run as, by their names."""
        self.daemons: dict[str, Daemon] = {}
        """By address."""
        self.checks = [CHECKS[name]() for name in env.tables.model.checks]
        """Safety checkers that watch the run. Where there are none, nobody need make events for them."""
        self.log: list[tuple[float, str, str, str, str]] = []
        """What the control plane did: (time in s, component, event, subject, detail)."""
        self._published: dict[tuple[str, str], tuple[str, ...]] = {}
        self._left_out: dict[tuple[str, str], frozenset[str]] = {}

    @cached_property
    def hosts(self) -> Hosts:
        """Where daemons run."""
        return Hosts(self.env, self.clock, self.record)

    @cached_property
    def mail(self) -> Mail:
        """Carries the daemons' messages."""
        return Mail(self.env, self._network)

    @cached_property
    def _views(self) -> Views:
        return Views(self.env)

    def start_components(self) -> None:
        """Let the control plane begin: every component makes its daemons, then all of them start. From now on the log
        tells who lives, whether daemons run there or not."""
        self.env.on_life = lambda act, row: self.hosts.follow(act, row)
        for component in self._tables.model.components:
            component.start(self)
        for daemon in list(self.daemons.values()):
            daemon.started()

    def component(self, name: str) -> Any:
        """What a component of the model runs as."""
        return self.components[_known(self.components, name, "component")]

    def daemon(self, address: str) -> Daemon:
        return self.daemons[_known(self.daemons, address, "daemon")]

    def record(self, component: str, event: str, subject: str, detail: str = "", at_s: float | None = None) -> None:
        """Add a line to the control plane's log; of `at_s`, where only now it can be said what happened then."""
        line = (self.env.now if at_s is None else at_s, component, event, subject, detail)
        place = len(self.log)
        while place and self.log[place - 1][0] > line[0]:
            place -= 1
        self.log.insert(place, line)

    def observe(self, event: Event) -> None:
        """Tell the run's safety checkers what has happened."""
        for check in self.checks:
            check.observe(event)

    def violations(self) -> list[str]:
        """What the safety checkers found, a sentence each."""
        return [f"{check.name}: {sentence}" for check in self.checks for sentence in check.violations()]

    def publish(self, client: str, service: str, members: Sequence[str]) -> None:
        """From now on a client (an instance, or `source:NAME`) balances its calls to a service over exactly these
        instances, in this order. Of none: its calls end `unavailable`."""
        self._published[client, service] = tuple(members)
        self._show(client, service)

    def published(self, client: str, service: str) -> tuple[str, ...]:
        """The instances of a service that a client was told of, those among them that it leaves out."""
        told = self._published.get((client, service))
        return tuple(self.instances_of(service)) if told is None else told

    def leave_out(self, client: str, service: str, members: Collection[str]) -> None:
        """Of all that it is told of, a client does not call these: exactly these, from now on."""
        self._left_out[client, service] = frozenset(members)
        self._show(client, service)

    def _show(self, client: str, service: str) -> None:
        left_out = self._left_out.get((client, service), frozenset())
        members = [member for member in self.published(client, service) if member not in left_out]
        if self._views.publish(client, service, members):
            self.record("views", "view", client, f"{service}: {' '.join(members)}")
            self.observe(View(self.env.now, client, service, tuple(members)))

    def view(self, client: str, service: str) -> tuple[str, ...]:
        """The instances of a service that a client knows."""
        return self._views.known(client, service)

    def clients_of(self, service: str) -> list[str]:
        """Who calls a service: instances, and sources as `source:NAME`."""
        return [client for client, services in self._tables.clients.items() if service in services]

    def instances_of(self, service: str) -> list[str]:
        found = next(known for known in self._tables.model.services if known.name == service)
        return [instance.name for instance in found.instances]

    def node_of(self, instance: str) -> str:
        """The name of the node that an instance runs on."""
        return self._tables.model.nodes[int(self._tables.state["instance"][self._instance(instance)]["node"])].name

    def is_up(self, instance: str) -> bool:
        """Does a process live? For records only: no protocol may ask it."""
        return self.hosts.find(instance).up

    def stop_instance(self, name: str) -> None:
        """Ask a process to end (SIGTERM): its daemons say good-bye. Whoever asks ends it later."""
        self.record("truth", "stopping", name)
        host = self.hosts.find(name)
        for daemon in host.daemons:
            host.when_running(daemon.stopping, host.incarnation)

    def probe(self, client: str, name: str, instance: str, then: Callable[[str], None]) -> None:
        """Send one of the requests of `Model.probes` from a host to an instance, through its queue and the network;
        `then` gets the outcome, a word of `sim.kernel.codes`."""
        tables = self._tables
        edge = tables.probe_row[_known(tables.probe_row, name, "probe")]
        service = tables.state["service"][int(tables.state["edge"][edge]["service"])]
        ordinal = self._instance(instance) - int(service["first_instance"])
        if client.startswith(SOURCE):
            sources = [source.name for source in tables.model.sources]
            row = -1 - sources.index(client.removeprefix(SOURCE))
        else:
            row = self._instance(client)
        self._probed += 1
        plan = tables.model.run
        key = operation_key(f"{plan.seed}/{tables.replication}/probe/{client}/{name}/{instance}/{self._probed}")
        self.env.begin(loop.PROBE, edge, key, then, pc=row, amount=float(ordinal))

    def _node(self, name: str) -> int:
        return _row(self._tables.node_row, name, "node")

    def _instance(self, name: str) -> int:
        return _row(self._tables.instance_row, name, "instance")

    def crash(self, kind: TargetKind, name: str) -> None:
        """A node or an instance dies."""
        self.crash_node(name) if kind == "node" else self.crash_instance(name)

    def restore(self, kind: TargetKind, name: str) -> None:
        self.restore_node(name) if kind == "node" else self.restore_instance(name)

    def pause(self, kind: TargetKind, name: str) -> None:
        """A node or an instance stands still."""
        self.pause_node(name) if kind == "node" else self.pause_instance(name)

    def resume(self, kind: TargetKind, name: str) -> None:
        self.resume_node(name) if kind == "node" else self.resume_instance(name)

    def hold(self, owner: str, handles: Iterable[Any]) -> None:
        """Keep what `impair` or `change_link` gave to somebody, or whom a fault struck, until it is asked back."""
        self._handles.setdefault(owner, []).extend(handles)

    def release(self, owner: str) -> list[Any]:
        """What was kept for somebody, once."""
        return self._handles.pop(owner, [])

    def impair(
        self,
        senders: frozenset[str],
        receivers: frozenset[str],
        *,
        loss: float = 0.0,
        latency: Distribution | None = None,
    ) -> int:
        """Let messages from some places (nodes by name, sources as `source:NAME`) to others be lost with a probability
        (1: nothing passes, nor what is on its way), or take that much longer. Returns what `mend` asks for."""
        return self._network.impair(senders, receivers, loss, latency)

    def mend(self, handle: int) -> None:
        self._network.mend(handle)

    def change_link(
        self,
        sender: str,
        receiver: str,
        *,
        down: bool = False,
        latency_factor: float = 1.0,
        bandwidth_factor: float = 1.0,
        loss: float = 0.0,
    ) -> int:
        """Let one direction of a link between two sites be down (then ways lead around it, where there is a graph),
        slower, narrower, or lose more. Returns what `mend_link` asks for."""
        change = Change((sender, receiver), down, latency_factor, bandwidth_factor, loss)
        return self._network.change_link(change)

    def mend_link(self, handle: int) -> None:
        self._network.mend_link(handle)

    def hide_address(self, service: str) -> None:
        """Nobody who dials a service finds out where it is, until it is shown as often."""
        self._network.hide_address(service, 1)

    def show_address(self, service: str) -> None:
        self._network.hide_address(service, -1)

    def is_hidden(self, service: str) -> bool:
        """Do the name servers that know a service give no answer?"""
        return self._network.is_hidden(service)

    def crash_node(self, name: str) -> None:
        """The host dies: everything on it ends, nobody is told. Crashes nest: it is up after as many restores."""
        self.env.control(loop.CRASH_NODE, self._node(name))
        self._starts.crashed_node(name)

    def restore_node(self, name: str) -> None:
        self._starts.restoring_node(name)
        self.env.control(loop.RESTORE_NODE, self._node(name))

    def crash_instance(self, name: str) -> None:
        """The process dies: everything in it ends, callers are reset, later ones refused until it is restored."""
        self.env.control(loop.CRASH_INSTANCE, self._instance(name))
        self._starts.crashed(name)

    def restore_instance(self, name: str) -> None:
        self._starts.restoring(name)
        self.env.control(loop.RESTORE_INSTANCE, self._instance(name))

    def pause_node(self, name: str) -> None:
        """The host stalls: nothing on it goes on, all that comes waits. Pauses nest, as crashes do."""
        self.env.control(loop.PAUSE_NODE, self._node(name))

    def resume_node(self, name: str) -> None:
        self.env.control(loop.RESUME_NODE, self._node(name))

    def pause_instance(self, name: str) -> None:
        """The process stands still: it computes nothing, all that comes for it waits until it is resumed."""
        self.env.control(loop.PAUSE_INSTANCE, self._instance(name))

    def resume_instance(self, name: str) -> None:
        self.env.control(loop.RESUME_INSTANCE, self._instance(name))

    def slow_node(self, name: str, factor: float) -> None:
        """Its cores run at `factor` times the speed; factors multiply until they are taken back."""
        self._node(name)
        self._factors.setdefault(name, []).append(factor)
        self._set_speed(name)

    def unslow_node(self, name: str, factor: float) -> None:
        self._factors[name].remove(factor)
        self._set_speed(name)

    def stress_node(self, name: str, cores: float) -> None:
        """A neighbour wants so many of the node's cores, and competes for them as one more instance would."""
        self._node(name)
        self._neighbours.want(name, cores)

    def relieve_node(self, name: str, cores: float) -> None:
        self._neighbours.want_no_more(name, cores)

    def slow_disk(self, name: str, factor: float) -> None:
        """The node's disk works at `factor` times its speed; factors multiply until they are taken back."""
        self._disk(name)
        self._disk_factors.setdefault(name, []).append(factor)
        self._set_disk_speed(name)

    def unslow_disk(self, name: str, factor: float) -> None:
        self._disk_factors[name].remove(factor)
        self._set_disk_speed(name)

    def fill_memory(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        """So many bytes more are held: on a node by no instance, in an instance by no request. An instance that dies
        takes them with it."""
        self._fillings.fill(kind, name, size_bytes)

    def free_memory(self, kind: Literal["node", "instance"], name: str, size_bytes: float) -> None:
        self._fillings.free(kind, name, size_bytes)

    def clock(self, node: str) -> NodeClock:
        """The clocks that processes on a node read."""
        self._node(node)
        return self._clocks[node]

    def _disk(self, name: str) -> int:
        self._node(name)
        return _row(self._tables.disk_row, name, "disk of node")

    def _set_disk_speed(self, name: str) -> None:
        row = int(self._tables.state["instance"][self._disk(name)]["node"])
        self.env.control(loop.SET_SPEED, row, amount=prod(self._disk_factors[name]))

    def _set_speed(self, name: str) -> None:
        """From the factors in force, so that the full speed comes back to the last bit."""
        speed = self._speeds[name] * prod(self._factors[name])
        self.env.control(loop.SET_SPEED, self._node(name), amount=speed)


def _row(rows: dict[str, int], name: str, kind: str) -> int:
    return rows[_known(rows, name, kind)]


def _known(names: Collection[str], name: str, kind: str) -> str:
    if name not in names:
        raise DsimError(f"{kind} {name!r} does not exist; there are: {', '.join(names)}")
    return name

"""How clients learn where services are, and clusters that keep keys: the sections `registry`, `stores`, `checks`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.forms import MistakeError, MistakesError, listed
from sim.forms.base import Location
from sim.model import Component, Directory, Goroutines, Instance, Probe, Service, Source
from sim.registries import REGISTRY_FORMS, RegistryForm
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in, steps_in
from sim.scenario.placement import Placement
from sim.steps.guard import Guard
from sim.steps.leads import Leads
from sim.steps.lock import Lock, locks_in
from sim.units import format_duration

STATIC = "static"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one registry or store may ask (`sim.registries.RegistryScope`)."""

    name: str
    is_registry: bool
    registered: tuple[str, ...]
    placement: Placement
    occupied: tuple[str, ...]
    uses_disk: bool
    described: Mapping[str, Service]
    """The services of the file."""

    def health_endpoint(self, service: str) -> str:
        names = [endpoint.name for endpoint in self.described[service].endpoints]
        return next((name for name in ("health", "main") if name in names), names[0])

    def instances(self, service: str) -> tuple[Instance, ...]:
        return self.described[service].instances

    def servers(self, count: int, nodes: Sequence[str] | None, *, role: str = "", key: str = "nodes") -> Service:
        name = self._free(f"{self.name}-{role}" if role else self.name)
        return self._made(name, self.placement.add_servers(name, count, nodes, key, flushing=self.uses_disk))

    def agents(self, role: str, nodes: Iterable[str]) -> Service:
        name = self._free(f"{self.name}-{role}")
        return self._made(name, self.placement.add_agents(name, list(nodes), flushing=self.uses_disk))

    def _free(self, name: str) -> str:
        """A name that no service of the file has. Raises MistakeError."""
        if name in self.described:
            raise MistakeError(f"adds a service called {name}, but the scenario has one of that name; rename that one")
        return name

    def _made(self, name: str, instances: tuple[Instance, ...]) -> Service:
        others = {i.name for other, group in self.placement.instances.items() if other != name for i in group}
        if twice := next((i.name for i in instances if i.name in others), None):
            raise MistakeError(f"adds an instance called {twice}, but there is one of that name; rename its service")
        return Service(name, Goroutines(), instances, ())

    def hosts(self) -> tuple[str, ...]:
        return self.occupied


@dataclass(frozen=True, slots=True)
class Added:
    """What registries and stores add to a model."""

    components: tuple[Component, ...]
    probes: tuple[Probe, ...]
    services: tuple[Service, ...]
    talks: tuple[tuple[str, str], ...]
    """Pairs of services that exchange messages because of them."""
    clusters: Mapping[str, tuple[str, ...]]
    """The members that may lead, by the name of the registry (the first; `static` where there is none) or store."""
    directories: tuple[Directory, ...]
    looked_up: frozenset[str]
    """Services whose addresses are asked for by name."""
    wall_clocks: frozenset[str]
    """Services that it added and that go by the wall clocks of their nodes."""


def registries(
    form: ScenarioForm, placement: Placement, services: Sequence[Service], sources: Sequence[Source], findings: Findings
) -> Added:
    """The registry, if there is one, and all stores."""
    called = _called(services, sources)
    registered = tuple(s.name for s in services if form.services[s.name].registry is None)
    clients = [s for s in services if any(c.service in registered for e in s.endpoints for c in calls_in(e.steps))]
    concerned = dict.fromkeys([*registered, *(service.name for service in clients)])
    occupied = tuple(dict.fromkeys(i.node for s in services if s.name in concerned for i in s.instances))
    described = {service.name: service for service in services}
    components: list[Component] = []
    probes: list[Probe] = []
    added: list[Service] = []
    talks: list[tuple[str, str]] = []
    clusters: dict[str, tuple[str, ...]] = {STATIC if form.registry is None else form.registry.kind: ()}
    looked_up: set[str] = set()
    wall_clocks: set[str] = set()
    directories: list[Directory] = []
    for at, name, registry in _declared(form):
        is_registry = at == ("registry",)
        if not is_registry and name in clusters:
            text = f"got {name}, which is the registry, and a store itself under that name; remove it, or rename it"
            findings.add(form, at, text, ("registry",))
            continue
        scope = Scope(
            name, is_registry, registered if is_registry else (), placement, occupied, registry.uses_disk, described
        )
        try:
            own = registry.services(scope)
            if own and own[0].name in called:
                own = (registry.serving(own[0]), *own[1:])
            component = registry.resolve(scope, own)
            probed = registry.probes(scope, own)
        except (MistakeError, MistakesError) as error:
            given = form.given["registry"] if is_registry else form.given["stores"][name]
            findings.add_error(form, error, *at, *(given if isinstance(given, Mapping) else ()))
            continue
        added += own
        probes += probed
        components += [] if component is None else [component]
        clusters[name] = tuple(i.name for i in own[0].instances) if own and registry.has_leader else ()
        if own:
            members = tuple(i.name for i in own[0].instances)
            directories.append(Directory(name, registry.kind, registry.version, scope.registered, members))
        looked_up |= set(scope.registered) if registry.looks_up_names else set()
        wall_clocks |= {service.name for service in own} if registry.reads_wall_clocks else set()
        locks = [(s.name, k) for s in services for e in s.endpoints for k in locks_in(e.steps) if k.store == name]
        users = list(dict.fromkeys(user for user, _ in locks))
        for user, lock in locks:
            if lock.lease_s < registry.shortest_lease_s:
                least, asked = format_duration(registry.shortest_lease_s), format_duration(lock.lease_s)
                use = "to elect its leader" if isinstance(lock, Leads) else f"in its lock {lock.key}"
                text = f"{user} asks for a lease of {asked} {use}; must be at least {least}, as "
                findings.add(form, at, f"{text}{registry.kind} demands")
        talks += [(one, other.name) for one in [*concerned, *users, *(s.name for s in own)] for other in own]
        if not is_registry:
            text = (
                f"nobody uses it; remove it, or write e.g. lock: {{store: {name}, key: orders, steps: [{{cpu: 5ms}}]}}"
            )
            findings.weigh(form, at, bool(users) or name in called or not registry.has_locks, text)
    _weigh(form, called, registered, findings)
    _check_checks(form, services, findings)
    return Added(
        tuple(components),
        tuple(probes),
        tuple(added),
        tuple(talks),
        clusters,
        tuple(directories),
        frozenset(looked_up & called),
        frozenset(wall_clocks),
    )


def answering(form: ScenarioForm) -> dict[str, tuple[tuple[str, ...], int]]:
    """Endpoints and number of instances of what registries and stores let the scenario call."""
    return {name: (r.answers, int(r.setting("members"))) for _, name, r in _declared(form) if r.answers}


def stores_of(form: ScenarioForm) -> list[str]:
    """Names of what has locks: the stores, and a registry that does."""
    return [name for _, name, registry in _declared(form) if registry.has_locks]


def sessions_of(form: ScenarioForm) -> list[str]:
    """Those whose locks a living process keeps."""
    return [name for _, name, registry in _declared(form) if registry.keeps_alive]


def _declared(form: ScenarioForm) -> Iterator[tuple[Location, str, RegistryForm]]:
    if form.registry is not None:
        yield ("registry",), form.registry.kind, form.registry
    for name, store in form.stores.items():
        yield ("stores", name), name, store


def _called(services: Sequence[Service], sources: Sequence[Source]) -> set[str]:
    called = {call.service for s in services for e in s.endpoints for call in calls_in(e.steps)}
    return called | {target.service for source in sources for target in source.targets}


def _weigh(form: ScenarioForm, called: set[str], registered: Sequence[str], findings: Findings) -> None:
    kind = STATIC if form.registry is None else form.registry.kind
    if kind != STATIC:
        text = "nobody looks for a service in it: all that are called have registry: static; remove it"
        findings.weigh(form, ("registry",), bool(called & {*registered, kind}), text)
    for name, service in form.services.items():
        if service.registry is not None:
            text = "all lists are static: there is no registry; remove it, or write e.g. registry: etcd at the top"
            useful = kind != STATIC and name in called
            if kind != STATIC:
                text = f"nobody calls {name}, so nobody has a list of its instances; remove it"
            findings.weigh(form, ("services", name, "registry"), useful, text)


def held(form: ScenarioForm, services: Sequence[Service]) -> tuple[str, ...]:
    """The checks that something here can be held against: of variants with several kinds, not all can everywhere."""
    return tuple(check for check in form.checks if not _missing(check, form, services))


def _missing(check: str, form: ScenarioForm, services: Sequence[Service]) -> str:
    """Why nothing here can be held against a check, and what to write; empty where something can."""
    able = [name for _, name, registry in _declared(form) if check in registry.checks]
    if not able:
        kinds = [kind for kind, other in REGISTRY_FORMS.items() if check in other.checks and other.is_registry]
        return f"nothing here can be held against it; write e.g. registry: {listed(kinds, 'or')}"
    steps = [step for service in services for endpoint in service.endpoints for step in steps_in(endpoint.steps)]
    if check == "linearizable" and not any(isinstance(step, Lock | Leads) and step.store in able for step in steps):
        way = f"lock: {{store: {able[0]}, key: orders, steps: [{{cpu: 5ms}}]}}"
        return f"it holds locks against it, and nobody locks anything in {listed(able, 'or')}; write e.g. {way}"
    if check == "fencing" and not any(isinstance(step, Guard) for step in steps):
        way = "guard: {resource: ledger, fencing: true}"
        return f"it watches writes to what a lock guards, and nothing here has a guard; write e.g. {way}"
    return ""


def _check_checks(form: ScenarioForm, services: Sequence[Service], findings: Findings) -> None:
    """Something in the scenario keeps, or does, what is to be checked."""
    for position, check in enumerate(form.checks):
        text = _missing(check, form, services)
        findings.weigh(form, ("checks", position), not text, f"got {check}, but {text}, or remove it")

"""The human side of registries: how a kind is named, its versions, and what it adds to the model.

A kind's form subclasses RegistryForm in the kind's own file, which registers it. `etcd` is the kind's default version,
`etcd@3.4` another; each key that is left out has that version's value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import PlainValidator, PrivateAttr, ValidationInfo, WithJsonSchema

from sim.forms import Form, MistakeError, MistakesError, inside, show, unknown
from sim.forms.base import Mistake, not_one, read_as, schema_of
from sim.model import Component, Instance, Probe, Service

REGISTRY_FORMS: dict[str, type[RegistryForm]] = {}
"""By the name of the kind."""


class RegistryScope(Protocol):
    """What a kind may ask about the scenario while it is resolved (`sim.scenario.registries` answers)."""

    @property
    def name(self) -> str:
        """What it is called: its kind, or the name under `stores`. Services that it adds begin with it."""

    @property
    def is_registry(self) -> bool:
        """Does it say where services are? Else it is a store."""

    @property
    def registered(self) -> tuple[str, ...]:
        """Services that are found through it; none in a store."""

    def health_endpoint(self, service: str) -> str:
        """What checks of a registered service ask for: its endpoint `health` if it has one, else `main`, else its
        first."""

    def instances(self, service: str) -> tuple[Instance, ...]:
        """The instances of a registered service."""

    def servers(self, count: int, nodes: Sequence[str] | None, *, role: str = "", key: str = "nodes") -> Service:
        """A service NAME, or NAME-ROLE, of so many instances NAME-1, NAME-2 …, placed on groups of nodes as the
        services of the file are, after them; without `nodes`, which the form has under a key, each on a host of its
        own. Raises MistakesError."""

    def agents(self, role: str, nodes: Iterable[str]) -> Service:
        """A service NAME-ROLE of one instance a node, called NAME-ROLE-NODE."""

    def hosts(self) -> tuple[str, ...]:
        """Nodes on which registered services or their clients run, in the order of the file."""


class RegistryForm(Form, ABC):
    """Base of the human forms of registries. All keys may be left out: a version has a value for each, but where
    None is one (`nodes`)."""

    kind: ClassVar[str]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"": {}}
    """By version, the value of each key, in base units. The first is the one that the kind's name alone means."""
    is_registry: ClassVar[bool] = True
    """May it stand under `registry`?"""
    is_store: ClassVar[bool] = False
    """May it stand under `stores`?"""
    has_locks: ClassVar[bool] = False
    """Can steps have locks of it? Then what `start` puts into `cluster.components` has `locks`
    (`sim.registries.store`)."""
    keeps_alive: ClassVar[bool] = False
    """Does a process keep its locks for as long as it lives, and hear when it has lost one (`Holding.lose`)?"""
    shortest_lease_s: ClassVar[float] = 0.0
    """Below which it refuses the lease of a lock."""
    reads_wall_clocks: ClassVar[bool] = False
    """Do its servers go by the wall clocks of their nodes, so that `clock_jump` strikes them?"""
    checks: ClassVar[tuple[str, ...]] = ()
    """Which of the scenario's `checks` can be held against it."""
    has_leader: ClassVar[bool] = False
    """Do the instances of the first service that it adds elect a leader, whom faults may strike? Then what `start` puts
    into `cluster.components` has a method `leader()`: the name of an instance, or None while nobody leads."""
    looks_up_names: ClassVar[bool] = False
    """Do clients ask it for addresses, so that `dns_outage` strikes it?"""
    uses_disk: ClassVar[bool] = False
    """Do its servers flush to the disks of their nodes?"""
    answers: ClassVar[tuple[str, ...]] = ()
    """Endpoints of the first service that it adds, which the scenario may call as any other's."""

    _version: str = PrivateAttr("")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            REGISTRY_FORMS[cls.kind] = cls

    @property
    def version(self) -> str:
        return self._version

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The kind, and each version of it, as a file names them."""
        return (cls.kind, *(f"{cls.kind}@{version}" for version in cls.presets if version))

    def setting(self, key: str) -> Any:
        """What was given, or what the version has."""
        value = getattr(self, key)
        return self.presets[self._version].get(key) if value is None else value

    def contradictions(self) -> Iterator[Mistake]:
        """Mistakes between settings, those of the version included."""
        yield from ()

    def services(self, scope: RegistryScope) -> tuple[Service, ...]:
        """The processes that it adds to the model: servers, agents. Raises MistakeError or MistakesError."""
        return ()

    def serving(self, servers: Service) -> Service:
        """The first service that it adds, once somebody calls one of its `answers`."""
        return servers

    def probes(self, scope: RegistryScope, services: tuple[Service, ...]) -> tuple[Probe, ...]:
        """The requests that its daemons may send to instances (`Daemon.probe`), with the services that it added."""
        return ()

    @abstractmethod
    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> Component | None:
        """The machine form, with the services that it added; None where nothing runs."""


def read_registry(value: Any, info: ValidationInfo) -> RegistryForm:
    """A kind that says where services are, or a version of it: alone or as a mapping to its keys."""
    form = _read(value, info)
    if not form.is_registry:
        raise MistakeError(f"got {form.kind}, which keeps locks only; write stores: {{locks: {form.kind}}}")
    return form


def _read(value: Any, info: ValidationInfo) -> RegistryForm:
    if isinstance(value, str):
        return _build(value, {}, info.context)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MistakeError(not_one(value, "one kind of registry such as etcd"))
    [(name, given)] = value.items()
    with inside(name):
        if not isinstance(given, Mapping):
            raise MistakeError(f"got {show(given)}; must be a mapping of its keys; write {name}: {{}} for none")
        return _build(name, given, info.context)


def read_store(value: Any, info: ValidationInfo) -> RegistryForm:
    """As `read_registry`, of a kind that keeps keys."""
    form = _read(value, info)
    if not form.is_store:
        stores = [kind for kind, other in REGISTRY_FORMS.items() if other.is_store]
        raise MistakeError(unknown("store", form.kind, stores))
    return form


def _build(name: str, given: Mapping[str, Any], context: Any) -> RegistryForm:
    kind, _, version = name.partition("@")
    if kind not in REGISTRY_FORMS:
        raise MistakeError(unknown("registry", kind, REGISTRY_FORMS))
    cls = REGISTRY_FORMS[kind]
    if name not in cls.names():
        raise MistakeError(unknown(f"version of {kind}", name, cls.names()))
    form: RegistryForm = read_as(cls, given, context)
    form._version = version or next(iter(cls.presets))
    if found := list(form.contradictions()):
        raise MistakesError(found)
    return form


RegistryField = Annotated[RegistryForm, PlainValidator(read_registry), WithJsonSchema(schema_of("Registry"))]
StoreField = Annotated[RegistryForm, PlainValidator(read_store), WithJsonSchema(schema_of("Store"))]

"""The human side of faults: whom one strikes and when, and how an entry of `failures` is read.

A kind's form subclasses FaultForm in the kind's own file, which registers it; the key that names the kind is a field
and says whom the fault strikes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.forms import DistributionField, Form, MistakeError, MistakesError, inside, listed, show, suggestion
from sim.forms.base import Mistake, not_one, read_as, read_each, schema_of
from sim.forms.fields import Duration, DurationOrZero, read_identifier
from sim.model import Fault, Once, Renewal, TargetKind, When

FAULT_FORMS: dict[str, type[FaultForm]] = {}
"""By the key that names the kind."""
SCHEDULES = "keep at and for on a schedule, or mtbf and mttr at random"
SHAPE = "a mapping such as {at: 40s, crash: app-2, for: 20s}"
LATER = frozenset({"partition", "loss", "latency", "outage", "restart", "every", "clock"})


class TargetName(NamedTuple):
    """`kind` None: whichever of the two has the name."""

    kind: TargetKind | None
    name: str


def _read_target(value: Any) -> TargetName:
    if isinstance(value, Mapping):
        if len(value) != 1 or next(iter(value)) not in ("node", "instance"):
            raise MistakeError(not_one(value, "a node or an instance; write e.g. {node: app-2}"))
        [(kind, name)] = value.items()
        with inside(kind):
            return TargetName(kind, read_identifier(name))
    if not isinstance(value, str):
        raise MistakeError(f"got {show(value)}; must name a node or an instance, or list some")
    return TargetName(None, read_identifier(value))


def _read_targets(value: Any) -> tuple[TargetName, ...]:
    if not isinstance(value, list):
        return (_read_target(value),)
    if not value:
        raise MistakeError("got an empty list; must name at least one node or instance")
    return tuple(read_each(value, _read_target))


TargetsField = Annotated[tuple[TargetName, ...], PlainValidator(_read_targets), WithJsonSchema(schema_of("Targets"))]


class FaultForm(Form, ABC):
    """Base of the human forms of faults."""

    kind: ClassVar[str]
    example: ClassVar[str]
    target_kinds: ClassVar[tuple[TargetKind, ...]] = ("node", "instance")
    later = LATER
    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        {
            "oneOf": [
                {"required": ["at"], "properties": {"mtbf": False, "mttr": False}},
                {"required": ["mtbf", "mttr"], "properties": {"at": False, "for": False}},
            ]
        },
    )

    at: DurationOrZero | None = Field(None, examples=["40s"])
    for_: Duration | None = Field(None, alias="for", examples=["20s"])

    mtbf: DistributionField | None = Field(None, examples=["exponential(10min)"])
    mttr: DistributionField | None = Field(None, examples=["exponential(30s)"])

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        FAULT_FORMS[cls.kind] = cls

    def problems(self) -> Iterator[Mistake]:
        if self.mtbf is None and self.mttr is None:
            if self.at is None:
                random = "mtbf: exponential(10min) and mttr: exponential(30s)"
                yield Mistake((), f"the key at is missing; write e.g. at: 40s, or for a fault at random {random}")
            return
        for key, value in (("at", self.at), ("for", self.for_)):
            if value is not None:
                yield Mistake((key,), f"got {key} beside {self._random_keys()}; must be one of both; {SCHEDULES}")
        for key, law in (("mtbf", self.mtbf), ("mttr", self.mttr)):
            example = type(self).model_fields[key].examples
            assert example
            if law is None:
                yield Mistake(
                    (), f"the key {key} is missing beside {self._random_keys()}; write e.g. {key}: {example[0]}"
                )
            elif law.mean() <= 0.0:
                yield Mistake((key,), f"got a mean of 0s; must be above 0s; write e.g. {key}: {example[0]}")

    def _random_keys(self) -> str:
        return listed(key for key in ("mtbf", "mttr") if getattr(self, key) is not None)

    @property
    def targets(self) -> tuple[TargetName, ...]:
        named: tuple[TargetName, ...] = getattr(self, self.kind)
        return named

    @property
    def when(self) -> When:
        if self.at is not None:
            return Once(self.at, self.for_)
        assert self.mtbf is not None
        assert self.mttr is not None
        return Renewal(self.mtbf, self.mttr)

    @abstractmethod
    def fault(self, name: str, cause: str, target_kind: TargetKind, target: str, when: When) -> Fault:
        """The machine form for one target."""


def _read_fault(value: Any, info: ValidationInfo) -> FaultForm:
    if not isinstance(value, Mapping):
        raise MistakeError(f"got {show(value)}; must be {SHAPE}")
    named = [key for key in value if key in FAULT_FORMS and value[key] is not None] or [
        key for key in value if key in FAULT_FORMS
    ]
    if not named:
        raise MistakesError([_without_kind(value)])
    if len(named) > 1:
        raise MistakeError(f"got {listed(named)} in one fault; must be one kind a fault; write an entry for each")
    form = read_as(FAULT_FORMS[named[0]], value, info.context)
    assert isinstance(form, FaultForm)
    return form


def _without_kind(value: Mapping[str, Any]) -> Mistake:
    """What breaks is not said, or not understood."""
    kinds = list(FAULT_FORMS)
    for key in value:
        if key in LATER:
            return Mistake((key,), f"{key} is not supported yet; allowed here: {', '.join(kinds)}; remove it")
        if key not in FaultForm.model_fields and (meant := suggestion(str(key), kinds)):
            return Mistake((key,), f"unknown key {show(key)}; allowed here: {', '.join(kinds)}{meant}")
    return Mistake(
        (), f"what breaks is missing; must have one of the keys {listed(kinds, 'or')}; write e.g. crash: app-2"
    )


Faults = Annotated[FaultForm, PlainValidator(_read_fault), WithJsonSchema(schema_of("Fault"))]
"""One entry of the section `failures`."""

"""The human side of faults: when one strikes, and how an entry of `failures` is read.

A kind's form subclasses FaultForm in the kind's own file, which registers it; the key that names the kind is a field
and says whom the fault strikes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.failures.common_cause import split
from sim.failures.system import System
from sim.forms import DistributionField, Form, MistakeError, MistakesError, inside, listed, show, suggestion
from sim.forms.base import Location, Mistake, read_as, schema_of
from sim.forms.fields import Duration, DurationOrZero, Probability
from sim.model import Fault, Once, Renewal, When

if TYPE_CHECKING:
    from sim.failures.dice import Dice, Places

FAULT_FORMS: dict[str, type[FaultForm]] = {}
"""By the key that names the kind."""
SCHEDULES = "keep at and for on a schedule, or mtbf and mttr at random"
SHAPE = "a mapping such as {at: 40s, crash: app-2, for: 20s}"
LATER: frozenset[str] = frozenset()


class Strike(NamedTuple):
    """A fault as it comes from an entry: the place inside the entry that names what it strikes, and, where it would
    change nothing, why."""

    where: Location
    fault: Fault
    idle: str = ""


class FaultForm(Form, ABC):
    """Base of the human forms of faults, here of one that strikes on a schedule only."""

    kind: ClassVar[str]
    example: ClassVar[str]
    needs: ClassVar[tuple[Location, ...]] = (("nodes",), ("services",), ("registry",), ("stores",))
    """Sections that its names refer to."""
    later = LATER
    rules: ClassVar[Sequence[Mapping[str, Any]]] = ({"required": ["at"]},)

    at: DurationOrZero | None = Field(None, examples=["40s"])
    for_: Duration | None = Field(None, alias="for", examples=["20s"])

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            FAULT_FORMS[cls.kind] = cls

    def problems(self) -> Iterator[Mistake]:
        if self.at is None:
            yield Mistake((), "the key at is missing; write e.g. at: 40s")

    @property
    def when(self) -> When:
        assert self.at is not None
        return Once(self.at, self.for_)

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        """The keys of one at random, but for its time; None where it cannot strike, or is never drawn."""
        return None

    @abstractmethod
    def strikes(self, cause: str, system: System) -> list[Strike]:
        """What comes of an entry called `cause`. Raises MistakeError or MistakesError."""


class RandomFaultForm(FaultForm):
    """Strikes on a schedule or at random."""

    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        {
            "oneOf": [
                {"required": ["at"], "properties": {"mtbf": False, "mttr": False}},
                {"required": ["mtbf", "mttr"], "properties": {"at": False, "for": False}},
            ]
        },
    )

    mtbf: DistributionField | None = Field(None, examples=["exponential(10min)"])
    mttr: DistributionField | None = Field(None, examples=["exponential(30s)"])

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
    def when(self) -> When:
        if self.at is not None:
            return Once(self.at, self.for_)
        assert self.mtbf is not None
        assert self.mttr is not None
        return Renewal(self.mtbf, self.mttr)


class TargetsForm(RandomFaultForm):
    """Strikes each of its targets, of which there may be several; at random independently, but for a shared cause."""

    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *RandomFaultForm.rules,
        {"if": {"required": ["common_cause"]}, "then": {"required": ["mtbf"], "properties": {"at": False}}},
        {"properties": {"common_cause": {"pattern": "[1-9]"}}},
    )

    common_cause: Probability | None = Field(None, examples=["10%"])

    @property
    def targets(self) -> tuple[Any, ...]:
        named: tuple[Any, ...] = getattr(self, self.kind)
        return named

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.common_cause is None:
            return
        if self.common_cause == 0.0:
            yield Mistake(("common_cause",), "got 0%; must be above 0%; remove it for targets that fail independently")
        if self.mtbf is None and self.at is not None:
            text = "got a common cause beside at, which strikes all targets together anyway; must be beside mtbf and"
            yield Mistake(("common_cause",), f"{text} mttr; remove it")
        elif len(self.targets) < 2:
            text = f"got a common cause of one target; must be of several; write {self.kind}: as a list"
            yield Mistake(("common_cause",), text)

    def strikes(self, cause: str, system: System) -> list[Strike]:
        """One for each target; with several, each has the target in its name."""
        several = len(self.targets) > 1
        found: list[Strike] = []
        mistakes: list[Mistake] = []
        seen: set[tuple[str, str]] = set()
        for position, target in enumerate(self.targets):
            where = (self.kind, position) if several else (self.kind,)
            try:
                with inside(*where):
                    fault = self.fault(target, system, cause)
                    if (fault.target_kind, fault.target) in seen:
                        what = fault.target if fault.target_kind in ("node", "instance") else fault.subject
                        raise MistakeError(f"got {what} a second time; must be different ones; remove one")
            except MistakesError as error:
                mistakes += error.found
                continue
            seen.add((fault.target_kind, fault.target))
            fault = replace(fault, name=f"{cause} ({fault.target})") if several else fault
            found.append(Strike(where, fault, self.idle(fault, system)))
        if mistakes:
            raise MistakesError(mistakes)
        if self.common_cause is None:
            return found
        parts = split([strike.fault for strike in found], cause, self.common_cause)
        return list(_placed(found, parts))

    @abstractmethod
    def fault(self, target: Any, system: System, cause: str) -> Fault:
        """The machine form for one target. Raises MistakeError or MistakesError."""

    def idle(self, fault: Fault, system: System) -> str:
        """Why a fault changes nothing, or nothing: here, that nothing runs on its nodes."""
        if fault.instances or not fault.nodes or any(node in system.occupied for node in fault.nodes):
            return ""
        return f"nothing runs on {fault.target}, so nothing fails; name another {fault.target_kind}, or remove it"


def _placed(strikes: Sequence[Strike], faults: Sequence[Fault]) -> Iterator[Strike]:
    """Faults that came of splitting, each where its target is named; the shared one where the kind is."""
    by_target = {strike.fault.target: strike for strike in strikes}
    for fault in faults:
        strike = by_target.get(fault.target)
        yield Strike(strikes[0].where[:1], fault) if strike is None else strike._replace(fault=fault)


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
    keys = {info.alias or name for form in FAULT_FORMS.values() for name, info in form.model_fields.items()}
    for key in value:
        if key in LATER:
            return Mistake((key,), f"{key} is not supported yet; allowed here: {', '.join(kinds)}; remove it")
        if key not in keys and (meant := suggestion(str(key), kinds)):
            return Mistake((key,), f"unknown key {show(key)}; allowed here: {', '.join(kinds)}{meant}")
    return Mistake(
        (), f"what breaks is missing; must have one of the keys {listed(kinds, 'or')}; write e.g. crash: app-2"
    )


Faults = Annotated[FaultForm, PlainValidator(_read_fault), WithJsonSchema(schema_of("Fault"))]
"""One entry of the section `failures`."""

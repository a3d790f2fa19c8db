"""The human side of steps: what each kind declares, and how lists of steps are read.

A kind's form subclasses StepForm in the kind's own file, which registers it; the key that names the kind is a field.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from sim.forms.base import Form, MistakeError, listed, read_as, read_each, schema_of, show, unknown
from sim.forms.policy import CallPolicyForm
from sim.model import CallPolicy

STEP_FORMS: dict[str, type[StepForm]] = {}
"""By the key that names the kind."""
LATER = frozenset({"cache", "publish", "consume", "store", "hedge", "sleep_until", "quorum"})
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)?")


class StepScope(Protocol):
    """What a step may ask about its surroundings while it is resolved."""

    def steps(self, forms: Sequence[StepForm]) -> tuple[Any, ...]:
        """The machine form of some steps; mistakes are gathered, not raised."""

    def callee(self, reference: str) -> tuple[str, str]:
        """(service, endpoint). Raises MistakeError for a name that stands for nothing."""

    def policy(self, service: str, endpoint: str, inline: CallPolicyForm) -> CallPolicy:
        """The caller's policy towards an endpoint. Raises MistakesError."""

    def check_store(self, store: str) -> None:
        """Raises MistakesError unless the scenario has such a store, or a registry that keeps keys of that name."""

    def check_function(self, function: str) -> None:
        """Raises MistakeError unless a plugin that was loaded has it."""


class StepForm(Form, ABC):
    """Base of the human forms of steps."""

    kind: ClassVar[str]
    is_handler: ClassVar[bool] = False
    """Is it a whole endpoint, rather than one step of a list?"""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        STEP_FORMS[cls.kind] = cls

    @abstractmethod
    def resolve(self, scope: StepScope) -> Any:
        """The machine form. Raises MistakeError or MistakesError, located within this form."""


def read_step(value: Any, info: ValidationInfo) -> StepForm:
    kinds = [kind for kind, form in STEP_FORMS.items() if not form.is_handler]
    if not isinstance(value, Mapping) or not value:
        raise MistakeError(f"got {show(value)}; must be a step, one of {listed(kinds, 'or')}; write e.g. {{cpu: 5ms}}")
    named = [key for key in value if key in STEP_FORMS]
    if not named:
        raise MistakeError(_unknown_kind(next(iter(value)), kinds))
    if len(named) > 1:
        raise MistakeError(f"got {listed(named)} in one step; must be one kind a step; put a - in front of each")
    form = STEP_FORMS[named[0]]
    if form.is_handler:
        example = f"endpoints: {{read: {{{named[0]}: {form.model_fields[named[0]].examples[0]}}}}}"  # type: ignore[index]
        raise MistakeError(f"got {named[0]} in a list of steps; must be the whole endpoint; write e.g. {example}")
    step = read_as(form, value, info.context)
    assert isinstance(step, StepForm)
    return step


def read_steps(value: Any, info: ValidationInfo) -> tuple[StepForm, ...]:
    if not isinstance(value, list):
        raise MistakeError(f"got {show(value)}; must be a list of steps; write e.g. [{{cpu: 5ms}}, {{io: 10ms}}]")
    return tuple(read_each(value, lambda item: read_step(item, info)))


def _read_branches(value: Any, info: ValidationInfo) -> tuple[tuple[StepForm, ...], ...]:
    if not isinstance(value, list) or not value:
        raise MistakeError(
            f"got {show(value)}; must be a list of branches; write e.g. [{{call: cart}}, {{call: price}}]"
        )

    def branch(item: Any) -> tuple[StepForm, ...]:
        return read_steps(item, info) if isinstance(item, list) else (read_step(item, info),)

    return tuple(read_each(value, branch))


def read_reference(value: Any) -> str:
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise MistakeError(f"got {show(value)}; must name a service or one of its endpoints, such as orders.place")
    return str(value)


def _unknown_kind(key: str, kinds: Sequence[str]) -> str:
    if key in LATER:
        return f"the step {key} is not supported yet; must be one of {listed(kinds, 'or')}; remove it"
    return unknown("step", key, kinds, "write e.g. {cpu: 5ms}")


STEPS_SCHEMA = {"type": "array", "items": schema_of("Step")}
BRANCHES_SCHEMA = {"type": "array", "items": {"anyOf": [schema_of("Step"), STEPS_SCHEMA]}, "minItems": 1}
REFERENCE_SCHEMA = {"type": "string", "pattern": f"^{_REFERENCE.pattern}$"}

Steps = Annotated[tuple[StepForm, ...], PlainValidator(read_steps), WithJsonSchema(STEPS_SCHEMA)]
Branches = Annotated[
    tuple[tuple[StepForm, ...], ...],
    PlainValidator(_read_branches),
    WithJsonSchema(BRANCHES_SCHEMA),
]
"""Of `parallel`: each branch is a step or a list of steps."""
Reference = Annotated[str, PlainValidator(read_reference), WithJsonSchema(REFERENCE_SCHEMA)]
"""A service, or one of its endpoints as `service.endpoint`."""

"""How a caller calls: balancing, timeout and retries, laid over each other from the widest to the narrowest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.balancing import POLICIES, Policy
from sim.forms.base import (
    Form,
    Mistake,
    MistakeError,
    MistakesError,
    inside,
    not_one,
    read_as,
    read_each,
    schema_of,
    show,
    unknown,
)
from sim.forms.declared import DISTRIBUTION, read_declared
from sim.forms.fields import Duration, Jitter, PositiveNumber, TimeoutField, choice_reader, read_count
from sim.forms.health import HealthField
from sim.forms.parameters import example, read_parameters
from sim.forms.transport import TransportField
from sim.model import FAILURES, Balance, CallPolicy, HealthCheck, Outcome, Retry, Transport
from sim.units import format_duration

DEFAULT_BALANCE = "round_robin"
DEFAULT_BACKOFF: dict[str, Any] = {"initial": 0.025, "factor": 2.0, "max": 1.0, "jitter": "full"}
MOST_ATTEMPTS = 1000
RETRIED: tuple[Outcome, ...] = tuple(outcome for outcome in FAILURES if outcome != "too_deep")


class BackoffForm(Form):
    shape = "a mapping such as {initial: 10ms, factor: 2, max: 1s, jitter: full}"

    initial: Duration = Field(DEFAULT_BACKOFF["initial"], examples=["10ms"])
    factor: PositiveNumber = Field(DEFAULT_BACKOFF["factor"], examples=[2])
    max: Duration = Field(DEFAULT_BACKOFF["max"], examples=["1s"])
    jitter: Jitter = Field(DEFAULT_BACKOFF["jitter"], examples=["full"])

    rules = ({"properties": {"factor": {"minimum": 1}}},)

    def problems(self) -> Iterator[Mistake]:
        if self.factor < 1:
            yield Mistake(("factor",), f"got {self.factor:g}; must be a number of at least 1; write e.g. factor: 2")


def _read_outcomes(value: Any) -> tuple[Outcome, ...]:
    if not isinstance(value, list) or not value:
        raise MistakeError(f"got {show(value)}; must be a list of outcomes")
    given = read_each(value, choice_reader(*RETRIED))
    return tuple(outcome for outcome in RETRIED if outcome in given)


Outcomes = Annotated[
    tuple[Outcome, ...],
    PlainValidator(_read_outcomes),
    WithJsonSchema({"type": "array", "items": {"enum": list(RETRIED)}, "minItems": 1}),
]


def _read_attempts(value: Any) -> int:
    if value == 1:
        raise MistakeError("got 1; must be at least 2, the first try included; write retry: none for no retries")
    return read_count(value, least=2, most=MOST_ATTEMPTS)


Attempts = Annotated[
    int, PlainValidator(_read_attempts), WithJsonSchema({"type": "integer", "minimum": 2, "maximum": MOST_ATTEMPTS})
]


class RetryForm(Form):
    shape = "a mapping such as {attempts: 3}, or none"
    later = frozenset({"budget"})

    attempts: Attempts | None = Field(None, examples=[3])
    backoff: BackoffForm = Field(BackoffForm(), examples=["{initial: 10ms, factor: 2, max: 1s, jitter: full}"])
    on: Outcomes = Field(RETRIED, examples=["[timeout, refused]"])


def _read_retry(value: Any, info: ValidationInfo) -> RetryForm | None:
    return None if value == "none" else read_as(RetryForm, value, info.context)


RetryField = Annotated[RetryForm | None, PlainValidator(_read_retry), WithJsonSchema(schema_of("Retry"))]


def read_balance(value: Any, info: ValidationInfo) -> Balance:
    """A registered policy with all of its parameters."""
    folder = (info.context or {}).get("folder")
    if isinstance(value, str):
        return _balance(value, {}, folder)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MistakeError(not_one(value, "one policy such as power_of_two"))
    [(name, given)] = value.items()
    with inside(name):
        if not isinstance(given, Mapping):
            raise MistakeError(f"got {show(given)}; must be the policy's parameters; write e.g. {_canonical(name)}")
        return _balance(name, given, folder)


def _balance(name: str, given: Mapping[str, Any], folder: Path | None) -> Balance:
    policy = _policy(name)
    missing = [key for key, rule in policy.parameters.items() if rule.default is None and key not in given]
    values = read_parameters(
        policy.parameters, given, folder, lambda item, base: read_declared(DISTRIBUTION, item, base), _canonical(name)
    )
    if missing:
        raise MistakeError(f"{name} needs the key {missing[0]}; write e.g. {_canonical(name)}")
    defaults = {key: rule.default for key, rule in policy.parameters.items() if key not in values}
    return Balance(policy.name, {key: _frozen((values | defaults)[key]) for key in policy.parameters})


def _policy(name: str) -> type[Policy]:
    if name not in POLICIES:
        raise MistakeError(unknown("balancing policy", name, POLICIES, "a policy of your own needs --plugin FILE.py"))
    return POLICIES[name]


def _canonical(name: str) -> str:
    parameters = _policy(name).parameters
    inner = ", ".join(f"{key}: {example(rule)}" for key, rule in parameters.items())
    return f"{{{name}: {{{inner}}}}}" if inner else name


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


BalanceField = Annotated[Balance, PlainValidator(read_balance), WithJsonSchema(schema_of("Balance"))]


class CallPolicyForm(Form):
    """Keys left out are taken from the next wider policy."""

    shape = "a mapping such as {balance: power_of_two, timeout: 250ms}"
    later = frozenset({"circuit_breaker", "hedge", "limit", "outlier_ejection", "budget", "bulkhead"})

    balance: BalanceField | None = Field(None, examples=["power_of_two"])
    timeout: TimeoutField = Field(None, examples=["250ms"])
    retry: RetryField = Field(None, examples=["{attempts: 3}"])
    transport: TransportField | None = Field(None, examples=["tcp"])
    health: HealthField = Field(None, examples=["haproxy@2.6"])


def merge_policies(layers: Iterable[CallPolicyForm], transport: Transport) -> CallPolicy:
    """Lay policies over each other, the widest first, key by key, the keys of `retry` and `backoff` too; `transport` is
    what none of them says otherwise.

    Raises MistakesError, located within the last layer that has `retry`.
    """
    balance, timeout, retry = Balance(DEFAULT_BALANCE, {}), None, None
    health: HealthCheck | None = None
    for layer in layers:
        given = layer.model_fields_set
        if "balance" in given and layer.balance is not None:
            balance = layer.balance
        if "timeout" in given:
            timeout = layer.timeout
        if "transport" in given and layer.transport is not None:
            transport = layer.transport
        if "health" in given:
            health = layer.health
        if "retry" in given:
            retry = None if layer.retry is None else {**(retry or {}), **_retry_keys(layer.retry, retry)}
    return CallPolicy(balance, timeout, None if retry is None else _retry(retry), transport, health)


def _retry_keys(form: RetryForm, wider: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = {name: getattr(form, name) for name in form.model_fields_set}
    if "backoff" in keys:
        given = {name: getattr(form.backoff, name) for name in form.backoff.model_fields_set}
        keys["backoff"] = {**(wider or {}).get("backoff", {}), **given}
    return keys


def _retry(keys: Mapping[str, Any]) -> Retry:
    backoff = {**DEFAULT_BACKOFF, **keys.get("backoff", {})}
    if keys.get("attempts") is None:
        raise MistakesError([Mistake(("retry",), "the key attempts is missing; write e.g. retry: {attempts: 3}")])
    if backoff["initial"] > backoff["max"]:
        text = (
            f"got initial {format_duration(backoff['initial'])} with max {format_duration(backoff['max'])}; "
            "initial must be at most max; raise max"
        )
        raise MistakesError([Mistake(("retry", "backoff"), text)])
    return Retry(
        attempts=keys["attempts"],
        initial_s=backoff["initial"],
        factor=backoff["factor"],
        max_s=backoff["max"],
        jitter=backoff["jitter"],
        on=keys.get("on", RETRIED),
    )

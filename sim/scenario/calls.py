"""Who calls whom, and how: references to endpoints, call policies by precedence, the steps of a service."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sim.balancing import POLICIES
from sim.forms import STEP_FORMS, CallPolicyForm, MistakeError, MistakesError, StepForm, listed, merge_policies
from sim.forms.base import Mistake, suggestion, unknown
from sim.forms.policy import DEFAULT_BALANCE
from sim.model import Balance, CallPolicy, HealthCheck, Ideal, Transport
from sim.plugins import loaded_plugins
from sim.scenario.findings import Findings
from sim.scenario.services import EVERY_CALLEE, INLINE, EndpointParts, ServiceForm

MAIN = "main"


class Callees:
    """The endpoints that references lead to."""

    def __init__(
        self,
        services: Mapping[str, ServiceForm],
        answering: Mapping[str, tuple[tuple[str, ...], int]],
        findings: Findings,
    ) -> None:
        """`answering`: names of endpoints, and the number of instances, of services that are not the file's."""
        self.findings = findings
        self._endpoints = {name: dict.fromkeys(names, EndpointParts(())) for name, (names, _) in answering.items()}
        self._endpoints |= {name: _endpoints(form) for name, form in services.items()}
        self.instances = {name: count for name, (_, count) in answering.items()}
        self.instances |= {name: form.instances for name, form in services.items()}

    def endpoints(self, service: str) -> Mapping[str, EndpointParts]:
        return self._endpoints[service]

    def find(self, reference: str) -> tuple[str, str]:
        """(service, endpoint) of `service.endpoint`, or of `service` with its only endpoint or its `main`.

        Raises MistakesError; an empty one where what the reference may mean could not be read.
        """
        service, _, endpoint = reference.partition(".")
        self.check_service(service)
        endpoints = self._endpoints[service]
        if not endpoint:
            if len(endpoints) != 1 and MAIN not in endpoints:
                ways = listed([f"{service}.{name}" for name in endpoints], "or")
                self._fail(f"got {service}, which has several endpoints; must be {ways}", service)
            return service, next(iter(endpoints)) if len(endpoints) == 1 else MAIN
        if endpoint not in endpoints:
            names = [f"{service}.{name}" for name in endpoints]
            near = suggestion(endpoint, endpoints).replace("did you mean ", f"did you mean {service}.")
            text = f"got the unknown endpoint {reference}; must be {listed(names, 'or')}{near}"
            self._fail(text, service, "endpoints", endpoint)
        return service, endpoint

    def check_service(self, service: str) -> None:
        """Raises MistakesError where there is no such service."""
        if service not in self._endpoints:
            names = {*self._endpoints, *self.findings.names_removed("services")}
            self._fail(unknown("service", service, names), service)

    def _fail(self, text: str, *place: str) -> None:
        judged = self.findings.can_judge(("services", *place))
        raise MistakesError([Mistake((), text)] if judged else [])


class Policies:
    """Call policies merged: built-in, the network's transport, `defaults.calls`, the caller's `default`, per service,
    per endpoint, inline."""

    def __init__(
        self, transport: Transport | None, defaults: CallPolicyForm, callees: Callees, findings: Findings
    ) -> None:
        self.transport = transport
        self.defaults = defaults
        self.callees = callees
        self.findings = findings

    def towards(self, caller: ServiceForm, service: str, endpoint: str, inline: CallPolicyForm) -> CallPolicy:
        names = (EVERY_CALLEE, service, f"{service}.{endpoint}")
        between = [caller.calls[name] for name in names if name in caller.calls]
        return self.merged([self.defaults, *between, inline], [service])

    def merged(self, layers: Sequence[CallPolicyForm], services: Iterable[str]) -> CallPolicy:
        """The policy of some layers, the widest first, held against the services that it will be used for."""
        try:
            policy = merge_policies(layers, self.transport or Ideal())
        except MistakesError as error:
            self.findings.add_error(_last_with("retry", layers), error)
            return CallPolicy(Balance(DEFAULT_BALANCE))
        for service in services:
            self._check_lengths(policy.balance, service, layers)
            self._check_health(policy.health, service, layers)
        return policy

    def _check_health(self, health: HealthCheck | None, service: str, layers: Sequence[CallPolicyForm]) -> None:
        """Probes ask for an endpoint that the service has."""
        endpoints = self.callees.endpoints(service)
        if health is not None and health.endpoint is not None and health.endpoint not in endpoints:
            text = f"got {health.endpoint}, but {service} has no such endpoint; must be {listed(endpoints, 'or')}"
            location = ("health", health.system, "endpoint")
            text += "; remove it to probe by a connection"
            self.findings.add(_last_with("health", layers), location, text, ("services", service, "endpoints"))

    def _check_lengths(self, balance: Balance, service: str, layers: Sequence[CallPolicyForm]) -> None:
        """Lists that a policy keeps by endpoint have an item for each instance."""
        count = self.callees.instances[service]
        for name in POLICIES[balance.policy].server_state:
            value = balance.params.get(name)
            if isinstance(value, tuple) and len(value) != count:
                text = f"got {len(value)} {name} for {service}, which has {_instances(count)}; must be one an instance"
                location = ("balance", balance.policy, name)
                self.findings.add(_last_with("balance", layers), location, text, ("services", service, "instances"))


class CallerScope:
    """What the steps of one service may ask while they are resolved (`sim.forms.StepScope`)."""

    def __init__(
        self, caller: ServiceForm, callees: Callees, policies: Policies, stores: Sequence[str], findings: Findings
    ) -> None:
        self.caller = caller
        self.stores = stores
        self.callees = callees
        self.policies = policies
        self.findings = findings
        self._check_calls()

    def steps(self, forms: Sequence[StepForm]) -> tuple[Any, ...]:
        result = []
        for form in forms:
            try:
                result.append(form.resolve(self))
            except (MistakeError, MistakesError) as error:
                self.findings.add_error(form, error)
        return tuple(result)

    def callee(self, reference: str) -> tuple[str, str]:
        return self.callees.find(reference)

    def policy(self, service: str, endpoint: str, inline: CallPolicyForm) -> CallPolicy:
        return self.policies.towards(self.caller, service, endpoint, inline)

    def check_store(self, store: str) -> None:
        if store not in self.stores:
            names = {*self.stores, *self.findings.names_removed("stores")}
            way = f"add stores: {{{store}: etcd}}"
            can_judge = self.findings.can_judge(("stores", store), ("registry",))
            raise MistakesError([Mistake((), unknown("store", store, names, way))] if can_judge else [])

    def check_function(self, function: str) -> None:
        module_name, _, name = function.partition(":")
        plugins = {path.stem for path in loaded_plugins()}
        if module_name not in plugins:
            have = f"; loaded: {listed(sorted(plugins))}" if plugins else ""
            raise MistakeError(
                f"got {function}, but no plugin {module_name} is loaded{have}; add --plugin {module_name}.py"
            )
        functions = [key for key, value in vars(sys.modules[module_name]).items() if callable(value)]
        if name not in functions:
            hint = suggestion(name, functions)
            raise MistakeError(
                f"got {function}, but {module_name}.py has no function {name}{hint or '; define it there'}"
            )

    def _check_calls(self) -> None:
        """Every key of `calls:` names something."""
        for reference in self.caller.calls:
            if reference == EVERY_CALLEE:
                continue
            try:
                if "." in reference:
                    self.callees.find(reference)
                else:
                    self.callees.check_service(reference)
            except MistakesError as error:
                self.findings.add_error(self.caller, error, "calls", reference)


def _endpoints(form: ServiceForm) -> dict[str, EndpointParts]:
    if form.endpoints is not None:
        return dict(form.endpoints)
    if form.steps is not None:
        return {MAIN: EndpointParts(form.steps)}
    inline = [(key, getattr(form, key)) for key in INLINE if getattr(form, key) is not None]
    return {MAIN: EndpointParts(tuple(STEP_FORMS[key].model_construct(**{key: value}) for key, value in inline))}


def _last_with(key: str, layers: Sequence[CallPolicyForm]) -> CallPolicyForm:
    return next(layer for layer in reversed(layers) if key in layer.model_fields_set)


def _instances(count: int) -> str:
    return f"{count} instance{'s' if count > 1 else ''}"

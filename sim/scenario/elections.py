"""Services whose instances elect a leader: `leader_elected`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from sim.forms import Form, MistakeError, MistakesError, listed
from sim.forms.fields import IDENTIFIER_SCHEMA, Duration, Identifier
from sim.model import Service
from sim.registries.election import Election
from sim.steps.leads import Leads
from sim.steps.lock import LEASE_S, Lock, locks_in

if TYPE_CHECKING:
    from sim.scenario.calls import CallerScope
    from sim.scenario.document import ScenarioForm
    from sim.scenario.findings import Findings


class ElectedForm(Form):
    shape = "a store such as locks, or a mapping such as {store: locks, lease: 10s}"
    shorthand = IDENTIFIER_SCHEMA

    store: Identifier = Field(examples=["locks"])
    lease: Duration = Field(LEASE_S, examples=["10s"])

    @classmethod
    def expand(cls, value: Any) -> Any:
        return {"store": value} if isinstance(value, str) else value


def leads(name: str, scope: CallerScope, sessions: Sequence[str]) -> tuple[Leads, ...]:
    """What stands before the steps of each endpoint of a service that elects a leader; nothing of another.

    `sessions`: the stores that keep the locks of a living process alive.
    """
    elected = scope.caller.leader_elected
    if elected is None:
        return ()
    try:
        scope.check_store(elected.store)
        if elected.store not in sessions:
            know = f"; must be {listed(sessions, 'or')}" if sessions else f"; write stores: {{{elected.store}: etcd}}"
            text = f"got {elected.store}, which keeps no lock alive for longer than its lease, so nobody would lead on"
            raise MistakeError(f"{text}{know}")
    except (MistakeError, MistakesError) as error:
        scope.findings.add_error(scope.caller, error, "leader_elected", "store")
        return ()
    return (Leads(elected.store, name, elected.lease, f"election {name}"),)


def elections(form: ScenarioForm, services: Iterable[Service], findings: Findings) -> tuple[Election, ...]:
    """One for each service that elects a leader."""
    needed = [(s, step) for s in services for e in s.endpoints for step in locks_in(e.steps)]
    found = {step.key: step for _, step in needed if isinstance(step, Leads)}
    for service, step in needed:
        if isinstance(step, Lock) and step.key in found and step.store == found[step.key].store:
            text = f"got {step.key} as the key of a lock in {step.store}, by which {step.key} elects its leader"
            findings.add(form, ("services", service.name), f"{text}; give the lock another key")
    return tuple(Election(step.election, name, step.store, step.lease_s) for name, step in found.items())

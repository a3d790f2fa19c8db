"""`dns_outage`: the address of a service cannot be found out for a time.

As in the outage of Dyn of 21 October 2016: what is connected stays so, who has to dial asks a resolver first and hears
nothing. The resolver asks again after 5 s, and gives up after 10 s (resolv.conf(5): timeout 5, attempts 2): the request
that the connection was for is `unavailable`. Only `tcp` dials; addresses are not cached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.failures.form import TargetsForm
from sim.failures.system import System
from sim.forms import MistakeError, listed
from sim.forms.base import read_each, unknown
from sim.forms.fields import IDENTIFIER_SCHEMA, read_identifier
from sim.model import Fault

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class DnsOutage(Fault):
    """Nobody finds out where a service is."""

    @property
    def condition(self) -> str:
        return "not found by its name"

    def start(self, cluster: Cluster) -> None:
        cluster.hide_address(self.target)

    def stop(self, cluster: Cluster) -> None:
        cluster.show_address(self.target)


def _read_services(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return (read_identifier(value),)
    if not value:
        raise MistakeError("got an empty list; must name at least one service")
    return tuple(read_each(value, read_identifier))


Services = Annotated[
    tuple[str, ...],
    PlainValidator(_read_services),
    WithJsonSchema(
        {
            "anyOf": [
                IDENTIFIER_SCHEMA,
                {"type": "array", "items": IDENTIFIER_SCHEMA, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]


class DnsOutageForm(TargetsForm):
    kind = "dns_outage"
    example = "{at: 40s, dns_outage: db, for: 20s}"
    needs = (("nodes",), ("services",), ("traffic",), ("network",))

    dns_outage: Services = Field(examples=["db"])

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        names = sorted(places.system.dialled)
        return {"dns_outage": dice.choice(names)} if names else None

    def fault(self, target: str, system: System, cause: str) -> DnsOutage:
        if target not in system.services:
            raise MistakeError(unknown("service", target, system.services))
        return DnsOutage(cause, cause, "service", target, self.when)

    def idle(self, fault: Fault, system: System) -> str:
        if fault.target in system.dialled:
            return ""
        if system.dialled:
            names = listed(sorted(system.dialled), "or")
            return f"nobody asks for the address of {fault.target}; name whom somebody looks up: {names}; or remove it"
        return f"nobody dials {fault.target}; only transport: tcp asks for addresses; use it in network, or remove it"

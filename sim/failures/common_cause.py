"""Failures with a shared cause: the beta-factor model.

Of all failures of a component the share β comes from a cause that strikes all components of its group at once (Fleming,
A reliability model for common mode failures in redundant safety systems, General Atomic GA-A13284, 1974; NUREG/CR-4780,
1988, section 3): with a failure rate λ of each, (1 − β) λ is its own and β λ is shared.

For exponential times between failures this is exact: the two streams of a component together are Poisson with rate λ.
For other laws we scale the times, which keeps their shape: the component's own come 1 / (1 − β) as far apart, the
shared ones 1 / β. Then the long-run numbers of failures per time of health are in the proportion (1 − β) : β and add up
to 1 / mtbf, whatever the law, while the times between failures of one component no longer follow the law itself (two
independent renewal processes add up to one only where they are Poisson). The streams go on independently, so a cause
may strike what is down already; a component is well for the share
mtbf / (mtbf + (1 − β) mttr) · mtbf / (mtbf + β mttr) of the time, in which mtbf and mttr stand for their means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sim.distributions import Distribution, Scaled
from sim.forms import listed
from sim.model import Fault, Renewal, TargetKind

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Together(Fault):
    """A shared cause: all of `parts` at once. Their own times are not used."""

    parts: tuple[Fault, ...]

    @property
    def subject(self) -> str:
        return f"the group of {self.target}"

    @property
    def stream(self) -> str:
        return f"fault:{self.cause}:shared cause"

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node for part in self.parts for node in part.nodes)

    @property
    def instances(self) -> tuple[str, ...]:
        return tuple(instance for part in self.parts for instance in part.instances)

    @property
    def kills(self) -> bool:
        return self.parts[0].kills

    @property
    def condition(self) -> str:
        return f"{self.parts[0].condition} from a shared cause"

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return tuple(down for part in self.parts for down in part.takes_down)

    def has_target(self, cluster: Cluster) -> bool:
        return all(part.has_target(cluster) for part in self.parts)

    def start(self, cluster: Cluster) -> None:
        for part in self.parts:
            part.start(cluster)

    def stop(self, cluster: Cluster) -> None:
        for part in self.parts:
            part.stop(cluster)


def split(faults: Sequence[Fault], cause: str, share: float) -> list[Fault]:
    """Faults of one entry, all at random with the same laws, as their independent parts and the shared one. `share`
    is β, in (0, 1]."""
    when = faults[0].when
    assert isinstance(when, Renewal)
    shared = f"{cause} (shared cause)"
    own = [replace(fault, when=replace(when, mtbf=_scaled(when, 1.0 - share))) for fault in faults if share < 1.0]
    parts = tuple(replace(fault, name=f"{shared}: {fault.target}") for fault in faults)
    names = [fault.target for fault in faults]
    target = listed(names) if len(names) <= MOST_NAMED else f"{names[0]} to {names[-1]} ({len(names)})"
    return [*own, Together(shared, cause, "several", target, replace(when, mtbf=_scaled(when, share)), parts)]


def _scaled(when: Renewal, rate: float) -> Distribution:
    """Times between failures that come `rate` times as often."""
    return when.mtbf if rate == 1.0 else Scaled(when.mtbf, 1.0 / rate)

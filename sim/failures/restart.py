"""`restart`: a process is killed and started again.

It is a crash of the process (callers are reset, then refused) that ends after `for`, or at once where the service says
how it starts (`start:`), which then decides how long it serves nobody. As `systemctl restart` of a service that
does not drain (systemd.service(5), Type=simple).

With `graceful` the process is told first (SIGTERM): it leaves its registry and serves on for the service's `drain`,
whoever still comes, before it ends; then what is still in flight is reset. As a Kubernetes pod with a preStop hook that
sleeps (Kubernetes documentation, Container Lifecycle Hooks), or lame duck mode (Beyer et al., Site Reliability
Engineering, 2016, chapter 20).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from sim.failures.system import System
from sim.failures.targets import InstancesField, MachinesForm
from sim.forms import MistakeError
from sim.forms.base import Mistake
from sim.forms.fields import Flag
from sim.model import Fault, Once, TargetKind, When

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.failures.dice import Dice, Places


@dataclass(frozen=True, slots=True)
class Restart(Fault):
    """An instance is killed, and started at the end. With `drain_s` it is told to stop, and dies that much later."""

    drain_s: float | None = None

    @property
    def condition(self) -> str:
        return "restarted" if self.drain_s is None else "gracefully restarted"

    @property
    def kills(self) -> bool:
        return True

    @property
    def takes_down(self) -> tuple[tuple[TargetKind, str], ...]:
        return (("instance", self.target),)

    def start(self, cluster: Cluster) -> None:
        if self.drain_s is not None:
            cluster.stop_instance(self.target)
        if not self.drain_s:
            cluster.crash_instance(self.target)
            return
        drained = cluster.env.timeout(self.drain_s)
        assert drained.callbacks is not None
        drained.callbacks.append(lambda _: cluster.crash_instance(self.target))

    def stop(self, cluster: Cluster) -> None:
        cluster.restore_instance(self.target)


def down_s(for_s: float | None, service: str, system: System) -> float:
    """How long a process is down before it is started. Raises MistakeError where nothing says it."""
    if for_s is not None:
        return for_s
    if system.services[service].start is None:
        raise MistakeError(
            f"got {service}, of which nothing says how long a restart takes; write for: 5s beside it, or give the "
            "service start:"
        )
    return 0.0


def drain_of(service: str, system: System) -> float:
    """How long a process that is told to stop serves on; none if nothing says it."""
    return system.services[service].drain_s


class RestartForm(MachinesForm):
    kind = "restart"
    example = "{at: 40s, restart: api-1, for: 5s}"
    target_kinds = ("instance",)

    rules: ClassVar[Sequence[Mapping[str, Any]]] = (
        *MachinesForm.rules,
        {"if": {"required": ["graceful"]}, "then": {"required": ["at"]}},
    )

    restart: InstancesField = Field(examples=["api-1"])
    graceful: Flag = Field(False, examples=["true"])

    def problems(self) -> Iterator[Mistake]:
        yield from super().problems()
        if self.graceful and self.at is None and self.mtbf is not None:
            text = "got a graceful restart at random; must be on a schedule: somebody asks for it; write at: 40s"
            yield Mistake(("graceful",), text)

    @classmethod
    def drawn(cls, dice: Dice, places: Places) -> dict[str, Any] | None:
        return {"restart": dice.choice(places.instances)} if places.instances else None

    def made(self, target_kind: TargetKind, target: str, system: System, cause: str) -> Restart:
        when: When = self.when
        drain_s = None
        if isinstance(when, Once):
            service = system.service_of[target]
            drain_s = drain_of(service, system) if self.graceful else None
            when = Once(when.at_s, (drain_s or 0.0) + down_s(when.for_s, service, system))
        return Restart(cause, cause, target_kind, target, when, drain_s)

"""What services ask of disks, memory and clocks, held against what their nodes have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.model import Node, Service
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import calls_in, steps_in
from sim.scenario.placement import NOWHERE, Placement
from sim.steps.behaviour import Behaviour
from sim.steps.disk import DiskOperation
from sim.units import format_size

EXAMPLE = "disk: {access: 100us, throughput: 500MB/s, fsync: exponential(2ms)}"


def check_disks(form: ScenarioForm, services: Sequence[Service], placement: Placement, findings: Findings) -> None:
    """Every operation has a disk that can do it, and every disk and each of its keys has a use."""
    nodes = placement.nodes
    asked: dict[str, set[str]] = {group: {"bytes", "sync"} for group in placement.flushed}
    for service in services:
        wishes = _wishes(service)
        if wishes:
            _check_service(form, service, wishes, nodes, findings)
        for group in form.services[service.name].nodes or ():
            asked.setdefault(group, set()).update(wishes)
    for group, pool in form.nodes.items():
        if pool.disk is not None:
            _weigh(form, group, asked.get(group, set()), findings)


def _wishes(service: Service) -> set[str]:
    operations = [s for e in service.endpoints for s in steps_in(e.steps) if isinstance(s, DiskOperation)]
    return {"bytes" for of in operations if of.bytes} | {"sync" for of in operations if of.sync}


def _check_service(
    form: ScenarioForm, service: Service, wishes: set[str], nodes: Mapping[str, Node], findings: Findings
) -> None:
    where = ("services", service.name)
    hosts = [nodes.get(instance.node, NOWHERE) for instance in service.instances]
    bare = next((host for host in hosts if host.disk is None and host is not NOWHERE), None)
    if form.services[service.name].nodes is None:
        text = f"has a disk step, but its hosts have no disks; write nodes: app, and app: {{{EXAMPLE}}} in nodes"
        findings.add(form, where, text)
    elif bare is not None:
        text = f"has a disk step, but its node {bare.name} has no disk; write {EXAMPLE} there"
        findings.add(form, (*where, "nodes"), text, ("nodes",))
    elif "sync" in wishes and any(host.disk is not None and host.disk.fsync is None for host in hosts):
        text = "has a disk step with sync, but the disk of its nodes has no fsync; write fsync: exponential(2ms) there"
        findings.add(form, (*where, "nodes"), text, ("nodes",))


def _weigh(form: ScenarioForm, group: str, asked: set[str], findings: Findings) -> None:
    where = ("nodes", group, "disk")
    if not asked:
        text = f"no service on {group} has a disk step; remove it, or write e.g. steps: [{{disk: 4kB}}]"
        findings.weigh(form, where, False, text)
        return
    disk = form.nodes[group].disk
    assert disk is not None
    for key, wish in (("access", "bytes"), ("throughput", "bytes"), ("fsync", "sync")):
        if getattr(disk, key) is not None:
            step = "moves bytes; remove it, or write e.g. {disk: 4kB}"
            text = f"no disk step on {group} {step if wish == 'bytes' else 'flushes; remove it, or write {disk: sync}'}"
            findings.weigh(form, (*where, key), wish in asked, text)


def check_memory(
    form: ScenarioForm, services: Sequence[Service], nodes: Mapping[str, Node], findings: Findings
) -> None:
    """What processes hold without any request fits, and every size that is given has a use."""
    for service in services:
        if service.memory is not None and service.memory.limit_bytes is None:
            hosts = [nodes.get(instance.node, NOWHERE) for instance in service.instances]
            text = "nothing limits it; write limit: 512MB, or memory: 8GB in its nodes"
            limited = any(host.memory_bytes is not None or host is NOWHERE for host in hosts)
            findings.weigh(form, ("services", service.name, "memory"), limited, text)
    holding = {group for s in services if s.memory for group in form.services[s.name].nodes or ()}
    for group, pool in form.nodes.items():
        if pool.memory is not None:
            text = f"no service on {group} says what it holds; remove it, or write memory: {{per_request: 2MB}} there"
            findings.weigh(form, ("nodes", group, "memory"), group in holding, text)
            _check_fit(form, group, pool.memory, services, findings)


def _check_fit(
    form: ScenarioForm, group: str, memory_bytes: float, services: Sequence[Service], findings: Findings
) -> None:
    """On each node of a group the processes and one request fit."""
    held: dict[str, float] = {}
    most: dict[str, float] = {}
    for service in services:
        if service.memory is not None and group in (form.services[service.name].nodes or ()):
            for instance in service.instances:
                held[instance.node] = held.get(instance.node, 0.0) + service.memory.base_bytes
                most[instance.node] = max(most.get(instance.node, 0.0), service.memory.task_bytes)
    for node, size in held.items():
        if node.rpartition("-")[0] == group and size + most[node] > memory_bytes:
            text = f"got {format_size(memory_bytes)}, but the processes on {node} with one request hold"
            text += f" {format_size(size + most[node])}; must be at least that"
            findings.add(form, ("nodes", group, "memory"), text, ("services",))
            return


def check_clocks(form: ScenarioForm, services: Sequence[Service], placement: Placement, findings: Findings) -> None:
    """A drift shows in timeouts and back-offs of calls, and in registries' timers; both keys show to behaviours, which
    can read clocks."""
    timed: set[str] = set(placement.lent)
    reading: set[str] = set()
    for service in services:
        groups = form.services[service.name].nodes or ()
        steps = [step for endpoint in service.endpoints for step in steps_in(endpoint.steps)]
        if any(isinstance(step, Behaviour) for step in steps):
            reading.update(groups)
        if any(call.policy.timeout_s is not None or call.policy.retry is not None for call in calls_in(steps)):
            timed.update(groups)
    for group, pool in form.nodes.items():
        if pool.clock is not None and pool.clock.drift is not None:
            text = f"no service on {group} has a timeout or a retry for its calls, or a behaviour; remove it"
            findings.weigh(form, ("nodes", group, "clock", "drift"), group in timed | reading, text)
        if pool.clock is not None and pool.clock.offset is not None:
            text = f"no service on {group} is a behaviour, which could read a wall clock; remove it"
            findings.weigh(form, ("nodes", group, "clock", "offset"), group in reading, text)

"""What services ask of disks, held against what the disks of their nodes can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.model import Node, Service
from sim.scenario.document import ScenarioForm
from sim.scenario.findings import Findings
from sim.scenario.idle import steps_in
from sim.scenario.placement import NOWHERE
from sim.steps.disk import DiskOperation

EXAMPLE = "disk: {access: 100us, throughput: 500MB/s, fsync: exponential(2ms)}"


def check_disks(form: ScenarioForm, services: Sequence[Service], nodes: Mapping[str, Node], findings: Findings) -> None:
    """Every operation has a disk that can do it, and every disk and each of its keys has a use."""
    asked: dict[str, set[str]] = {}
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

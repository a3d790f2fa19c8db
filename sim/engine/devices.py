"""Rows of the tables that are no process of the model: disks, and neighbours that take cores away.

A device is an instance without a service, so that the same processors serve it. A disk stands on a node row of its own,
whose speed is the disk's; a neighbour stands on the node whose cores it wants, and always has more bursts than cores.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

from sim.distributions import Distribution, DistributionTable
from sim.errors import DsimError
from sim.kernel.codes import EVENT_LOOP, GOROUTINES, NONE
from sim.kernel.tables import CAPACITY
from sim.model import Memory, Node

ENDLESS = 1 << 30
"""Bursts of a neighbour: it asks for as many cores as it may."""


def check_room(table: str, count: int) -> None:
    """Raises DsimError where a table has fewer rows than so many."""
    if count > CAPACITY[table]:
        raise DsimError(f"the model needs {count:,} rows of the kernel's table `{table}`; at most {CAPACITY[table]:,}")


def add_node(S: Any, cores: float) -> int:
    """A row of the node table on which no service runs."""
    row = int(S.node_rows)
    check_room("node", row + 1)
    S.node_rows = row + 1
    node = S.node[row]
    node.first_instance = node.disk = NONE
    node.cores, node.speed, node.memory = cores, 1.0, inf
    return row


def add_device(S: Any, node_row: int, model: int, cores: float) -> int:
    """An instance row without a service on a row of the node table."""
    row = int(S.instance_rows)
    check_room("instance", row + 1)
    S.instance_rows = row + 1
    device, node = S.instance[row], S.node[node_row]
    device.service, device.node, device.model, device.zone = NONE, node_row, model, node.zone
    device.top = device.queue_head = device.queue_tail = device.queue_bound = S.position[row] = NONE
    device.first_resident = device.last_resident = NONE
    device.cores = device.own_cores = cores
    device.own_speed, device.speed, device.memory_limit = 1.0, node.speed, inf
    device.settled = S.now
    device.node_next, node.first_instance = node.first_instance, row
    return row


def add_neighbour(S: Any, node_row: int) -> int:
    """Somebody on a node who wants none of its cores yet."""
    row = add_device(S, node_row, GOROUTINES, 0.0)
    S.instance[row].running = ENDLESS
    return row


def add_disks(S: Any, nodes: Iterable[Node], laws: DistributionTable) -> dict[str, int]:
    """The disks of the nodes that have one; instance rows by the node's name."""
    rows = {}
    for number, node in enumerate(nodes):
        if node.disk is None:
            continue
        rows[node.name] = add_device(S, add_node(S, 1.0), EVENT_LOOP, 1.0)
        to = S.node[number]
        to.disk = rows[node.name]
        to.disk_access, to.disk_fsync = _law(node.disk.access, laws), _law(node.disk.fsync, laws)
        to.disk_byte = 0.0 if node.disk.bytes_per_s is None else 1.0 / node.disk.bytes_per_s
    S.instances += len(rows)
    return rows


def limit_memory(S: Any, row: int, memory: Memory | None) -> None:
    """What an instance holds, and how much it may; its node's memory is set already."""
    to = S.instance[row]
    to.memory_limit = inf
    if memory is not None:
        to.memory_limit = inf if memory.limit_bytes is None else memory.limit_bytes
        to.memory_base, to.memory_task = memory.base_bytes, memory.task_bytes
    to.weighed = to.memory_limit < inf or S.node[to.node].memory < inf


def _law(law: Distribution | None, laws: DistributionTable) -> int:
    return NONE if law is None else laws.add(law)

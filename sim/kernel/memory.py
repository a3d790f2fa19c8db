"""Memory: the working set of an instance is its base and what its present tasks hold; over a limit somebody has to die.

An instance over its own limit dies, as in a memory cgroup; on a node over its memory the one with the largest working
set, as Linux's OOM killer picks (mm/oom_kill.c, `oom_badness`, without adjustments). The kill is the control plane's: a
signal names the victim, and the kernel returns before the next event.
"""

from __future__ import annotations

from sim.kernel.codes import NONE, SIGNAL_FULL
from sim.kernel.jit import f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE


@kernel(f8, STATE_TYPE, i8)
def working_set(S, host):
    """Bytes that an instance holds; a dead one has none."""
    instance = S.instance[host]
    if instance.down or S.node[instance.node].down:
        return 0.0
    return instance.memory_base + instance.memory_filled + instance.memory_task * instance.in_system


@kernel(i8, STATE_TYPE, i8, inline=True)
def largest_on(S, node_row):
    """Who has to die on a node; -1 where its memory suffices."""
    node = S.node[node_row]
    total, most, found = node.memory_filled, 0.0, NONE
    host = node.first_instance
    while host != NONE:
        if S.instance[host].service != NONE:
            size = working_set(S, host)
            total += size
            if size > most:
                most, found = size, host
        host = S.instance[host].node_next
    return found if total > node.memory else NONE


@kernel(void, STATE_TYPE, i8)
def weigh(S, host):
    """An instance may hold more than before: does somebody have to die?"""
    instance = S.instance[host]
    victim = host
    if working_set(S, host) <= instance.memory_limit:
        victim = largest_on(S, instance.node)
    if victim != NONE:
        entry = S.outbox[S.outbox_length]
        S.outbox_length += 1
        S.unchecked = 0
        entry.kind = SIGNAL_FULL
        entry.task = victim

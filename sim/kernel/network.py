"""One-way latencies. A message's latency is a pure function of its attempt's key, so a cancel message can ask again."""

from __future__ import annotations

from sim.distributions import sample
from sim.kernel.codes import NONE
from sim.kernel.draws import derive
from sim.kernel.hooks import data_of
from sim.kernel.jit import f8, i8, kernel
from sim.kernel.keys import NETWORK_BACK, NETWORK_OUT
from sim.kernel.tables import STATE_TYPE


@kernel(f8, STATE_TYPE, i8, i8, hot=True)
def attempt_latency(S, row, back):
    """Seconds that an attempt's request message (back 0) or response message (back 1) takes."""
    task = S.task[row]
    server, client = S.instance[task.instance], task.client_instance
    law = NONE
    if client == NONE:
        client_zone = S.source[task.source].zone
        if client_zone == NONE:
            return 0.0
    else:
        client_zone = S.instance[client].zone
        if S.instance[client].node == server.node:
            law = S.same_node
    if law == NONE:
        pair = server.zone * S.zones + client_zone if back else client_zone * S.zones + server.zone
        law = S.latency[pair]
        if law == NONE:
            return 0.0
    salt = NETWORK_BACK if back else NETWORK_OUT
    return sample(S.distribution[law], data_of(S), derive(task.fresh, salt), task.index)

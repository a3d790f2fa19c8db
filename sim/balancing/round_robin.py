"""Round robin: the endpoints of the view in turn, each client for itself."""

from __future__ import annotations

from sim.balancing.policy import Policy, register


@register
class RoundRobin(Policy):
    """Source: nginx's and Go kit's default; many independent clients together send at random (E_n/M/1 for one)."""

    name = "round_robin"
    client_state = {"cursor": "i8"}

    def pick(client, view, servers, key):  # type: ignore[no-untyped-def]
        endpoint = view[client.cursor % len(view)]
        client.cursor += 1
        return endpoint

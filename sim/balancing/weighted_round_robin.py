"""Smooth weighted round robin."""

from __future__ import annotations

from sim.balancing.policy import Policy, register
from sim.distributions.parameters import Parameter


@register
class WeightedRoundRobin(Policy):
    """Source: nginx's `ngx_http_upstream_get_peer`: every endpoint gains its weight, the largest is picked and pays the
    total. Weights 5, 1, 1 give a a b a c a a."""

    name = "weighted_round_robin"
    parameters = {"weights": Parameter("list[ratio]", "weight of each instance, in order", above=0, example="[3, 1]")}
    server_state = {"weights": "f8", "current": "f8"}

    def pick(client, view, servers, key):  # type: ignore[no-untyped-def]
        best = view[0]
        total = 0.0
        for endpoint in view:
            server = servers[endpoint]
            server.current += server.weights
            total += server.weights
            if server.current > servers[best].current:
                best = endpoint
        servers[best].current -= total
        return best

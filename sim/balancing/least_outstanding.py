"""Least outstanding: the endpoint to which this client has the fewest attempts under way."""

from __future__ import annotations

from sim.balancing.policy import Policy, register
from sim.kernel.draws import uniform


@register
class LeastOutstanding(Policy):
    """Source: HAProxy's `leastconn` and Envoy's LEAST_REQUEST over all hosts. Ties are broken at random.

    With one client it is join-the-shortest-queue; with many, each sees its own attempts only.
    """

    name = "least_outstanding"
    server_state = {"outstanding": "i8"}

    def pick(client, view, servers, key):  # type: ignore[no-untyped-def]
        least = servers[view[0]].outstanding
        ties = 0
        for endpoint in view:
            outstanding = servers[endpoint].outstanding
            if outstanding < least:
                least = outstanding
                ties = 0
            if outstanding == least:
                ties += 1
        chosen = int(uniform(key, 0) * ties)
        for endpoint in view:
            if servers[endpoint].outstanding == least:
                if chosen == 0:
                    return endpoint
                chosen -= 1
        return view[0]

    def on_send(client, servers, endpoint):  # type: ignore[no-untyped-def]
        servers[endpoint].outstanding += 1

    def on_response(client, servers, endpoint, latency_s, outcome):  # type: ignore[no-untyped-def]
        servers[endpoint].outstanding -= 1

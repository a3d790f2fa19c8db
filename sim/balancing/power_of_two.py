"""Power of d choices: the least loaded, as this client sees it, of d endpoints drawn at random."""

from __future__ import annotations

from sim.balancing.policy import Policy, register
from sim.distributions.parameters import Parameter
from sim.kernel.draws import uniform


@register
class PowerOfTwo(Policy):
    """Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001.

    The d candidates are distinct (drawn by a partial Fisher–Yates shuffle whose swaps are replayed, not stored); ties
    go to the first drawn. The load is the client's own outstanding attempts.
    """

    name = "power_of_two"
    parameters = {"choices": Parameter("integer", "endpoints drawn", default=2, at_least=1)}
    client_state = {"choices": "i8"}
    server_state = {"outstanding": "i8"}

    def pick(client, view, servers, key):  # type: ignore[no-untyped-def]
        count = len(view)
        choices = min(client.choices, count)
        best = -1
        least = 0
        for drawn in range(choices):
            position = drawn + int(uniform(key, drawn) * (count - drawn))
            for earlier in range(drawn - 1, -1, -1):
                if position == earlier + int(uniform(key, earlier) * (count - earlier)):
                    position = earlier
            endpoint = view[position]
            if best < 0 or servers[endpoint].outstanding < least:
                best = endpoint
                least = servers[endpoint].outstanding
        return best

    def on_send(client, servers, endpoint):  # type: ignore[no-untyped-def]
        servers[endpoint].outstanding += 1

    def on_response(client, servers, endpoint, latency_s, outcome):  # type: ignore[no-untyped-def]
        servers[endpoint].outstanding -= 1

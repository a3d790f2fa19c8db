"""The behaviour and the policy of `everything.yaml`."""

# ruff: noqa: N805, RUF012 — hooks are compiled functions, not methods; declarations are read, never changed

from __future__ import annotations

from sim.balancing import Policy, register, uniform


@register
class ShortestTrueQueue(Policy):
    """The emptier of two endpoints, with perfect knowledge; one draw for ties."""

    name = "shortest_true_queue"
    perfect_knowledge = True
    client_state = {"picks": "i8"}
    server_state = {"latency_s": "f8"}

    def pick(client, view, servers, world, key):
        client.picks += 1
        best = view[int(uniform(key, 0) * len(view))]
        for endpoint in view:
            if world[endpoint].in_system < world[best].in_system:
                best = endpoint
        return best

    def on_response(client, servers, endpoint, latency_s, outcome):
        servers[endpoint].latency_s += latency_s


def handle(request):
    """CPU, a call, a wait and a failure that depend on draws and on what the call answered."""
    yield request.cpu(0.0004 * (1.0 + request.uniform(0)))
    outcome = yield request.call("store.write")
    yield request.timeout(0.001 * request.uniform(1))
    if outcome != "ok" or request.uniform(2) < 0.1:
        request.fail()
    yield request.env.any_of([request.cpu(0.0002), request.timeout(0.0003)])

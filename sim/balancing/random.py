"""Random: each endpoint of the view with equal probability."""

from __future__ import annotations

from sim.balancing.policy import Policy, register
from sim.kernel.draws import uniform


@register
class Random(Policy):
    """Source: the Poisson split; n servers at random are n independent M/G/1 queues."""

    name = "random"

    def pick(client, view, servers, key):  # type: ignore[no-untyped-def]
        return view[int(uniform(key, 0) * len(view))]

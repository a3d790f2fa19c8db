"""Join idle queue (Lu et al., Performance Evaluation 68(11), 2011) with perfect knowledge: an idle server, else any."""

from sim.balancing import Policy, register, uniform


@register
class JoinIdleQueue(Policy):
    name = "join_idle_queue"
    perfect_knowledge = True  # `world` holds the true state of every instance

    def pick(client, view, servers, world, key):  # noqa: N805
        idle = 0
        for endpoint in view:
            if world[endpoint].in_system == 0:
                idle += 1
                if uniform(key, idle) * idle < 1.0:  # each of the idle ones with equal probability
                    chosen = endpoint
        return chosen if idle > 0 else view[int(uniform(key, 0) * len(view))]

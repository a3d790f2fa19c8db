"""Behaviours for the tests: each does what its name says."""

import simpy


def order(request):
    """CPU, a call, a wait; every third one fails; then some more CPU."""
    yield request.cpu(0.002)
    outcome = yield request.call("store.write")
    yield request.timeout(0.003)
    if outcome != "ok" or request.index % 3 == 2:
        request.fail()
    yield request.cpu(0.001)


def all_of(request):
    yield simpy.AllOf(request.env, [request.call("store.write"), request.call("audit"), request.timeout(0.004)])
    yield request.cpu(0.001)


def any_of(request):
    """Goes on with the first; the others run on by themselves."""
    yield request.call("audit") | request.timeout(0.004)
    yield request.cpu(0.001)


def two_bursts(request):
    yield request.cpu(0.002) & request.cpu(0.004)


def outcomes(request):
    """Tells what each call answered by how long it then waits."""
    for _ in range(4):
        outcome = yield request.call("store.fail")
        yield request.timeout({"ok": 0.001, "error": 0.010, "timeout": 0.100}[outcome])


def clock(request):
    """Reads the clock; waits for what has already happened; does nothing for a while, and nothing at all."""
    began = request.now
    done = request.timeout(0.001)
    yield request.timeout(0.002)
    yield done
    yield request.cpu(0.0)
    assert request.now == began + 0.002
    yield request.timeout(began + 0.005 - request.now)


def drawn(request):
    yield request.timeout(0.001 * request.uniform(0))
    yield request.timeout(0.001 * request.uniform(1))


def stubborn(request):
    """Does not let go when it is interrupted, and goes on as if nothing had happened."""
    while True:
        try:
            yield request.timeout(0.5)
            yield request.cpu(0.5)
        except simpy.Interrupt:
            yield request.cpu(0.001)
            return


def nested(request):
    """Waits for a process of its own."""

    def both(env):
        yield request.cpu(0.001)
        yield env.timeout(0.001)
        return 0.003

    more = yield request.env.process(both(request.env))
    yield request.timeout(more)

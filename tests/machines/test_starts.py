"""Cold starts: stories whose times are worked out by hand, and what the draws of a start depend on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.distributions import Constant, Distribution, Exponential, draw_many
from sim.engine import Simulation
from sim.kernel.draws import stream_key
from sim.model import Model, Start, WarmUp
from tests.machines.told import ends
from tests.reference.build import cpu, crash, node, pause, service, slow, source, story

BOOT = Start(Constant(2.0), None)
COLD = Start(Constant(2.0), WarmUp(Constant(3.0), 0.5))


def starting(start: Start, arrivals: list[float], *faults: object, work: float = 1.0) -> Model:
    """One instance, `x-0` on node `n`, with plenty of cores; each request has `work` core-seconds."""
    model = story(node(), service("x", cpu(work)), source("u", "x.e", arrivals, timeout_s=9.0), *faults)
    return replace(model, services=(replace(model.services[0], start=start),))


def test_an_instance_boots_and_then_warms_up() -> None:
    """Down in [10, 15), booting in [15, 17), at half speed in [17, 20), then warm.
    The request of 16 is refused. That of 17 runs for 2 s. That of 19 has got half of its work at 20, and ends at 20.5.
    At 0 everything is warm."""
    model = starting(COLD, [0.0, 12.0, 16.0, 17.0, 19.0, 21.0], crash("x-0", 10.0, 5.0))
    assert ends(model) == [
        ("ok", 1.0),
        ("refused", 12.0),
        ("refused", 16.0),
        ("ok", 19.0),
        ("ok", 20.5),
        ("ok", 22.0),
    ]


def test_a_host_that_is_back_refuses_while_its_processes_boot() -> None:
    """Silence in [10, 15): the request of 14 times out at 23. Then the host lives and the process does not."""
    model = starting(BOOT, [14.0, 16.0, 17.0], crash("n", 10.0, 5.0))
    assert ends(model) == [("timeout", 23.0), ("refused", 16.0), ("ok", 18.0)]


def test_warm_up_without_a_boot_begins_at_once() -> None:
    model = starting(Start(None, WarmUp(Constant(1.0), 0.25)), [15.0], crash("x-0", 10.0, 5.0))
    assert ends(model) == [("ok", 16.75)]


def test_a_crash_while_it_boots_or_warms_up_begins_the_start_anew() -> None:
    """Back at 15, crashed at 16 in its boot and back at 17: up at 19, at half speed, crashed at 20.5 and back at 21:
    boots until 23, at half speed until 26."""
    faults = crash("x-0", 10.0, 5.0), crash("x-0", 16.0, 1.0), crash("n", 20.5, 0.5)
    model = starting(COLD, [17.0, 18.0, 19.0, 22.0, 23.0, 25.5], *faults, work=0.5)
    assert ends(model) == [
        ("refused", 17.0),
        ("refused", 18.0),
        ("ok", 20.0),
        ("refused", 22.0),
        ("ok", 24.0),
        ("ok", 26.25),
    ]


def test_it_boots_when_the_last_crash_has_ended() -> None:
    """The process is back at 12, its host at 15; then it boots once, until 17."""
    model = starting(BOOT, [12.0, 16.0, 17.0], crash("x-0", 10.0, 2.0), crash("n", 11.0, 4.0))
    assert ends(model) == [("timeout", 21.0), ("refused", 16.0), ("ok", 18.0)]


def test_a_warm_up_and_a_slow_node_multiply() -> None:
    """Half of a half, from 17 to 20."""
    model = starting(COLD, [17.0], crash("x-0", 10.0, 5.0), slow("n", 0.5, 16.0), work=0.75)
    assert ends(model) == [("ok", 20.0)]


def test_a_pause_does_not_lengthen_a_start() -> None:
    """Paused in [16, 18): the boot ends at 17 all the same, and the request of 17.5 waits at the door until 18."""
    model = starting(BOOT, [16.5, 17.5], crash("x-0", 10.0, 5.0), pause("x-0", 16.0, 2.0))
    assert ends(model) == [("refused", 16.5), ("ok", 19.0)]


@pytest.mark.parametrize("replication", [0, 1])
def test_the_nth_start_of_an_instance_is_a_draw_of_its_own(replication: int) -> None:
    """Times of the second start, though the first was cut short; streams are named after the instance."""
    law: Distribution = Exponential(1.0)
    model = starting(Start(law, WarmUp(law, 0.5)), [0.0], crash("x-0", 10.0, 5.0), crash("x-0", 15.001, 5.0))
    simulation = Simulation(replace(model, run=replace(model.run, record="none")), replication)
    seen: list[tuple[float, float]] = []
    control = simulation.env.control

    def watched(act: int, *rest: int, amount: float = 0.0, **more: int) -> bool:
        if amount:
            seen.append((simulation.env.now, amount))
        return control(act, *rest, amount=amount, **more)

    simulation.env.control = watched  # type: ignore[method-assign, assignment]
    simulation.run()
    boot_s, warm_s = (
        float(draw_many(law, stream_key(1, replication, f"start:x-0:{what}"), 2)[1]) for what in ("boot", "warm_up")
    )
    assert seen == [(pytest.approx(20.001 + boot_s), 0.5), (pytest.approx(20.001 + boot_s + warm_s), 1.0)]

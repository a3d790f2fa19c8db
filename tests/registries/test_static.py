"""`static`: the lists with which clients begin are all that they ever know."""

from __future__ import annotations

from sim.engine import simulate
from sim.scenario import load_text

FILE = """
scenario: s
run: {duration: 20s, warmup: 0s}
services:
  api: {instances: 4, io: 1ms}
traffic: {users: {to: api, arrivals: constant(100/s)}}
failures: {dies: {at: 5s, crash: api-1, for: 10s}}
"""


def test_it_is_what_holds_without_a_registry() -> None:
    plain = load_text(FILE, "s.yaml").resolve("baseline")
    static = load_text(FILE, "s.yaml", {"registry": "static"}).resolve("baseline")
    assert static == plain
    assert static.components == ()


def test_a_dead_instance_gets_its_share_for_ever() -> None:
    """Every fourth request of the ten seconds is refused, and nobody's view changes."""
    run = simulate(load_text(FILE, "s.yaml", {"registry": "static"}).resolve("baseline"))
    assert run.scope("source", "users").cohort.outcomes["refused"] == 250
    assert set(run.control["component"]) <= {"truth"}

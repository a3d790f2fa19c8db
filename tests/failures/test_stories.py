"""Faults end to end: what callers see when, in scenarios whose times are worked out by hand.

A request a second, from 1 s on, one after the other to the instances in turn.
"""

from __future__ import annotations

from sim.scenario import load_text
from tests.machines.told import ends

ZONES = """
scenario: zones
run: {duration: 12500ms, warmup: 0s, record: all}
nodes: {app: {count: 2, zones: [a, b]}, db: {zones: [a], disk: {access: 100ms}}}
services:
  api: {nodes: app, instances: 2, steps: [{cpu: 200ms}]}
  log: {nodes: db, steps: [{disk: 4kB}]}
traffic:
  users: {to: api, from: {zone: a}, arrivals: constant(1/s), timeout: 900ms}
failures:
"""
"""Odd requests go to api-1 in zone a, even ones to api-2 in zone b."""


def told(*entries: str, base: str = ZONES, **overrides: str) -> list[tuple[str, float]]:
    lines = "".join(f"  f{number}: {entry}\n" for number, entry in enumerate(entries, 1))
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    return ends(load_text(base + lines, "f.yaml", settings).resolve("baseline"))


def ok(*ends_s: float) -> list[tuple[str, float]]:
    return [("ok", end_s) for end_s in ends_s]


def test_an_outage_is_silence() -> None:
    """Zone b is dark in [3.5, 8.1): requests of 4, 6 and 8 find nobody; that of 10 is answered."""
    assert told("{at: 3500ms, outage: {zone: b}, for: 4600ms}") == [
        *ok(1.2, 2.2, 3.2),
        ("timeout", 4.9),
        *ok(5.2),
        ("timeout", 6.9),
        *ok(7.2),
        ("timeout", 8.9),
        *ok(9.2, 10.2, 11.2, 12.2),
    ]


def test_a_restart_resets_and_refuses() -> None:
    """api-2 is killed at 4.1, with a request in it, and back at 6.5."""
    assert told("{at: 4100ms, restart: api-2, for: 2400ms}")[3:8] == [
        ("reset", 4.1),
        *ok(5.2),
        ("refused", 6.0),
        *ok(7.2, 8.2),
    ]


def test_a_restart_takes_as_long_as_the_service_needs_to_start() -> None:
    """Killed at 4.1 and started at once, it boots until 6.6."""
    starting = told("{at: 4100ms, restart: api-2}", services__api__start="{boot: 2500ms}")
    assert starting[3:8] == [("reset", 4.1), *ok(5.2), ("refused", 6.0), *ok(7.2, 8.2)]
    longer = told("{at: 4100ms, restart: api-2}", services__api__start="{boot: 4500ms}")
    assert longer[3:8] == [("reset", 4.1), *ok(5.2), ("refused", 6.0), *ok(7.2), ("refused", 8.0)]


def test_a_rolling_restart_goes_from_one_to_the_next() -> None:
    """api-1 is down in [2.5, 4), api-2 in [5.5, 7): only the requests of 3 and 6 are refused."""
    refused = [
        end_s
        for outcome, end_s in told("{at: 2500ms, rolling_restart: api, every: 3s, for: 1500ms}")
        if outcome != "ok"
    ]
    assert refused == [3.0, 6.0]


def test_a_neighbour_takes_half_a_core() -> None:
    """On one core, which a neighbour wants too, 200 ms of work take 400 ms in [4.5, 8.1): a quarter of that of 8
    is done by then."""
    assert told("{at: 4500ms, stress: app-2, cores: 3, for: 3600ms}")[5:8] == ok(6.4, 7.2, 8.25)


def test_a_slow_disk_takes_longer() -> None:
    """100 ms at a fifth of the speed take 500 ms in [4.5, 8.1): of those of 8 a fifth is done by then."""
    assert told("{at: 4500ms, slow_disk: db, factor: 0.2, for: 3600ms}", traffic__users__to="log")[3:10] == ok(
        4.1, 5.5, 6.5, 7.5, 8.18, 9.1, 10.1
    )


def test_a_leak_kills_once_it_is_over_the_limit() -> None:
    """80 MB of 100 are taken from 3.5 on, beside a base of 10 and 6 for a request. Another 20 at 4.1, with a request in
    service, make 116: api-2 is killed, and back at once without its leaks, so that the request of 6 is answered."""
    limited = {"services__api__memory": "{limit: 100MB, base: 10MB, per_request: 6MB}"}
    first = "{at: 3500ms, memory_pressure: api-2, bytes: 80MB}"
    assert {outcome for outcome, _ in told(first, **limited)} == {"ok"}
    second = "{at: 4100ms, memory_pressure: api-2, bytes: 20MB}"
    assert told(first, second, **limited)[3:6] == [("reset", 4.1), *ok(5.2, 6.2)]


def test_crashes_of_a_process_on_a_host_that_loses_power_nest() -> None:
    """api-2 is dead in [3.5, 9), its zone in [5.5, 7.5): refused, silence, refused, and then an answer."""
    both = told("{at: 3500ms, crash: api-2, for: 5500ms}", "{at: 5500ms, outage: {zone: b}, for: 2s}")
    assert [both[index] for index in (3, 5, 7, 9)] == [
        ("refused", 4.0),
        ("timeout", 6.9),
        ("refused", 8.0),
        ("ok", 10.2),
    ]


def test_a_shared_cause_strikes_both_at_once() -> None:
    """With β = 1 the two hosts are down at the same times: mtbf 4 s, mttr 1.5 s: in [4, 5.5) and [9.5, 11)."""
    entry = "{crash: [app-1, app-2], mtbf: 4s, mttr: 1500ms, common_cause: 100%}"
    assert [end_s for outcome, end_s in told(entry) if outcome != "ok"] == [4.9, 5.9, 10.9]

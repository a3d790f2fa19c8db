"""Faults of the network end to end: who hears whom, and when, in scenarios whose times are worked out by hand.

Clients in zone a and in zone b each send a request a second, from 1 s on: odd ones to api-1 in a, even ones to api-2 in
b. Handlers take 200 ms, a message 10 ms within a zone and 50 ms across; nobody waits. Without a fault a request to the
own zone ends after 220 ms, one to the other after 300 ms.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.scenario import load_text
from tests.machines.told import run_of

BASE = """
scenario: messages
run: {duration: 9500ms, warmup: 0s, record: all}
nodes: {app: {count: 2, zones: [a, b], cores: 8}}
network: {same_zone: {latency: 10ms}, across_zones: {latency: 50ms}, transport: udp}
services:
  api: {nodes: app, instances: 2, io: 200ms}
traffic:
  in_a: {to: api, from: {zone: a}, arrivals: constant(1/s), timeout: 900ms}
  in_b: {to: api, from: {zone: b}, arrivals: constant(1/s), timeout: 900ms}
failures:
"""
Ends = dict[str, list[float]]
CALM: Ends = {
    "in_a": [1.22, 2.3, 3.22, 4.3, 5.22, 6.3, 7.22, 8.3, 9.22],
    "in_b": [1.3, 2.22, 3.3, 4.22, 5.3, 6.22, 7.3, 8.22, 9.3],
}


def told(*entries: str, base: str = BASE, **overrides: str) -> Ends:
    """When the requests of each source ended; one that timed out with a minus."""
    lines = "".join(f"  f{number}: {entry}\n" for number, entry in enumerate(entries, 1))
    settings = {key.replace("__", "."): value for key, value in overrides.items()}
    _, rows = run_of(load_text(base + lines, "f.yaml", settings).resolve("baseline"))
    assert set(rows["outcome"]) <= {"ok", "timeout"}
    ends = rows["end_s"].where(rows["outcome"] == "ok", -rows["end_s"])
    return {source: ends[rows["source"] == source].tolist() for source in rows["source"].unique()}


def with_ends(**changed: dict[int, float]) -> Ends:
    """The calm, but for the n-th requests of a source."""
    ends = {source: list(times) for source, times in CALM.items()}
    for source, by_number in changed.items():
        for number, end_s in by_number.items():
            ends[source][number - 1] = end_s
    return ends


def test_without_a_fault() -> None:
    assert told("{at: 1ms, pause: app-1, for: 1ms}") == CALM


def test_a_partition_cuts_both_ways_and_what_is_on_its_way() -> None:
    """From 3.28 on: the answer to 3 of b is on its way then. At 8.1 it ends: what was sent at 8 was lost before."""
    assert told("{at: 3280ms, partition: [{zone: a}, {zone: b}], for: 4820ms}") == with_ends(
        in_a={4: -4.9, 6: -6.9, 8: -8.9}, in_b={3: -3.9, 5: -5.9, 7: -7.9}
    )


def test_one_way_the_answers_are_lost_of_one_side_and_the_requests_of_the_other() -> None:
    """What b sends does not reach a: answers to a's requests, and b's requests. The answer to 3 of b comes from a; that
    to 8 of a is sent at 8.25, when all is over."""
    assert told("{at: 3280ms, partition: {from: {zone: b}, to: {zone: a}}, for: 4820ms}") == with_ends(
        in_a={4: -4.9, 6: -6.9}, in_b={5: -5.9, 7: -7.9}
    )


def test_a_partial_partition_leaves_the_others_alone() -> None:
    """Only the clients in a are cut off, from api-2 only."""
    assert told("{at: 3280ms, partition: [{source: in_a}, {node: app-2}], for: 4820ms}") == with_ends(
        in_a={4: -4.9, 6: -6.9, 8: -8.9}
    )


def test_latency_is_added_to_one_direction() -> None:
    """30 ms more from a to b: a's requests and the answers to b's."""
    assert told("{at: 3280ms, latency: 30ms, from: {zone: a}, to: {zone: b}, for: 4820ms}") == with_ends(
        in_a={4: 4.33, 6: 6.33, 8: 8.33}, in_b={5: 5.33, 7: 7.33}
    )


def test_latencies_add_up() -> None:
    """20 ms from a, in all 50 to b; within a zone messages from a take them too."""
    both = "{at: 3280ms, latency: 20ms, from: {zone: a}}", "{at: 3280ms, latency: 30ms, from: {zone: a}, to: {zone: b}}"
    assert told(*both) == with_ends(
        in_a={4: 4.35, 5: 5.26, 6: 6.35, 7: 7.26, 8: 8.35, 9: 9.26}, in_b={5: 5.35, 7: 7.35, 9: 9.35}
    )


def test_a_link_that_is_down_carries_nothing_in_its_direction() -> None:
    """From a to b: a's requests, and the answers to b's, that on the link at 3.28 too."""
    assert told("{at: 3280ms, link_down: {from: a, to: b}, for: 4820ms}") == with_ends(
        in_a={4: -4.9, 6: -6.9, 8: -8.9}, in_b={3: -3.9, 5: -5.9, 7: -7.9}
    )


def test_a_slow_link_takes_longer_in_its_direction() -> None:
    assert told("{at: 3280ms, link_slow: {from: a, to: b}, latency_factor: 3, for: 4820ms}") == with_ends(
        in_a={4: 4.4, 6: 6.4, 8: 8.4}, in_b={5: 5.4, 7: 7.4}
    )


def test_a_link_with_less_bandwidth_takes_longer_to_send() -> None:
    """1000 bytes on 1 Mbps take 8 ms; at a tenth 80 ms, for the requests of a and the answers to b."""
    narrow = {"network__across_zones": "{latency: 50ms, bandwidth: 1Mbps}"}
    wide = told("{at: 1ms, pause: app-1, for: 1ms}", **narrow)
    slowed = told("{at: 3280ms, link_slow: {from: a, to: b}, bandwidth_factor: 0.1}", **narrow)
    assert wide["in_a"][3] == pytest.approx(4.3 + 2 * 0.008)
    assert slowed["in_a"][3] == pytest.approx(4.3 + 0.08 + 0.008)
    assert slowed["in_b"][4] == pytest.approx(5.3 + 0.08 + 0.008)


def test_messages_within_a_node_and_at_the_door_suffer_nothing() -> None:
    base = """
scenario: near
run: {duration: 5500ms, warmup: 0s, record: all}
nodes: {app: {count: 1, zones: [a], cores: 8}}
network: {same_zone: {latency: 10ms}, same_node: {latency: 1ms}, transport: udp}
services:
  api: {nodes: app, steps: [{call: db, timeout: 300ms}]}
  db: {nodes: app, io: 200ms}
traffic:
  far: {to: api, from: {zone: a}, arrivals: constant(1/s), timeout: 900ms}
  door: {to: api, arrivals: constant(1/s), timeout: 900ms}
failures:
"""
    ends = told("{at: 2500ms, loss: 100%, for: 2s}", base=base)
    assert ends["door"] == [1.202, 2.202, 3.202, 4.202, 5.202]
    assert ends["far"] == [1.222, 2.222, -3.9, -4.9, 5.222]


BUSY = (
    BASE.replace("constant(1/s)", "constant(200/s)").replace("9500ms", "30s").replace("timeout: 900ms", "timeout: 1s")
)


def share_ok(source: str, numbers: slice, *entries: str) -> tuple[float, float]:
    """The share of some requests that were answered, and its standard error."""
    ends = np.array(told(*entries, base=BUSY)[source][numbers])
    share = float((ends > 0).mean())
    return share, float(np.sqrt(share * (1 - share) / len(ends)))


def test_loss_takes_its_share_of_requests_and_of_answers() -> None:
    """Even requests of a cross the zones twice: 0.7² are answered; the odd ones all."""
    entry = "{at: 0s, loss: 30%, between: [{zone: a}, {zone: b}]}"
    share, error = share_ok("in_a", slice(1, None, 2), entry)
    assert abs(share - 0.49) < 3.5 * error
    assert share_ok("in_a", slice(0, None, 2), entry) == (1.0, 0.0)


def test_losses_strike_one_beside_the_other() -> None:
    """From a to b, 30 % and 20 %: 0.56 pass, the answers all."""
    entries = [f"{{at: 0s, loss: {share}, from: {{zone: a}}, to: {{zone: b}}}}" for share in ("30%", "20%")]
    share, error = share_ok("in_a", slice(1, None, 2), *entries)
    assert abs(share - 0.56) < 3.5 * error


def test_a_link_of_a_graph_that_is_down_is_gone_round() -> None:
    """A ring of four: one hop of 10 ms, or three. While v1 – v2 is down, both ways, the way is the longer one."""
    base = """
scenario: ring
run: {duration: 9500ms, warmup: 0s, record: all}
nodes: {app: {at: v2, cores: 8}}
network:
  transport: udp
  topology:
    graph:
      latency: 10ms
      links: [{between: [v1, v2]}, {between: [v2, v3]}, {between: [v3, v4]}, {between: [v4, v1]}]
services:
  api: {nodes: app, io: 200ms}
traffic:
  users: {to: api, from: {vertex: v1}, arrivals: constant(1/s), timeout: 900ms}
failures:
"""
    ends = told("{at: 3500ms, link_down: {between: [v1, v2]}, for: 3s}", base=base)["users"]
    assert ends == [1.22, 2.22, 3.22, 4.26, 5.26, 6.26, 7.22, 8.22, 9.22]
    apart = told("{at: 3500ms, partition: [{vertex: v1}, {vertex: v2}], for: 3s}", base=base)["users"]
    assert apart == [1.22, 2.22, 3.22, -4.9, -5.9, -6.9, 7.22, 8.22, 9.22]

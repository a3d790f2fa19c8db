"""What each kind of fault does to the running system, act by act, and how it is undone."""

from __future__ import annotations

from typing import Any

import pytest

from sim.distributions import Constant
from sim.failures import FAULT_FORMS, ClockJump
from sim.model import Once
from tests.failures.recorder import Recorder, acts_of, model_with

Acts = list[tuple[Any, ...]]
CLIENTS_AND_A = ("app-1", "db-1", "source:users")
EVERYWHERE = ("app-1", "app-2", "app-3", "db-1", "source:users")
CUT = {"loss": 1.0}
ACTS: dict[str, tuple[Acts, Acts]] = {
    "crash: app-2": ([("crash", "node", "app-2")], [("restore", "node", "app-2")]),
    "crash: api-2": ([("crash", "instance", "api-2")], [("restore", "instance", "api-2")]),
    "pause: api-1": ([("pause", "instance", "api-1")], [("resume", "instance", "api-1")]),
    "restart: api-1": ([("crash_instance", "api-1")], [("restore_instance", "api-1")]),
    "slow: app-2, factor: 0.2": ([("slow_node", "app-2", 0.2)], [("unslow_node", "app-2", 0.2)]),
    "stress: app-2, cores: 2": ([("stress_node", "app-2", 2.0)], [("relieve_node", "app-2", 2.0)]),
    "slow_disk: db-1, factor: 0.2": ([("slow_disk", "db-1", 0.2)], [("unslow_disk", "db-1", 0.2)]),
    "dns_outage: db": ([("hide_address", "db")], [("show_address", "db")]),
    "memory_pressure: {node: db-1}, bytes: 2GB": (
        [("fill_memory", "node", "db-1", 2e9)],
        [("free_memory", "node", "db-1", 2e9)],
    ),
    "outage: {zone: a}": (
        [("crash_node", "app-1"), ("crash_node", "db-1")],
        [("restore_node", "app-1"), ("restore_node", "db-1")],
    ),
    "partition: [{zone: a}, {zone: [b, c]}]": (
        [("impair", CLIENTS_AND_A, ("app-2", "app-3"), CUT), ("impair", ("app-2", "app-3"), CLIENTS_AND_A, CUT)],
        [("mend", 1), ("mend", 2)],
    ),
    "partition: {from: {zone: a}, to: {zone: b}}": ([("impair", CLIENTS_AND_A, ("app-2",), CUT)], [("mend", 1)]),
    "partition: [{node: app-1}, {node: app-2}, {node: db-1}]": (
        [
            ("impair", ("app-1",), ("app-2", "db-1"), CUT),
            ("impair", ("app-2",), ("app-1", "db-1"), CUT),
            ("impair", ("db-1",), ("app-1", "app-2"), CUT),
        ],
        [("mend", 1), ("mend", 2), ("mend", 3)],
    ),
    "loss: 5%": ([("impair", EVERYWHERE, EVERYWHERE, {"loss": 0.05})], [("mend", 1)]),
    "latency: 50ms, from: {source: users}": (
        [("impair", ("source:users",), EVERYWHERE, {"latency": Constant(0.05)})],
        [("mend", 1)],
    ),
    "link_down: {between: [a, b]}": (
        [("change_link", "a", "b", {"down": True}), ("change_link", "b", "a", {"down": True})],
        [("mend_link", 1), ("mend_link", 2)],
    ),
    "link_slow: {from: a, to: c}, latency_factor: 10": (
        [("change_link", "a", "c", {"latency_factor": 10.0, "bandwidth_factor": 1.0})],
        [("mend_link", 1)],
    ),
}


@pytest.mark.parametrize("entry", ACTS)
def test_what_it_does_and_undoes(entry: str) -> None:
    [fault] = model_with(f"{{at: 5s, for: 1s, {entry}}}").faults
    assert acts_of(fault) == ACTS[entry]


def test_no_kind_is_left_out() -> None:
    shown = {entry.partition(":")[0] for entry in ACTS}
    assert shown | {"rolling_restart", "clock_jump"} == set(FAULT_FORMS)


def test_a_clock_is_set_and_set_right_again() -> None:
    cluster = Recorder()
    fault = ClockJump("x", "x", "node", "n", Once(1.0), -0.5)
    fault.start(cluster)  # type: ignore[arg-type]  # it does what a cluster does
    fault.stop(cluster)  # type: ignore[arg-type]
    assert cluster.acts == [("jump", "n", -0.5), ("jump", "n", 0.5)]


def test_a_rolling_restart_takes_turns() -> None:
    faults = model_with("{at: 5s, rolling_restart: api, every: 10s, for: 1s}").faults
    assert [fault.when.at_s for fault in faults] == [5.0, 15.0, 25.0]
    assert [acts_of(fault)[0] for fault in faults] == [[("crash_instance", f"api-{n}")] for n in (1, 2, 3)]


def test_a_shared_cause_strikes_all_at_once() -> None:
    entry = "{crash: [app-1, app-2], mtbf: exponential(10s), mttr: 1s, common_cause: 10%}"
    *own, shared = model_with(entry).faults
    assert [acts_of(fault)[0] for fault in own] == [[("crash", "node", "app-1")], [("crash", "node", "app-2")]]
    assert acts_of(shared) == (
        [("crash", "node", "app-1"), ("crash", "node", "app-2")],
        [("restore", "node", "app-1"), ("restore", "node", "app-2")],
    )
    assert shared.takes_down == (("node", "app-1"), ("node", "app-2"))


def test_faults_of_one_kind_that_overlap_end_on_their_own() -> None:
    """The handles of one are not given back for the other, whichever ends first."""
    first, second = model_with("{at: 5s, loss: 5%}", "{at: 6s, loss: 10%}").faults
    cluster = Recorder()
    first.start(cluster)
    second.start(cluster)
    first.stop(cluster)
    assert cluster.acts[-1] == ("mend", 1)
    second.stop(cluster)
    assert cluster.acts[-1] == ("mend", 2)

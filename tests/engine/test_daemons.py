"""Daemons and their messages: what arrives, when, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sim.engine import Simulation
from sim.engine.cluster import Cluster
from sim.engine.daemons import Answer
from sim.model import Clock
from tests.engine.small import FILE, Ears, Made, model_of, run_with

Script = dict[float, Callable[[Ears, Ears], Any]]
"""What happens at which time to two daemons, at web-1 on a-1 and at api-1 on b-1, 5 ms away."""


def heard(script: Script, text: str = FILE, **changes: Any) -> tuple[list[Any], list[Any]]:
    """What the two heard of."""

    def begin(cluster: Cluster) -> tuple[Ears, Ears]:
        pair = Ears(cluster, "web-1"), Ears(cluster, "api-1")

        def play() -> Any:
            for time_s in sorted(script):
                yield cluster.env.at(time_s)
                script[time_s](*pair)

        cluster.env.process(play())
        return pair

    (first, second), _ = run_with(begin, text, **changes)
    return first.heard[1:], second.heard[1:]


def cut(ears: Ears, *, for_s: float = 1e9) -> None:
    cluster = ears.cluster
    handle = cluster.impair(frozenset({"a-1"}), frozenset({"b-1"}), loss=1.0)
    cluster.env.timeout(for_s).callbacks.append(lambda _: cluster.mend(handle))  # type: ignore[union-attr]


def test_a_datagram_takes_the_links_latency() -> None:
    assert heard({1.0: lambda a, b: a.send(b.address, "hello")}) == ([], [(1.005, "hello")])


def test_bytes_take_the_bandwidth() -> None:
    text = FILE.replace("latency: 5ms", "latency: 5ms, bandwidth: 8Mbps")
    assert heard({1.0: lambda a, b: a.send(b.address, "hello", 1e6)}, text)[1] == [(2.005, "hello")]


@pytest.mark.parametrize("when", [1.0, 1.002])
def test_a_partition_loses_what_is_sent_and_what_is_under_way(when: float) -> None:
    assert heard({1.0 + 1e-9: lambda a, b: a.send(b.address, "hello"), when: lambda a, b: cut(a)})[1] == []


def test_one_way_partitions_let_the_other_way_through() -> None:
    script: Script = {1.0: lambda a, b: cut(a), 2.0: lambda a, b: b.send(a.address, "hello")}
    assert heard(script)[0] == [(2.005, "hello")]


def test_added_latency_and_links_that_are_down() -> None:
    def slow(a: Ears, b: Ears) -> None:
        a.cluster.change_link("a", "b", latency_factor=3.0)
        a.send(b.address, "slow")

    def down(a: Ears, b: Ears) -> None:
        a.send(b.address, "under way")
        a.cluster.change_link("a", "b", down=True)
        a.send(b.address, "down")

    assert heard({1.0: slow, 2.0: down})[1] == [(1.015, "slow")]


def test_a_stream_sends_again_and_keeps_the_order() -> None:
    def talk(a: Ears, b: Ears) -> None:
        a.tell(b.address, 1)
        cut(a, for_s=0.5)
        a.tell(b.address, 2)

    script: Script = {1.0: talk, 1.55: lambda a, b: a.tell(b.address, 3)}
    assert heard(script)[1] == [(1.605, 1), (1.605, 2), (1.605, 3)], "lost at 1.0, 1.2; sent again at 1.6"


def test_a_stream_breaks_after_silence() -> None:
    script: Script = {
        1.0: lambda a, b: (cut(a, for_s=29.0), a.tell(b.address, 1)),
        20.0: lambda a, b: a.tell(b.address, 2),
    }
    assert heard(script)[1] == []


def test_a_machine_that_died_forgets_streams_and_its_next_life_resets_them() -> None:
    script: Script = {
        1.0: lambda a, b: a.tell(b.address, 1),
        2.0: lambda a, b: a.cluster.crash_node("b-1"),
        3.0: lambda a, b: a.cluster.restore_node("b-1"),
        4.0: lambda a, b: a.tell(b.address, 2),
        5.0: lambda a, b: a.tell(b.address, 3),
    }
    assert heard(script)[1] == [(1.005, 1), (2.0, "crashed"), (3.0, "started"), (5.005, 3)]


def test_who_dies_on_a_living_machine_resets_its_streams_at_once() -> None:
    script: Script = {
        1.0: lambda a, b: a.tell(b.address, 1),
        2.0: lambda a, b: a.cluster.crash_instance("api-1"),
        3.0: lambda a, b: a.cluster.restore_instance("api-1"),
        4.0: lambda a, b: a.tell(b.address, 2),
    }
    assert heard(script)[1] == [(1.005, 1), (2.0, "crashed"), (3.0, "started"), (4.005, 2)]


def asks(message: Any = "?") -> Callable[[Ears, Ears], None]:
    return lambda a, b: a.ask(b.address, message, lambda answer: a.note((answer.outcome, answer.message)), 3.0)


def test_questions_are_answered() -> None:
    assert heard({1.0: asks()}) == ([(1.01, ("ok", "yes"))], [(1.005, "?")])


def test_a_living_machine_refuses_for_a_dead_process() -> None:
    script: Script = {0.5: lambda a, b: a.cluster.crash_instance("api-1"), 1.0: asks()}
    assert heard(script)[0] == [(1.01, ("refused", None))]


def test_a_dead_machine_is_silent() -> None:
    assert heard({0.5: lambda a, b: a.cluster.crash_node("b-1"), 1.0: asks()})[0] == [(4.0, ("timeout", None))]


def test_whose_process_dies_while_it_serves_is_reset() -> None:
    script: Script = {1.0: asks(1.0), 1.5: lambda a, b: a.cluster.crash_instance("api-1")}
    assert heard(script)[0] == [(1.505, ("reset", None))]


def test_who_is_paused_answers_late() -> None:
    script: Script = {
        0.5: lambda a, b: a.cluster.pause_instance("api-1"),
        1.0: asks(),
        2.0: lambda a, b: a.cluster.resume_instance("api-1"),
    }
    assert heard(script) == ([(2.005, ("ok", "yes"))], [(2.0, "?")])


def test_a_dead_asker_hears_nothing() -> None:
    script: Script = {
        1.0: asks(1.0),
        1.2: lambda a, b: a.cluster.crash_instance("web-1"),
        1.4: lambda a, b: a.cluster.restore_instance("web-1"),
    }
    assert heard(script)[0] == [(1.2, "crashed"), (1.4, "started")]


def test_timers_run_on_the_nodes_clock() -> None:
    model = model_of()
    nodes = tuple(replace(n, clock=Clock(drift=0.25)) if n.name == "a-1" else n for n in model.nodes)
    script: Script = {1.0: lambda a, b: (a.after(1.0, a.note, "due"), b.after(1.0, b.note, "due"))}
    assert heard(script, nodes=nodes) == ([(1.8, "due")], [(2.0, "due")])


def test_timers_wait_for_the_end_of_a_pause_and_die_with_their_host() -> None:
    script: Script = {
        1.0: lambda a, b: (a.after(1.0, a.note, "due"), b.after(1.0, b.note, "due")),
        1.5: lambda a, b: (a.cluster.pause_node("a-1"), b.cluster.crash_node("b-1")),
        3.0: lambda a, b: a.cluster.resume_node("a-1"),
    }
    assert heard(script) == ([(3.0, "due")], [(1.5, "crashed")])


def test_ticks_in_a_pause_are_dropped_but_one() -> None:
    def begin(a: Ears, b: Ears) -> None:
        timer = a.every(1.0, lambda: a.note("tick"), first_s=0.5)
        a.after(6.9, timer.cancel)

    script: Script = {
        1.0: begin,
        2.6: lambda a, b: a.cluster.pause_node("a-1"),
        5.0: lambda a, b: a.cluster.resume_node("a-1"),
    }
    assert heard(script)[0] == [(time, "tick") for time in (1.5, 2.5, 5.0, 5.5, 6.5, 7.5)]


def test_what_is_flushed_has_waited_for_the_disk() -> None:
    script: Script = {
        1.0: lambda a, b: (
            b.flush(100.0, lambda: b.note(1)),
            b.flush(100.0, lambda: b.note(2)),
            a.flush(1.0, a.started),
        ),
        2.0: lambda a, b: b.flush(100.0, lambda: b.note(3)),
        2.001: lambda a, b: b.cluster.crash_node("b-1"),
    }
    assert heard(script) == ([(1.0, "started")], [(1.01, 1), (1.02, 2), (2.001, "crashed")])


def test_sources_are_hosts_at_their_door() -> None:
    def begin(cluster: Cluster) -> tuple[Ears, Ears]:
        pair = Ears(cluster, "source:users"), Ears(cluster, "api-1")
        pair[0].after(1.0, pair[0].send, pair[1].address, "hello")
        return pair

    (_, b), _ = run_with(begin)
    assert b.heard[1:] == [(1.0, "hello")]


def test_a_stop_is_heard_before_the_end() -> None:
    script: Script = {1.0: lambda a, b: a.cluster.stop_instance("api-1")}
    assert heard(script)[1] == [(1.0, "stopping")]


def test_draws_are_the_daemons_own() -> None:
    def begin(cluster: Cluster) -> list[float]:
        first, second = Ears(cluster, "web-1"), Ears(cluster, "api-1")
        return [first.uniform(), second.uniform(), first.uniform()]

    one, again = run_with(begin)[0], run_with(begin)[0]
    assert one == again
    assert len(set(one)) == 3


def test_the_truth_is_on_record() -> None:
    script: Script = {
        1.0: lambda a, b: a.cluster.crash_node("b-1"),
        2.0: lambda a, b: a.cluster.restore_node("b-1"),
        3.0: lambda a, b: a.cluster.pause_instance("api-2"),
        4.0: lambda a, b: a.cluster.resume_instance("api-2"),
        5.0: lambda a, b: a.cluster.crash_instance("api-2"),
    }

    def begin(cluster: Cluster) -> None:
        ears = Ears(cluster, "web-1"), Ears(cluster, "api-1")
        for time_s, act in script.items():
            cluster.env.timeout(time_s).callbacks.append(lambda _, act=act: act(*ears))  # type: ignore[union-attr,misc]

    _, run = run_with(begin)
    assert run.control.to_numpy().tolist() == [
        [1.0, "truth", "down", "api-1", "host"],
        [2.0, "truth", "up", "api-1", ""],
        [3.0, "truth", "paused", "api-2", ""],
        [4.0, "truth", "resumed", "api-2", ""],
        [5.0, "truth", "down", "api-2", "process"],
    ]


def test_answers_are_values() -> None:
    assert Answer("ok", 1) == Answer("ok", 1)


def test_messages_can_be_traced() -> None:
    def begin(cluster: Cluster) -> Ears:
        pair = Ears(cluster, "web-1"), Ears(cluster, "api-1")
        for time_s, act in (
            (1.0, lambda: pair[0].send(pair[1].address, 1)),
            (2.0, lambda: cut(pair[0])),
            (3.0, lambda: pair[0].send(pair[1].address, 2)),
        ):
            cluster.env.timeout(time_s).callbacks.append(lambda _, act=act: act())  # type: ignore[union-attr,misc]
        return pair[0]

    simulation = Simulation(model_of(components=(Made(begin),)), trace_messages=True)
    simulation.run()
    told = [(of.sent_s, of.arrived_s, of.sender, of.receiver, of.message) for of in simulation.cluster.mail.trace or []]
    ends = "web-1/ears", "api-1/ears"
    assert told == [(1.0, 1.005, *ends, 1), (3.0, None, *ends, 2)]


def test_a_reset_does_not_cross_a_cut() -> None:
    """The process at b ends behind a cut: a goes on with its stream until that reaches b's next life."""

    def cut_back(a: Ears, b: Ears) -> None:
        cluster = a.cluster
        handle = cluster.impair(frozenset({"b-1"}), frozenset({"a-1"}), loss=1.0)
        cluster.env.timeout(1.5).callbacks.append(lambda _: cluster.mend(handle))  # type: ignore[union-attr]

    script: Script = {
        1.0: lambda a, b: a.tell(b.address, 1),
        2.0: cut_back,
        2.1: lambda a, b: a.cluster.crash_instance("api-1"),
        3.0: lambda a, b: a.cluster.restore_instance("api-1"),
        4.0: lambda a, b: a.tell(b.address, 2),
        5.0: lambda a, b: a.tell(b.address, 3),
    }
    assert heard(script)[1] == [(1.005, 1), (2.1, "crashed"), (3.0, "started"), (5.005, 3)]


def test_the_dead_do_nothing_more() -> None:
    """Not in their next life either."""

    def die(a: Ears, b: Ears) -> None:
        b.cluster.crash_instance("api-1")
        b.send(a.address, "datagram")
        b.tell(a.address, "stream")
        b.ask(a.address, "question", b.note, 1.0)
        b.after(0.2, b.note, "due")
        b.every(0.2, lambda: b.note("tick"))
        b.flush(1.0, lambda: b.note("flushed"))

    script: Script = {1.0: die, 1.1: lambda a, b: b.cluster.restore_instance("api-1")}
    assert heard(script) == ([], [(1.0, "crashed"), (1.1, "started")])

"""The reference against stories whose times are worked out by hand in their docstrings."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from sim.distributions import Constant, Exponential
from sim.model import EventLoop, Model, Threads
from sim.steps.cpu import Cpu
from sim.steps.io import Io
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from sim.traffic import Closed
from tests.reference import draws, steps
from tests.reference.accounts import Report, assert_conserved
from tests.reference.balancing import Balancer
from tests.reference.build import FAIL, call, cpu, crash, io, network, node, pause, retry, service, slow, source, story
from tests.reference.model import report
from tests.reference.processor import max_min_shares

ONE_WORKER = Threads(workers=1)
BUSY_OR_SHED = Threads(workers=1, queue=0)


def ends(model: Model) -> list[tuple[str, float | None]]:
    """Outcome and end of every request, in order of source and index; the accounts must balance."""
    return [(row.outcome, row.finished_s) for row in run(model).rows]


def run(model: Model) -> Report:
    told = report(model)
    assert_conserved(told)
    for row in told.rows:
        row.finished_s = None if row.finished_s is None else round(row.finished_s, 9)
    return told


# Processors


def test_two_bursts_share_a_core() -> None:
    """Two core-seconds each on one core. The first is alone in [0, 1) and has 1 left; at half speed that takes until 3.
    The second has then got 1 and finishes the other alone at 4."""
    model = story(node(cores=1), service("x", cpu(2)), source("u", "x.e", [0.0, 1.0]))
    assert ends(model) == [("ok", 3), ("ok", 4)]


def test_a_burst_never_runs_faster_than_one_core_and_speed_divides_work() -> None:
    """3 core-seconds at speed 2, on 4 free cores: 1.5 s."""
    model = story(node(cores=4, speed=2), service("x", cpu(3)), source("u", "x.e", [0.0]))
    assert ends(model) == [("ok", 1.5)]


def test_a_node_water_fills_three_instances() -> None:
    """4 cores; demands 1 (a, one burst), 2 (b, two bursts), 4 (c, four bursts): shares 1, 1.5, 1.5.
    a (1 core-second) ends at 1. Until then each burst of b got 0.75, of c 0.375. Then shares 2 and 2: c's bursts
    (0.75 each) run at 0.5 and end at 1.75; b's (3 each) run at 1, have 1.5 left at 1.75 and end at 3.25."""
    model = story(
        node(cores=4),
        service("a", cpu(1), cores=1),
        service("b", Parallel(((cpu(3),),) * 2, need=2), cores=2),
        service("c", Parallel(((cpu(0.75),),) * 4, need=4), cores=4),
        source("ua", "a.e", [0.0]),
        source("ub", "b.e", [0.0]),
        source("uc", "c.e", [0.0]),
    )
    assert ends(model) == [("ok", 1), ("ok", 3.25), ("ok", 1.75)]


def test_max_min_shares() -> None:
    assert max_min_shares(4, [4, 1, 2]) == [1.5, 1, 1.5]
    assert max_min_shares(10, [4, 1, 2]) == [4, 1, 2]
    assert max_min_shares(1, [0, 3]) == [0, 1]


def test_an_event_loop_runs_one_burst_at_a_time_while_waits_overlap() -> None:
    """cpu 1, io 1, cpu 1 at 0 and at 0.5. Loop: first 0–1, second 1–2 (first waits 1–2), first 2–3, second 3–4."""
    model = story(service("x", cpu(1), io(1), cpu(1), concurrency=EventLoop()), source("u", "x.e", [0.0, 0.5]))
    assert ends(model) == [("ok", 3), ("ok", 4)]


# Workers


def test_threads_queue_and_shed() -> None:
    """One worker, one place in the queue, io 1. The third finds it taken and is shed at once."""
    model = story(service("x", io(1), concurrency=Threads(1, 1)), source("u", "x.e", [0.0, 0.1, 0.2]))
    assert ends(model) == [("ok", 1), ("ok", 2), ("shed", 0.2)]


def test_a_worker_is_held_while_its_handler_waits_for_a_call() -> None:
    """y takes 1 s and is not busy otherwise; x's only worker waits for it, so the second request ends at 2."""
    model = story(
        service("x", call("y.e"), concurrency=ONE_WORKER), service("y", io(1)), source("u", "x.e", [0.0, 0.5])
    )
    assert ends(model) == [("ok", 1), ("ok", 2)]


# Calls


def test_messages_take_the_latency_of_their_pair_of_zones_or_of_the_node() -> None:
    """Out 0.1, x to y across zones 0.2, y to z on one node 0.01 and back 0.01, back 0.4, back 0.8: ends at 1.52."""
    model = story(
        node("m", zone="b"),
        node("n", zone="c"),
        network({"ab": 0.1, "ba": 0.8, "bc": 0.2, "cb": 0.4, "cc": 99}, same_node=0.01),
        service("x", call("y.e"), nodes=("m",)),
        service("y", call("z.e")),
        service("z"),
        source("u", "x.e", [0.0], zone="a"),
    )
    assert ends(model) == [("ok", pytest.approx(1.52))]


def test_a_timeout_abandons_work_that_goes_on() -> None:
    """The impatient one leaves at 0.5, half done. The patient one shares the core with what is left (0.5) until 1.5,
    and finishes its other half alone at 2."""
    model = story(
        node(cores=1),
        service("x", cpu(1)),
        source("impatient", "x.e", [0.0], timeout_s=0.5),
        source("patient", "x.e", [0.5]),
    )
    assert ends(model) == [("timeout", 0.5), ("ok", 2)]


def test_at_equal_times_the_response_wins_over_the_timeout() -> None:
    model = story(service("x", io(1)), source("u", "x.e", [0.0], timeout_s=1.0))
    assert ends(model) == [("ok", 1)]


def test_retries_back_off() -> None:
    """The worker is busy until 1. Shed at 0.5, 0.7 (after 0.2), taken at 1.1 (after 0.4), done at 2.1."""
    model = story(
        service("x", io(1), concurrency=BUSY_OR_SHED), source("u", "x.e", [0.0, 0.5], retry=retry(3, initial_s=0.2))
    )
    told = run(model)
    assert [(row.outcome, row.finished_s, row.attempts) for row in told.rows] == [("ok", 1, 1), ("ok", 2.1, 3)]
    assert told.edges["u", "x.e"].attempts == {"ok": 2, "shed": 2}


def test_the_last_attempt_decides_and_other_outcomes_are_not_retried() -> None:
    """Shed at 0.5, 0.6 and 0.8, out of attempts; where only timeouts are retried, shed at once."""
    x = service("x", io(1), concurrency=BUSY_OR_SHED)
    assert ends(story(x, source("u", "x.e", [0.0, 0.5], retry=retry(3, 0.1)))) == [("ok", 1), ("shed", 0.8)]
    only_timeouts = retry(3, 0.1, on=("timeout",))
    assert ends(story(x, source("u", "x.e", [0.0, 0.5], retry=only_timeouts))) == [("ok", 1), ("shed", 0.5)]


def test_an_empty_view_is_unavailable() -> None:
    """At 1, and after a back-off of 0.1 again."""
    model = story(service("x", nodes=()), source("u", "x.e", [1.0], retry=retry(2, 0.1)))
    assert ends(model) == [("unavailable", 1.1)]


def test_a_call_from_the_depth_limit_is_too_deep_and_not_retried() -> None:
    """Tasks at depth 1, 2, 3 wait 0.1 each; the third may not call. All fail at 0.3."""
    again = call("x.e", retry=retry(5, 1.0, on=("too_deep",)))
    told = run(story(service("x", io(0.1), again), source("u", "x.e", [0.0]), depth_limit=3))
    assert [(row.outcome, row.finished_s) for row in told.rows] == [("error", 0.3)]
    assert told.edges["x.e/1", "x.e"].calls == {"error": 2, "too_deep": 1}


def test_a_failed_call_fails_its_handler_unless_optional() -> None:
    """y fails at 0.1. x gives up then, or goes on and ends at 1.1."""
    y = service("y", io(0.1), FAIL)
    strict = service("x", call("y.e"), io(1))
    lenient = service("x", call("y.e", optional=True), io(1))
    assert ends(story(strict, y, source("u", "x.e", [0.0]))) == [("error", 0.1)]
    assert ends(story(lenient, y, source("u", "x.e", [0.0]))) == [("ok", 1.1)]


def test_closed_users_think_first() -> None:
    """One user thinks 1, is served 0.5, thinks 1 …: asks at 1, 2.5, 4."""
    model = story(service("x", io(0.5)), source("u", "x.e", Closed(1, Constant(1.0))), until_s=5)
    assert ends(model) == [("ok", 1.5), ("ok", 3), ("ok", 4.5)]


# Parallel


def test_a_join_fails_when_success_has_become_impossible() -> None:
    """2 of 3 needed: the first fails at 0.1, the second at 0.2; the third (1 s) is not waited for."""
    branches = ((io(0.1), FAIL), (io(0.2), FAIL), (io(1),))
    strict = service("x", Parallel(branches, need=2), io(1))
    lenient = service("x", Parallel(branches, need=2, optional=True), io(1))
    assert ends(story(strict, source("u", "x.e", [0.0]))) == [("error", 0.2)]
    assert ends(story(lenient, source("u", "x.e", [0.0]))) == [("ok", 1.2)]


def test_a_branch_that_continues_keeps_the_processor_but_not_the_worker() -> None:
    """The race ends at 0.1 and frees the worker. The request of 0.2 shares the core with what the branch has left
    (0.8) until 1.8, has 0.2 left itself then, and ends at 2."""
    race = Parallel(((io(0.1),), (cpu(1),)), need=1)
    x = service("x", race, concurrency=BUSY_OR_SHED, other=(cpu(1),))
    model = story(node(cores=1), x, source("u", "x.e", [0.0]), source("v", "x.other", [0.2]))
    assert ends(model) == [("ok", 0.1), ("ok", 2)]


def test_a_cancelled_branch_leaves_the_processor_at_once() -> None:
    """As above, but the branch is cancelled at 0.1: the request of 0.2 has the core for itself."""
    race = Parallel(((io(0.1),), (cpu(1),)), need=1, cancel=True)
    x = service("x", race, concurrency=BUSY_OR_SHED, other=(cpu(1),))
    model = story(node(cores=1), x, source("u", "x.e", [0.0]), source("v", "x.other", [0.2]))
    assert ends(model) == [("ok", 0.1), ("ok", 1.2)]


def race_against_a_call(*extra: object) -> Model:
    """x in zone a, y in zone b with one worker for 5 s of io; 0.1 each way. The race ends at 0.05."""
    race = Parallel(((io(0.05),), (call("y.e"),)), need=1, cancel=True)
    return story(
        node("m", zone="a"),
        node("n", zone="b"),
        network({"ab": 0.1, "ba": 0.1}),
        service("x", race, nodes=("m",)),
        service("y", io(5), concurrency=ONE_WORKER),
        source("u", "x.e", [0.0]),
        *extra,
    )


def test_a_cancel_message_follows_its_request_and_frees_the_worker() -> None:
    """The request is still on its way when the race ends: it reaches y at 0.1, the cancel at 0.15. A request that
    reached y at 0.12 starts then."""
    told = run(race_against_a_call(source("v", "y.e", [0.12])))
    assert [(row.outcome, row.finished_s) for row in told.rows] == [("ok", 0.05), ("ok", 5.15)]
    assert told.edges["x.e/0/parallel/1/0", "y.e"].attempts == {"cancelled": 1}
    assert told.instances["y-0"].tasks == {"cancelled": 1, "ok": 1}


def test_a_cancel_message_reaches_a_queued_task() -> None:
    """y is busy until 5 with a request of 0; the cancelled task never starts, so the request of 1 runs from 5 to 10."""
    told = run(race_against_a_call(source("v", "y.e", [0.0, 1.0])))
    assert [row.finished_s for row in told.rows] == [0.05, 5, 10]
    assert told.seen["cancelled in the queue"] == 1


def test_what_a_decided_join_left_behind_is_beyond_a_later_cancel() -> None:
    """In x the outer race is decided at 0.5 and cancels its second branch, which waits. But that branch had left an
    inner branch behind at 0.1: its call to y runs from 0 to 1 and is answered."""
    inner = Parallel(((io(0.1),), (call("y.e"),)), need=1)
    outer = Parallel(((io(0.5),), (inner, io(9))), need=1, cancel=True)
    told = run(story(service("x", outer), service("y", io(1)), source("u", "x.e", [0.0])))
    assert told.rows[0].finished_s == 0.5
    assert told.edges["x.e/0/parallel/1/0/parallel/1/0", "y.e"].calls == {"ok": 1}


# Crashes


def crashed(*faults: object) -> Model:
    """0.1 each way; x waits 1 s. Requests of 0 (there when it dies at 0.5), 0.5 (reaches it dead), 1 (reaches it
    alive again)."""
    return story(
        node("n", zone="b"),
        network({"ab": 0.1, "ba": 0.1}),
        service("x", io(1)),
        source("u", "x.e", [0.0, 0.5, 1.0], zone="a", timeout_s=2.0),
        *faults,
    )


def test_a_dead_process_resets_and_refuses() -> None:
    """Reset sent at 0.5 and there at 0.6; refused at 0.6 and known at 0.7; then 0.1 + 1 + 0.1."""
    assert ends(crashed(crash("x-0", 0.5, 0.5))) == [("reset", 0.6), ("refused", 0.7), ("ok", 2.2)]


def test_a_dead_host_is_silent() -> None:
    """Both callers learn of it from their timeouts of 2 s."""
    assert ends(crashed(crash("n", 0.5, 0.5))) == [("timeout", 2), ("timeout", 2.5), ("ok", 2.2)]


def test_overlapping_faults_nest() -> None:
    """Process down [1, 3), host down [2, 4): refused at 1.5, silence at 2.5 and 3.5; up again at 4, since faults come
    before arrivals of the same time."""
    model = story(
        service("x"),
        source("u", "x.e", [0.5, 1.5, 2.5, 3.5, 4.0]),
        crash("x-0", 1, 2),
        crash("n", 2, 2),
    )
    assert ends(model) == [("ok", 0.5), ("refused", 1.5), ("unfinished", None), ("unfinished", None), ("ok", 4)]


def test_a_crashed_caller_leaves_its_callees_at_work() -> None:
    """x dies at 0.5 while it calls y: y works on until 1 and is idle for the request of 1.5."""
    told = run(
        story(
            service("x", call("y.e")),
            service("y", io(1), concurrency=BUSY_OR_SHED),
            source("u", "x.e", [0.0]),
            source("v", "y.e", [0.7, 1.5]),
            crash("x-0", 0.5),
        )
    )
    assert [(row.outcome, row.finished_s) for row in told.rows] == [("reset", 0.5), ("shed", 0.7), ("ok", 2.5)]
    assert told.edges["x.e/0", "y.e"].calls == {"cancelled": 1}
    assert told.instances["y-0"].tasks == {"ok": 2, "shed": 1}


@pytest.mark.parametrize("branches", [((cpu(5),), (io(0.1),)), ((io(0.1),), (cpu(5),))])
def test_a_crash_ends_what_a_decided_join_left_behind(branches: tuple[tuple[object, ...], ...]) -> None:
    """x has answered at 0.1, its slow branch shares the core with y from 0.2. x dies at 0.5: y has 0.85 left of its
    core-second, and ends at 1.35."""
    model = story(
        node(cores=1),
        service("x", Parallel(branches, need=1)),
        service("y", cpu(1)),
        source("u", "x.e", [0.0]),
        source("v", "y.e", [0.2]),
        crash("x-0", 0.5),
    )
    assert ends(model) == [("ok", 0.1), ("ok", 1.35)]


# Pauses


def test_a_paused_process_stands_still_and_goes_on_where_it_was() -> None:
    """One worker, 1 core-second a request, paused in [0.5, 1.5): the first ends at 2. What arrives at 1 waits
    outside; at
    1.5 it finds the worker busy, and ends at 3. Outside the pause: from 4 to 5."""
    model = story(
        service("x", cpu(1), concurrency=ONE_WORKER), source("u", "x.e", [0.0, 1.0, 4.0]), pause("x-0", 0.5, 1)
    )
    assert ends(model) == [("ok", 2), ("ok", 3), ("ok", 5)]


def test_io_completes_in_a_pause_and_its_handler_goes_on_after_it() -> None:
    """The wait is over at 1, the burst of 0.25 runs from 2 on. A wait that outlasts the pause is not prolonged."""
    model = story(
        service("x", io(1), cpu(0.25)),
        service("y", io(3), cpu(0.25)),
        source("u", "x.e", [0.0]),
        source("v", "y.e", [0.0]),
        pause("n", 0.5, 1.5),
    )
    assert ends(model) == [("ok", 2.25), ("ok", 3.25)]


def test_callers_of_a_paused_process_see_silence() -> None:
    """Their timeout of 1 s runs on; the abandoned request is served all the same, from 3 to 4, before the third."""
    model = story(
        service("x", io(1), concurrency=ONE_WORKER),
        source("u", "x.e", [0.0, 1.5, 3.5], timeout_s=1.0),
        pause("x-0", 1.25, 1.75),
    )
    assert ends(model) == [("ok", 1), ("timeout", 2.5), ("timeout", 4.5)]


def test_other_instances_get_the_cores_that_a_paused_one_leaves() -> None:
    """Two instances share a core: half each until 1, then y alone: its 1.5 left take until 2.5; x's 1.5 from 3 to
    4.5."""
    model = story(
        node(cores=1),
        service("x", cpu(2)),
        service("y", cpu(2)),
        source("u", "x.e", [0.0]),
        source("v", "y.e", [0.0]),
        pause("x-0", 1, 2),
    )
    assert ends(model) == [("ok", 4.5), ("ok", 2.5)]


def test_a_paused_caller_reads_its_response_before_its_timeout() -> None:
    """x calls y (1 s, and 3 s) with a timeout of 2 s at 0, and is paused in [0.5, 4): the response of 1 s is read at 4,
    although its timeout struck at 2. So is the one of 3 s, which came after its timeout."""
    for wait_s in (1.0, 3.0):
        model = story(
            service("x", call("y.e", timeout_s=2.0)),
            service("y", io(wait_s)),
            source("u", "x.e", [0.0]),
            pause("x-0", 0.5, 3.5),
        )
        assert ends(model) == [("ok", 4)]


def test_timeouts_and_back_offs_of_a_paused_caller_strike_at_its_end() -> None:
    """y is silent for good. The timeout of 1 s would strike at 1 and does at 2; the back-off of 1 s ends at 3; the
    second
    attempt would time out at 4, and does at 5, at the end of the second pause."""
    model = story(
        node(),
        node("m"),
        service("x", call("y.e", timeout_s=1.0, retry=retry(2, 1.0))),
        service("y", nodes=("m",)),
        source("u", "x.e", [0.0]),
        crash("m", 0.0),
        pause("x-0", 0.5, 1.5),
        pause("x-0", 3.5, 1.5),
    )
    assert ends(model) == [("error", 5)]


def test_a_back_off_that_ends_in_a_pause_waits_for_its_end() -> None:
    """y fails at once, the back-off ends at 1, the pause at 2."""
    model = story(
        service("x", call("y.e", retry=retry(2, 1.0))),
        service("y", FAIL),
        source("u", "x.e", [0.0]),
        pause("x-0", 0.5, 1.5),
    )
    assert ends(model) == [("error", 2)]


def test_pauses_nest_and_a_node_pauses_all_that_it_holds() -> None:
    """[1, 3) of the process and [2, 4) of its host: 3 core-seconds take until 6."""
    model = story(service("x", cpu(3)), source("u", "x.e", [0.0]), pause("x-0", 1, 2), pause("n", 2, 2))
    assert ends(model) == [("ok", 6)]


def test_a_crash_ends_what_stood_still_and_what_waited_meets_a_dead_process() -> None:
    """Paused from 0.5 on, dead from 2 on: the request inside is reset, the one that waits at the door is refused;
    back at
    3, but still paused until 5."""
    model = story(service("x", cpu(1)), source("u", "x.e", [0.0, 1.0, 4.0]), pause("x-0", 0.5, 4.5), crash("x-0", 2, 1))
    assert ends(model) == [("reset", 2), ("refused", 2), ("ok", 6)]


def test_a_paused_host_answers_nothing_for_its_dead_process() -> None:
    """The process is dead in [1, 3), its host paused in [2, 4): refused at once at 1.5, but at 2.5 only when the
    host goes
    on; by then the process lives again."""
    model = story(service("x", io(1)), source("u", "x.e", [1.5, 2.5]), crash("x-0", 1, 2), pause("n", 2, 2))
    assert ends(model) == [("refused", 1.5), ("ok", 5)]


def test_a_cancel_message_waits_behind_its_request() -> None:
    """y's worker is paused when the race is lost at 1; at 3 the request and then its cancellation are seen."""
    race = Parallel(((io(1),), (call("y.e"),)), need=1, cancel=True)
    told = run(
        story(
            service("x", race),
            service("y", io(9), concurrency=ONE_WORKER),
            source("u", "x.e", [0.0]),
            source("v", "y.e", [3.5]),
            pause("y-0", 0.0, 3.0),
        )
    )
    assert [(row.outcome, row.finished_s) for row in told.rows] == [("ok", 1), ("ok", 12.5)]
    assert told.instances["y-0"].tasks == {"cancelled": 1, "ok": 1}


# Slow nodes


def test_a_slow_node_does_the_same_work_later() -> None:
    """3 core-seconds; a quarter of the speed in [1, 3): 1 is done at 1, 1.5 at 3, the rest at 4.5. A wait of 2 s takes
    2 s."""
    model = story(
        service("x", cpu(3)),
        service("y", io(2)),
        source("u", "x.e", [0.0]),
        source("v", "y.e", [0.5]),
        slow("n", 0.25, 1, 2),
    )
    assert ends(model) == [("ok", 4.5), ("ok", 2.5)]


def test_slowdowns_multiply() -> None:
    """Half in [1, 4), half again in [2, 3), of a speed of 2: 2 at 1, 3 at 2, 3.5 at 3, 4.5 at 4; the 5.5 left of 10
    take until 6.75."""
    model = story(
        node(speed=2), service("x", cpu(10)), source("u", "x.e", [0.0]), slow("n", 0.5, 1, 3), slow("n", 0.5, 2, 1)
    )
    assert ends(model) == [("ok", 6.75)]


# Balancing


def picks(policy: str, count: int, instances: int = 3, **params: object) -> str:
    view = [SimpleNamespace(name=name) for name in "abc"[:instances]]
    balancer = Balancer(view, policy, params)
    return "".join(balancer.pick(key).name for key in range(count))


def test_balancing_orders() -> None:
    """Round robin; and nginx's own example of smooth weighted round robin (5, 1, 1)."""
    assert picks("round_robin", 7) == "abcabca"
    assert picks("weighted_round_robin", 7, weights=[5, 1, 1]) == "aabacaa"
    assert picks("random", 300).count("a") == pytest.approx(100, abs=30)
    assert picks("least_outstanding", 300).count("b") == pytest.approx(100, abs=30)
    assert picks("power_of_two", 300).count("c") == pytest.approx(100, abs=30)


@pytest.mark.parametrize("policy", ["least_outstanding", "power_of_two"])
def test_outstanding_counts_from_sending_to_the_end_as_the_client_sees_it(policy: str) -> None:
    """Two instances with one worker each, 1 s of io. The request of 0 takes one; that of 0.5 must take the other. Both
    callers give up after 0.9, so at 1.1 the client sees one outstanding (of 0.5), at the instance that is still busy:
    it takes the idle one."""
    x = service("x", io(1), nodes=("n", "n"), concurrency=BUSY_OR_SHED)
    model = story(x, source("u", "x.e", [0.0, 0.5, 1.1], timeout_s=0.9, balance=policy))
    assert ends(model) == [("timeout", 0.9), ("timeout", 1.4), ("timeout", 2)]
    assert run(model).instances["x-0"].tasks["shed"] + run(model).instances["x-1"].tasks["shed"] == 0


# Draws


@pytest.mark.parametrize("draw", ["attempt", "request"])
def test_a_retry_draws_anew_or_repeats(draw: str) -> None:
    """Two attempts, each an exponential wait and a failure, 1 s apart."""
    key = draws.derive(draws.stream_key(1, 0, "source:u"), 0)
    first, second = (draws.step_key(draws.derive(key, n), "x.e/0", visit=0) for n in (0, 1))
    second = second if draw == "attempt" else first
    waits_s = [-2.0 * math.log(draws.uniform(k, 0)) for k in (first, second)]
    x = service("x", Io(Exponential(2.0), draw), FAIL)
    assert ends(story(x, source("u", "x.e", [0.0], retry=retry(2, 1.0)))) == [
        ("error", pytest.approx(waits_s[0] + 1 + waits_s[1]))
    ]


def test_every_turn_of_a_repeat_draws_anew() -> None:
    key = draws.derive(draws.derive(draws.stream_key(1, 0, "source:u"), 0), 0)
    works = [-2.0 * math.log(draws.uniform(draws.step_key(key, "x.e/0/repeat/0", visit), 0)) for visit in range(3)]
    model = story(service("x", Repeat(3, (Cpu(Exponential(2.0)),))), source("u", "x.e", [0.0]))
    assert ends(model) == [("ok", pytest.approx(sum(works)))]


def test_no_two_visits_to_a_step_share_a_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn 0 of the outer loop with turn 1 of the inner one, and turn 1 with turn 0, both have taken one turn."""
    keys = []
    original = draws.step_key
    monkeypatch.setattr(steps, "step_key", lambda *given: keys.append(original(*given)) or keys[-1])
    inner = Repeat(3, (Cpu(Exponential(2.0)),))
    run(story(service("x", Repeat(3, (Parallel(((inner,),), 1),))), source("u", "x.e", [0.0])))
    assert len(keys) == 9
    assert len(set(keys)) == 9


def test_words_and_keys_agree_with_published_values() -> None:
    """SplitMix64 from seed 0 (Vigna's splitmix64.c) and fmix64 as the finaliser of a child's key."""
    assert [draws.word(0, k) for k in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert draws.derive(draws.GOLDEN, 0) == 0, "fmix64 maps 0 to 0"

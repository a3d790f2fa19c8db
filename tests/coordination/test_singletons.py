"""Services that elect a leader: who leads when, and what standbys and former leaders do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sim.engine import Simulation
from sim.experiment.control import read_log
from sim.experiment.coordination import Handoff, handoffs
from sim.registries.candidate import Candidate
from sim.scenario import load_text
from sim.steps.leads import Leads

SYSTEM = """
scenario: singleton
run: {{duration: {duration}, warmup: 0s, drain: 10s, window: 5s, seed: {seed}}}
nodes: {{app: {{count: 3}}, books: {{}}, control: {{count: 3}}}}
network: {{same_zone: {{latency: 0.5ms}}}}
stores: {{locks: {{{store}: {{nodes: control}}}}}}
checks: [fencing, linearizable]
services:
  scheduler:
    nodes: app
    instances: 3
    leader_elected: {{store: locks, lease: {lease}}}
    endpoints: {{main: [{{io: 400ms}}, {{call: ledger}}], ask: [{{io: 1ms}}]}}
  ledger: {{nodes: books, steps: [{{guard: {{resource: ledger, fencing: {fencing}}}}}]}}
traffic:
  jobs: {{to: scheduler.main, arrivals: constant(5/s), retry: {{attempts: 8, on: [error, refused]}}}}
  asks: {{to: scheduler.ask, arrivals: constant(3/s)}}
failures:
{failures}
"""
TRIP_S = 0.05
"""More than the messages of a hand-over take here."""
LEASE_S = 5.0
EXPIRY_S = 0.5
"""etcd looks every 500 ms for leases that are over (`lessor.go`)."""
FIRST = "scheduler-1"
FIRST_WINS = 3
"""A seed with which it is the first to ask."""
PAUSE = "{at: 20s, pause: scheduler-1, for: 15s}"


class Reigns:
    """One run, and who led in it."""

    def __init__(
        self,
        *failures: str,
        store: str = "etcd",
        lease: str = "5s",
        fencing: str = "false",
        duration: str = "50s",
        seed: int = FIRST_WINS,
    ) -> None:
        listed = "\n".join(f"  f{number}: {fault}" for number, fault in enumerate(failures))
        text = SYSTEM.format(
            store=store, lease=lease, fencing=fencing, duration=duration, seed=seed, failures=listed
        )  # fmt: skip
        model = load_text(text if failures else text.replace("failures:\n", ""), "s.yaml").resolve("baseline")
        self.run = Simulation(model).run()
        self.instances = {service.name: [i.name for i in service.instances] for service in model.services}
        self.log = self.run.control

    def of(self, event: str, component: str = "scheduler") -> list[tuple[float, str]]:
        found = self.log[(self.log["event"] == event) & (self.log["component"] == component)]
        return list(zip(found["time_s"], found["subject"], strict=True))

    @property
    def handoffs(self) -> list[Handoff]:
        return handoffs(read_log(self.run, self.instances))

    def outcomes(self, source: str) -> dict[str, int]:
        return {name: count for name, count in self.run.scope("source", source).cohort.outcomes.items() if count}

    def check_one_at_a_time(self) -> None:
        """Nobody leads before the last leader has died, or knows that it leads no more."""
        leader = ""
        for line in self.log.itertuples():
            if line.component == "scheduler" and line.event == "elected":
                assert leader == "", f"{line.subject} is elected at {line.time_s} s, while {leader} leads"
                leader = line.subject
            elif line.subject == leader and (
                line.event == "down" or (line.component == "scheduler" and line.event in ("lost", "stepped_down"))
            ):
                leader = ""


def test_one_leads_and_the_others_refuse() -> None:
    """Requests come to the three in turn; jobs try again until they find the leader."""
    reigns = Reigns(duration="20s")
    [(first_s, leader)] = reigns.of("elected")
    assert leader == FIRST and first_s < TRIP_S
    assert {holder for _, holder in reigns.of("accepted", "ledger")} == {FIRST}
    assert reigns.outcomes("asks") == {"ok": 20, "error": 40}
    assert reigns.outcomes("jobs") == {"ok": 100}
    assert reigns.run.violations == []


def test_a_leader_that_is_killed_is_followed_when_its_lease_is_over() -> None:
    """It was kept alive at most a third of its time and one look (500 ms) ago."""
    reigns = Reigns("{at: 20s, crash: scheduler-1, for: 2s}")
    [_, (next_s, leader)] = reigns.of("elected")
    assert leader != FIRST
    assert LEASE_S * 2 / 3 - 0.5 - TRIP_S < next_s - 20.0 < LEASE_S + EXPIRY_S + TRIP_S
    [handoff] = reigns.handoffs
    assert (handoff.key, handoff.holder, handoff.next_holder, handoff.how) == ("scheduler", FIRST, leader, "death")
    assert handoff.takes_s == pytest.approx(next_s - 20.0)
    served = [holder for at_s, holder in reigns.of("accepted", "ledger") if at_s > next_s]
    assert served and set(served) == {leader}, "the first is back and stands by"
    reigns.check_one_at_a_time()
    assert reigns.run.violations == []


def test_a_leader_that_is_told_to_stop_hands_over_at_once() -> None:
    reigns = Reigns("{at: 20s, restart: scheduler-1, graceful: true, for: 2s}")
    [(left_s, left)] = reigns.of("stepped_down")
    [_, (next_s, leader)] = reigns.of("elected")
    assert (left_s, left) == (20.0, FIRST) and leader != FIRST
    assert 0.0 < next_s - left_s < TRIP_S
    reigns.check_one_at_a_time()
    assert reigns.run.violations == []


def test_a_standby_that_stops_stands_for_nothing() -> None:
    """The next in the queue has gone by its own will; the third follows."""
    faults = "{at: 20s, restart: scheduler-2, graceful: true, for: 30s}", "{at: 22s, crash: scheduler-1, for: 30s}"
    reigns = Reigns(*faults)
    assert [leader for _, leader in reigns.of("elected")] == [FIRST, "scheduler-3"]


def test_a_leader_that_stood_still_leads_on_until_it_looks() -> None:
    """Jobs that it had begun write after its successor's; what comes later it refuses."""
    reigns = Reigns(PAUSE)
    [_, (next_s, leader)] = reigns.of("elected")
    assert leader != FIRST and next_s < 20.0 + LEASE_S + EXPIRY_S + TRIP_S
    assert reigns.of("lost") == [(35.0, FIRST)], "two lead from the election on"
    stale = reigns.of("stale", "ledger")
    assert stale and {holder for _, holder in stale} == {FIRST}
    assert all(35.0 <= at_s < 35.4 + TRIP_S for at_s, _ in stale)
    assert "a stale write of scheduler-1" in reigns.run.violations[0]
    with pytest.raises(AssertionError, match="while scheduler-1 leads"):
        reigns.check_one_at_a_time()


def test_its_token_gives_a_former_leader_away() -> None:
    reigns = Reigns(PAUSE, fencing="true")
    assert reigns.of("stale", "ledger") == []
    assert {holder for _, holder in reigns.of("fenced", "ledger")} == {FIRST}
    assert reigns.run.violations == []


def test_a_leader_that_is_cut_off_stops_when_its_lease_may_be_over() -> None:
    """Client and server look at the lease every 500 ms each, in no step with one another, and the client counts from a
    confirmation's arrival: two may lead for a look and a trip."""
    cut = "{at: 20s, for: 20s, partition: [[{node: app-1}], [{node: control-1}, {node: control-2}, {node: control-3}]]}"
    reigns = Reigns(cut)
    [(lost_s, lost)] = reigns.of("lost")
    [_, (next_s, _)] = reigns.of("elected")
    assert lost == FIRST and lost_s < 20.0 + LEASE_S + EXPIRY_S + TRIP_S
    assert lost_s < next_s + EXPIRY_S + TRIP_S


def test_a_store_without_a_quorum_leaves_nobody_to_lead_but_who_still_can() -> None:
    """The leader's lease is not confirmed any more: it stops by itself, and they elect anew when the store is back."""
    reigns = Reigns("{at: 20s, crash: [locks-1, locks-2], for: 15s}", duration="1min")
    [(lost_s, _)] = reigns.of("lost")
    assert lost_s < 20.0 + LEASE_S + 2 * EXPIRY_S
    assert next(at_s for at_s, _ in reigns.of("elected") if at_s > 20.0) > 35.0
    reigns.check_one_at_a_time()


def test_consul_elects_too() -> None:
    """A session that its owner destroys frees the key at once; one of a process that stood still is ended after twice
    its TTL, and the key rests for the lock-delay of 15 s."""
    stop = "{at: 20s, restart: scheduler-3, graceful: true, for: 2s}"
    still = "{at: 60s, pause: [scheduler-1, scheduler-2], for: 50s}"
    reigns = Reigns(stop, still, store="consul", lease="10s", duration="2min")
    [(_, first), (second_s, second), (third_s, third)] = reigns.of("elected")
    assert first == third == "scheduler-3"
    assert 20.0 < second_s < 20.0 + TRIP_S
    assert 60.0 + 10.0 + 15.0 < third_s < 60.0 + 20.0 + 15.0 + 5.0 + TRIP_S
    [(lost_s, lost)] = reigns.of("lost")
    assert lost == second and 110.0 < lost_s < 110.0 + TRIP_S


FAULTS = (
    "{at: 10s, crash: scheduler-1, for: 3s}",
    "{at: 17s, restart: scheduler-2, graceful: true, for: 1s}",
    "{at: 22s, crash: locks-1, for: 4s}",
    "{at: 30s, crash: app-3, for: 5s}",
    "{at: 38s, restart: scheduler-1, graceful: true, for: 1s}",
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_through_stops_and_deaths_one_leads_at_a_time(seed: int) -> None:
    reigns = Reigns(*FAULTS, seed=seed, duration="1min")
    assert len(reigns.of("elected")) >= 3
    reigns.check_one_at_a_time()
    assert reigns.of("stale", "ledger") == []
    assert reigns.run.violations == []


# Broken elections


def everybody_goes_on(self: Leads, request: object) -> Iterator[None]:
    yield from ()


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], Callable[[], None]]] = {
    "standbys answer": (
        lambda patch: patch.setattr(Leads, "handle", everybody_goes_on),
        test_one_leads_and_the_others_refuse,
    ),
    "a former leader does not look": (
        lambda patch: patch.setattr(Candidate, "_lost", lambda self: None),
        test_a_leader_that_stood_still_leads_on_until_it_looks,
    ),
    "nobody resigns": (
        lambda patch: patch.setattr(Candidate, "stopping", lambda self: None),
        test_a_leader_that_is_told_to_stop_hands_over_at_once,
    ),
    "the dead still lead": (
        lambda patch: patch.setattr(Candidate, "crashed", lambda self: None),
        test_a_leader_that_is_killed_is_followed_when_its_lease_is_over,
    ),
    "who lost does not hear of it": (
        lambda patch: patch.setattr("sim.registries.store.Holding.lose", lambda self: None),
        test_a_leader_that_is_cut_off_stops_when_its_lease_may_be_over,
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_found_out(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, law = MUTANTS[mutant]
    break_it(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        law()

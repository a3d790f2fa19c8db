"""SWIM (Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol",
DSN 2002), with what memberlist 0.5 and Lifeguard (2018) add: each claim with its section, and broken members that its
test catches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import e, log
from statistics import mean

import numpy as np
import pytest

from sim.checks.events import MembershipState, ObserverRestarted
from sim.checks.swim import SwimCheck
from sim.protocols.swim import LAN, LOCAL, SERF, WAN, Config, Member
from sim.protocols.swim.beliefs import Beliefs
from sim.protocols.swim.formulas import (
    push_pull_interval_s,
    retransmit_limit,
    suspicion_timeout_s,
    suspicion_total_s,
)
from sim.protocols.swim.messages import Alive, Dead, Ping, Suspect
from tests.protocols.swim.group import Group, numbers

CALM = replace(LAN, push_pull_interval_s=1e9)
"""Without push-pull, which the paper does not have."""

UNIFORM = replace(CALM, order="random")


def probes(group: Group, periods: int) -> dict[str, list[float]]:
    """When each member was pinged directly, in a healthy group."""
    found: dict[str, list[float]] = defaultdict(list)
    carry = group.carry

    def watch(name: str) -> None:
        for outgoing in group.members[name].outbox:
            if isinstance(outgoing.packet[0], Ping):
                found[outgoing.to].append(group.now_s)
        carry(name)

    group.carry = watch  # type: ignore[method-assign]
    group.run(periods - 0.5)
    return found


# §3.1: the time to detection


@pytest.mark.parametrize("size, periods, published", [(10, 4000, 1.5301), (50, 900, 1.5726), (100, 450, 1.5773)])
def test_a_failure_is_detected_by_someone_after_e_over_e_minus_1_periods(size: int, periods: int, published: float):
    """§3.1: with uniformly random choices, in synchronous rounds: 1 / (1 − (1 − 1/(N−1))^(N−1)), e/(e−1) for large N.

    Measured as the wait from each round on for a round in which a given member is chosen by anyone.
    """
    others = size - 1
    exact = 1 / (1 - (1 - 1 / others) ** others)
    assert exact == pytest.approx(published, abs=5e-4) and exact < e / (e - 1)
    waits: list[int] = []
    for times in probes(Group(size, UNIFORM, in_step=True), periods).values():
        rounds = np.unique(np.rint(times).astype(int))
        starts = np.arange(periods - 50)
        waits += (rounds[np.searchsorted(rounds, starts)] - starts + 1).tolist()
    assert mean(waits) == pytest.approx(exact, rel=0.02)


def test_without_synchronous_rounds_the_first_probe_comes_sooner():
    """Phases of timers that are uniform: after 0.99 periods on average for N = 50 (derived: within a period the chance
    of no probe by t is (1 − t/m)^m for m = N − 1 others); the verdict comes a period later."""
    m = 49
    missed = (1 - 1 / m) ** m
    exact = m / (m + 1) * (1 - (1 - 1 / m) ** (m + 1)) / (1 - missed)
    waits: list[float] = []
    starts = np.random.default_rng(3).uniform(0, 850, 3000)
    for times in probes(Group(50, UNIFORM), 900).values():
        waits += (np.array(times)[np.searchsorted(times, starts)] - starts).tolist()
    assert mean(waits) == pytest.approx(exact, rel=0.02)


def test_the_verdict_follows_the_probe_by_one_period():
    group = Group(50, UNIFORM, in_step=True, seed=4)
    group.run(9.5)
    group.crash("m3")
    group.run(20)
    assert (group.times("m3", "suspect")[0] - 10.0) % 1 == pytest.approx(0, abs=1e-9)
    assert group.times("m3", "suspect")[0] >= 11.0


def longest_gap(config: Config, others: int, periods: int = 1500) -> int:
    """The most periods that one member took from one probe of a target to the next."""
    group = Group(others + 1, config, in_step=True)
    mine: dict[str, list[float]] = defaultdict(list)
    carry = group.carry

    def watch(name: str) -> None:
        if name == "m0":
            for outgoing in group.members[name].outbox:
                if isinstance(outgoing.packet[0], Ping):
                    mine[outgoing.to].append(group.now_s)
        carry(name)

    group.carry = watch  # type: ignore[method-assign]
    group.run(periods)
    return max(round(gap) for times in mine.values() for gap in np.diff(times))


@pytest.mark.parametrize("others", [3, 4])
def test_round_robin_probes_each_member_within_2n_minus_1_periods(others: int):
    """§4.3: time-bounded completeness: 2·n − 1 periods for a list of n members; reached, and never exceeded."""
    assert longest_gap(CALM, others) == 2 * others - 1
    assert longest_gap(UNIFORM, others) > 2 * others - 1, "a random choice has no bound"


# §3.1, §5: the message load


@pytest.mark.parametrize("size", [10, 40, 160, 640])
def test_the_load_of_a_member_does_not_depend_on_the_size_of_the_group(size: int):
    """One ping and one acknowledgement a member and period."""
    group = Group(size, CALM)
    group.run(20)
    assert sum(group.sent.values()) / size / 20 == pytest.approx(2.0, rel=0.02)


# §4.1: dissemination


def last_to_hear_s(size: int, seed: int, loss: float = 0.0, config: Config = CALM) -> float:
    """From a farewell to the last member's knowing."""
    group = Group(size, config, seed, loss=loss)
    group.run(0.3)
    group.members["m0"].leave(group.now_s)
    group.carry("m0")
    while group.now_s < 20 and len(group.times("m0", "left")) < size:
        group.run(group.now_s + 0.5)
    heard = group.times("m0", "left")
    assert len(heard) == size, f"{size - len(heard)} never heard"
    return heard[-1] - 0.3


def test_dissemination_takes_a_time_of_the_order_of_log_n():
    """§4.1: an update reaches the group with high probability within λ·log n rounds."""
    sizes = [10, 30, 100, 300, 1000]
    times = [mean(last_to_hear_s(size, seed) for seed in range(6 if size < 500 else 2)) for size in sizes]
    slope, intercept = np.polyfit(np.log(sizes), times, 1)
    fitted = slope * np.log(sizes) + intercept
    assert slope > 0 and np.abs(times - fitted).max() < 0.1, f"{times} against {fitted}"
    power = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    assert power < 0.35, f"grows like n^{power:.2f}"


SERF_TABLE = [(30, 1.8, 2.6), (100, 2.0, 2.8), (1000, 2.2, 3.2)]
"""Serf's convergence page, by a logistic formula: fan-out 3 every 0.2 s, to at least 99.99 %; without and with a loss
of 30 %."""


TIRELESS = replace(CALM, retransmit_mult=50)
"""Serf's formula lets those who know gossip on for ever; under loss memberlist's limit matters (see below)."""


@pytest.mark.parametrize("size, healthy_s, lossy_s", SERF_TABLE)
def test_dissemination_is_no_slower_than_serf_says(size: int, healthy_s: float, lossy_s: float):
    runs = 2 if size == 1000 else 10
    assert mean(last_to_hear_s(size, seed) for seed in range(runs)) <= healthy_s
    assert mean(last_to_hear_s(size, seed, loss=0.3, config=TIRELESS) for seed in range(runs)) <= lossy_s


def test_what_the_limit_of_transmissions_leaves_out_push_pull_brings():
    """With 30 % loss and memberlist's limit, about one member in 300 of a group of 30 never hears by gossip alone."""
    with pytest.raises(AssertionError, match="never heard"):
        [last_to_hear_s(30, seed, loss=0.3) for seed in range(10)]
    group = Group(30, LAN, 2, loss=0.3)
    group.members["m0"].leave(0.0)
    group.carry("m0")
    group.run(60)
    assert len(group.times("m0", "left")) == 30


@pytest.mark.slow
def test_dissemination_among_ten_thousand():
    assert last_to_hear_s(10_000, 1) <= 2.6
    assert last_to_hear_s(10_000, 1, loss=0.3, config=TIRELESS) <= 3.6


def test_a_member_passes_a_claim_on_a_limited_number_of_times():
    group = Group(100, CALM)
    group.members["m0"].leave(0.0)
    group.carry("m0")
    group.run(0.99)
    before = group.sent["m0"]
    group.run(30)
    assert group.sent["m0"] - before <= retransmit_limit(4, 100) + 2 * 30
    assert not group.members["m0"].broadcasts and group.members["m0"].has_left


# §4.2: suspicion


def test_memberlists_suspicion_timeout():
    """memberlist 0.5 `suspicionTimeout`: the logarithm is decimal, and cut after three decimals."""
    assert [suspicion_timeout_s(4, size, 1.0) for size in (1, 5, 10, 30, 100, 1000, 10_000)] == [
        4.0,
        4.0,
        4.0,
        pytest.approx(5.908),
        8.0,
        12.0,
        16.0,
    ]
    assert suspicion_timeout_s(WAN.suspicion_mult, 100, WAN.probe_interval_s) == 60.0
    assert suspicion_timeout_s(LOCAL.suspicion_mult, 100, LOCAL.probe_interval_s) == 6.0
    assert suspicion_timeout_s(4, 100, 1.0) != pytest.approx(4 * log(100)), "the natural logarithm would be wrong"


def test_memberlists_retransmit_limit_and_push_pull_scale():
    assert [retransmit_limit(4, size) for size in (1, 9, 10, 99, 100, 1000)] == [4, 4, 8, 8, 12, 16]
    assert [push_pull_interval_s(30, size) for size in (2, 32, 33, 64, 65, 128, 1000, 1025)] == [
        30,
        30,
        60,
        60,
        90,
        90,
        180,
        210,
    ]


def test_lifeguards_timeout_shrinks_with_the_logarithm_of_confirmations():
    """Lifeguard §IV.B; k = 3 from 30 s to 2 s."""
    assert [suspicion_total_s(count, 3, 2, 30) for count in range(5)] == [30, 16, 7.81, 2, 2]
    assert suspicion_total_s(0, 0, 2, 30) == 2, "where no confirmations are to be had none are waited for"


@pytest.mark.parametrize("confirming, factor", [(0, 6.0), (1, 6 - 5 * log(2) / log(3)), (2, 1.0), (5, 1.0)])
def test_a_suspect_is_dead_after_a_time_that_depends_on_who_confirms(confirming: int, factor: float):
    group = Group(100, CALM)
    judge = Member("m0", 0.0, numbers(1), replace(CALM, probe_interval_s=1.0), None, ())
    judge.receive("m1", tuple(Alive(name, 1) for name in group.names[1:]), 0.0)
    judge.receive("m2", (Suspect("m1", 1, "m2"),), 0.0)
    for number in range(confirming):
        judge.receive("m9", (Suspect("m1", 1, f"m{3 + number}"), Suspect("m1", 1, "m2")), 0.5)
    assert judge.believes("m1").status == "suspect"
    judge.outbox.clear()
    died_s = 0.0
    while judge.believes("m1").status == "suspect":
        died_s = judge.due_s
        judge.wake(died_s)
    assert died_s == pytest.approx(factor * 8.0, abs=0.0011)


def test_a_crash_is_believed_by_all_after_the_shortest_timeout():
    """With enough members to confirm, a crash is dead after mult · log₁₀ n · interval from the first suspicion."""
    group = Group(100, LAN)
    group.run(5)
    group.crash("m7")
    group.run(40)
    suspected, dead = group.times("m7", "suspect"), group.times("m7", "dead")
    assert len(dead) == 99
    assert dead[0] - suspected[0] == pytest.approx(8.0, abs=0.5)
    assert dead[-1] - dead[0] < 2.0


def survives_a_short_cut(member: type[Member]) -> None:
    """§4.2: a member that is cut off for less than the timeout refutes with a higher incarnation, and lives on."""
    group = Group(10, LAN, member=member)
    group.heard = lambda sender, receiver: not 5 < group.now_s < 8 or "m0" not in (sender, receiver)
    group.run(60)
    assert group.times("m0", "suspect"), "the cut must have been noticed"
    assert not group.times("m0", "dead") and group.members["m0"].incarnation > 1
    assert all(other.believes("m0").status == "alive" for other in group.members.values())


def test_a_suspect_refutes():
    survives_a_short_cut(Member)


def unharmed_by_one_deaf_pair(config: Config) -> None:
    """§3.1: k others are asked to probe, so that one broken way between two members accuses nobody."""
    group = Group(10, replace(config, stream_fallback=False))
    group.heard = lambda sender, receiver: {sender, receiver} != {"m0", "m1"}
    group.run(120)
    assert not group.log


def test_others_are_asked_before_anyone_is_suspected():
    unharmed_by_one_deaf_pair(CALM)


def test_a_stream_saves_whom_datagrams_do_not_reach():
    """memberlist: a ping over TCP beside the indirect ones; without it those whom datagrams do not reach are dead."""
    saved, lost = Group(5, CALM, loss=1.0), Group(5, replace(CALM, stream_fallback=False), loss=1.0)
    saved.run(60), lost.run(60)
    assert not saved.log
    assert lost.times("m0", "dead")


# §4.2: incarnations


def resurrections(group: Group) -> list[str]:
    """What the checker says of all that was believed; everyone began with everyone at incarnation 1."""
    check = SwimCheck()
    for member in group.names:
        for observer in (member, *group.names):
            check.observe(MembershipState(0.0, "group", observer, member, "alive", 1))
    for at_s, observer, record in group.log:
        if record.name == observer and record.incarnation == 1:
            check.observe(ObserverRestarted(at_s, "group", observer))
        check.observe(MembershipState(at_s, "group", observer, record.name, record.status, record.incarnation))
    return check.violations()


def no_resurrections(member: type[Member], seed: int) -> Group:
    """Loss, a partition that heals and a restart, with exchanges of whole states all along."""
    config = replace(SERF, push_pull_interval_s=5.0, reconnect_interval_s=5.0)
    group = Group(12, config, seed, loss=0.2, member=member)
    left, right = set(group.names[:4]), set(group.names[4:])
    group.heard = lambda sender, receiver: (
        not 10 < group.now_s < 40 or {sender, receiver} <= left or {sender, receiver} <= right
    )
    group.run(15)
    group.crash("m11")
    group.run(50)
    group.start("m11", ("m5", "m6"))
    group.run(120)
    assert group.times("m0", "dead") and group.times("m11", "dead"), "someone must have died"
    assert not resurrections(group)
    return group


@pytest.mark.parametrize("seed", range(4))
def test_a_dead_incarnation_never_comes_back(seed: int):
    group = no_resurrections(Member, seed)
    for believer in group.members.values():
        for name in group.names:
            assert believer.believes(name).status != "dead", f"{believer.name} still believes {name} dead"


def test_old_claims_change_nothing():
    """The order of claims: a higher incarnation, else dead over suspect over alive."""
    member = Group(6, CALM).members["m0"]
    claims = [
        (Suspect("m1", 0, "m2"), "alive"),
        (Suspect("m1", 1, "m2"), "suspect"),
        (Alive("m1", 1), "suspect"),
        (Alive("m1", 2), "alive"),
        (Dead("m1", 1, "m2"), "alive"),
        (Dead("m1", 2, "m2"), "dead"),
        (Alive("m1", 2), "dead"),
        (Suspect("m1", 2, "m3"), "dead"),
        (Suspect("m1", 3, "m3"), "dead"),
        (Alive("m1", 3), "alive"),
        (Dead("m1", 3, "m1"), "left"),
        (Alive("m1", 3), "left"),
    ]
    for claim, status in claims:
        member.receive("m2", (claim,), 1.0)
        assert member.believes("m1").status == status, claim


# Lifeguard


def test_a_member_that_hears_nothing_doubts_itself_first():
    """Lifeguard §IV.A: failed probes without a word from the helpers slow a member's own probing, up to eightfold."""
    group = Group(20, CALM)
    group.heard = lambda sender, receiver: receiver != "m0"
    group.run(60)
    assert group.members["m0"].awareness.score == 7
    assert all(group.members[name].awareness.score <= 3 for name in group.names[1:])
    group.heard = lambda sender, receiver: True
    group.run(90)
    assert group.members["m0"].awareness.score == 0


# Mutants


class ForgivesTheDead(Beliefs):
    """Takes an alive of the same incarnation for news."""

    def alive(self, claim: Alive) -> None:
        before = self._roster.get(claim.node)
        if before is not None and before.status == "dead" and claim.incarnation == before.incarnation:
            self._become(before._replace(status="alive"))
        super().alive(claim)


class NeverRefutes(Beliefs):
    def _refute(self, accused: int) -> None:
        pass


def with_beliefs(mutant: type[Beliefs]) -> type[Member]:
    return type(f"Member{mutant.__name__}", (Member,), {"beliefs_class": mutant})


def test_broken_members_are_caught():
    with pytest.raises(AssertionError):
        no_resurrections(with_beliefs(ForgivesTheDead), 0)
    with pytest.raises(AssertionError):
        survives_a_short_cut(with_beliefs(NeverRefutes))
    with pytest.raises(AssertionError):
        unharmed_by_one_deaf_pair(replace(CALM, indirect_checks=0))
    with pytest.raises(AssertionError):
        last_to_hear_s(300, 1, config=replace(CALM, retransmit_mult=0))

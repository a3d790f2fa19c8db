"""Zones: measured availability against k of n where that applies, and where it does not, against what does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy import stats

import sim
from sim.engine.run import Run
from sim.experiment.outline import FaultOutline
from sim.experiment.state_runs import WeightedStates
from sim.experiment.states import States
from sim.statistics import Estimate, mean_estimate
from tests.scenarios_gallery.gallery import FOLDER, available, results

HOSTS, NEEDED = 6, 3
ZONES = {"one_zone": ("a",), "two_zones": ("a", "b"), "three_zones": ("a", "b", "c")}
HOST, ZONE = 1200 / 1240, 4800 / 4900
"""Share of the time that a host, and a zone, is well: mtbf / (mtbf + mttr)."""
SHORT_RUNS = ("run.duration=10min", "run.warmup=20s")
BEYOND = "availability/beyond-k-of-n"
OFTEN = (
    "run.duration=1h",
    "failures.hosts die.mtbf=exponential(5min)",
    "failures.zones go dark.mtbf=exponential(15min)",
)
"""What is rare in the scenario is seen in a short run."""
OFTEN_HOST, OFTEN_ZONE = 300 / 340, 900 / 1000


def closed_form(zones: int, host: float = HOST, zone: float = ZONE) -> np.ndarray:
    """P(j of six hosts up), j = 0 … 6: zones fail independently, and hosts in a zone that is up."""
    each = HOSTS // zones
    of_one = zone * stats.binom.pmf(np.arange(each + 1), each, host)
    of_one[0] += 1 - zone
    found = np.ones(1)
    for _ in range(zones):
        found = np.convolve(found, of_one)
    return found


@cache
def states(file: str, variant: str) -> States:
    return sim.failure_states(sim.load(FOLDER / f"{file}.yaml", SHORT_RUNS), variant)


@cache
def weighted(file: str, variant: str) -> WeightedStates:
    return sim.weigh(states(file, variant), replications=3)


def answered(file: str, variant: str) -> dict[int, float]:
    """Share of requests answered, by the number of hosts that are up."""
    return {run.state.up["api"]: run.available["users"].value for run in weighted(file, variant).runs}


def agrees(estimate: Estimate, true: float, factor: float = 1.6) -> bool:
    """Within an interval of 99.7 %."""
    return abs(estimate.value - true) <= factor * estimate.half_width


# Where it applies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ZONES)
def test_time_with_enough_hosts_is_k_of_n(variant: str) -> None:
    true = closed_form(len(ZONES[variant]))
    found = states("availability/zones", variant)
    enough = found.at_least("api", NEEDED)
    assert agrees(enough, float(true[NEEDED:].sum()))
    assert enough.half_width < 0.1 * (1 - true[NEEDED:].sum()), "too few episodes to tell"
    for state in found.states:
        assert agrees(state.probability, true[state.up["api"]], 2.0), state.label


def share_up(run: Run) -> float:
    """Of measured windows, those in which at most a tenth of what ended was not good."""
    series = run.series[(run.series["kind"] == "source") & (run.series["window_start_s"] < run.duration_s)]
    series = series[series["window_start_s"] >= run.warmup_s]
    return float((series["good"] >= 0.9 * (series["good"] + series["failed"])).mean())


def share_with_enough(run: Run, faults: Sequence[FaultOutline]) -> float:
    """Of the measured time, by the episodes of this run, in steps of a second."""
    times_s = np.arange(run.warmup_s, run.duration_s) + 0.5
    hosts_of = {fault.name: [host for _, host in fault.takes_down] for fault in faults}
    down = {f"app-{number + 1}": np.zeros(len(times_s), bool) for number in range(HOSTS)}
    for name, start_s, end_s in run.faults:
        for host in hosts_of[name]:
            down[host] |= (start_s <= times_s) & (times_s < end_s)
    return float((HOSTS - sum(of.astype(int) for of in down.values()) >= NEEDED).mean())


@pytest.mark.parametrize("variant", ZONES)
def test_a_simulation_with_requests_is_up_while_enough_hosts_are(variant: str) -> None:
    """On the episodes of each replication, so that their chance is on both sides. What is left is that downtime is
    known to a window of 10 s, and that callers notice a dead host by their timeouts."""
    ran = results("availability/zones", 4, *OFTEN)
    runs, faults = ran.of(variant), ran.models[variant].faults
    enough = [share_with_enough(run, faults) for run in runs]
    difference = mean_estimate([share_up(run) - share for run, share in zip(runs, enough, strict=True)])
    missing = 1 - closed_form(len(ZONES[variant]), OFTEN_HOST, OFTEN_ZONE)[NEEDED:].sum()
    assert 1 - np.mean(enough) > 0.3 * missing, "nothing happened"
    assert abs(difference.value) < 0.15 * missing


@pytest.mark.parametrize("variant", ["two_zones", "three_zones"])
def test_two_hosts_still_answer_most_so_fewer_requests_are_lost_than_time(variant: str) -> None:
    good = weighted("availability/zones", variant).available["users"]
    assert good.low > closed_form(len(ZONES[variant]))[NEEDED:].sum()
    of_state = answered("availability/zones", variant)
    assert all(of_state[up] > 0.98 for up in (3, 4, 5, 6))
    assert 0.5 < of_state[2] < 0.9 and of_state[0] == 0.0


def test_in_one_zone_all_or_nothing_is_up() -> None:
    assert agrees(weighted("availability/zones", "one_zone").available["users"], closed_form(1)[NEEDED:].sum(), 2.0)


@pytest.mark.parametrize("variant", ZONES)
def test_requests_answered_are_those_of_each_state(variant: str) -> None:
    """Directly, and from the closed form's probabilities with what is answered in each state."""
    ran = results("availability/zones", 4, *OFTEN)
    direct = ran.estimates(variant, "users")["availability"]
    of_state = {0: 0.0, 1: 0.27} | answered("availability/zones", variant)
    probabilities = closed_form(len(ZONES[variant]), OFTEN_HOST, OFTEN_ZONE)
    assert agrees(direct, sum(p * of_state[up] for up, p in enumerate(probabilities)))
    assert direct.half_width < 0.1


# Where it does not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant, tries", [("one_try", 1), ("three_tries", 3)])
def test_who_picks_at_random_loses_what_dead_hosts_are_given(variant: str, tries: int) -> None:
    """1 - (dead / 6)^tries, while there are hosts enough."""
    of_state = answered(BEYOND, variant)
    for up in (5, 4, 3):
        assert of_state[up] == pytest.approx(1 - (1 - up / HOSTS) ** tries, abs=0.025), up


@pytest.mark.parametrize("variant", ZONES)
def test_with_one_try_six_hosts_are_as_available_as_one(variant: str) -> None:
    """Whatever the zones: the mean share of hosts that are up."""
    probabilities = closed_form(len(ZONES[variant]))
    assert probabilities @ np.arange(HOSTS + 1) / HOSTS == pytest.approx(HOST * ZONE)
    if variant == "three_zones":
        assert weighted(BEYOND, "one_try").available["users"].value == pytest.approx(HOST * ZONE, abs=0.005)


def test_a_busy_system_needs_five_and_a_zone_outage_leaves_four() -> None:
    of_state = answered(BEYOND, "busy")
    assert of_state[5] > 0.98 and of_state[4] < 0.8
    assert weighted(BEYOND, "busy").available["users"].high < closed_form(3)[NEEDED:].sum()


def test_behind_long_queues_the_storm_outlasts_the_outage() -> None:
    """A state knows no past: weighted states take each to begin with empty queues."""
    outage = "{dark: {outage: {zone: b}, at: 3min, for: 1min}}"
    late_s = 8 * 60.0
    scenario = sim.load(FOLDER / f"{BEYOND}.yaml", ["run.duration=10min", "run.warmup=1min", f"failures={outage}"])
    ran = sim.run(scenario, replications=3, variants=["busy", "busy_long_queue"])
    assert min(available(run, "users", late_s) for run in ran.of("busy")) > 0.99
    assert max(available(run, "users", late_s) for run in ran.of("busy_long_queue")) < 0.1


def test_a_shared_cause_takes_all_hosts_at_once() -> None:
    """Hosts that all die with rate β / mtbf, beside the zones and their own deaths."""
    beta, mtbf_s, mttr_s = 0.2, 1200.0, 40.0
    own = mtbf_s / (mtbf_s + (1 - beta) * mttr_s)
    no_cause = mtbf_s / (mtbf_s + beta * mttr_s)
    enough = states(BEYOND, "shared_cause").at_least("api", NEEDED)
    assert agrees(enough, no_cause * closed_form(3, host=own)[NEEDED:].sum())
    assert enough.high < closed_form(3)[NEEDED:].sum() - 0.005

"""Failures alone (A18): k-of-n availability, and requests in each state against a direct simulation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from sim.engine import simulate
from sim.engine.episodes import episodes
from sim.errors import DsimError
from sim.experiment import run_scenario
from sim.experiment.state_runs import weigh
from sim.experiment.states import _falls, failure_states
from sim.scenario import Scenario, load_text

REPAIRS = {
    "exponential": "exponential(10s)",
    "heavy": "{lognormal: {mean: 10s, cv: 3}}",
    "even": "{uniform: {low: 5s, high: 15s}}",
}
"""Of mean 10 s: with independent components only the mean matters (Barlow & Proschan, Statistical Theory of
Reliability and Life Testing, 1975, section 7.1)."""


def group(n: int, well: float, repair: str = "exponential(10s)", more: str = "") -> Scenario:
    """`n` instances that are each well for the share `well` of the time."""
    names = ", ".join(f"api-{number + 1}" for number in range(n))
    mtbf = f"exponential({10.0 * well / (1.0 - well):.12g}s)"
    text = f"""
scenario: s
services: {{api: {{instances: {n}, cpu: 1ms}}, db: {{instances: 2, cpu: 1ms}}}}
traffic: {{users: {{to: api, arrivals: poisson(5/s)}}, others: {{to: db, arrivals: poisson(5/s)}}}}
failures:
  dies: {{crash: [{names}], mtbf: {mtbf}, mttr: {repair}}}
{more}"""
    return load_text(text, "f.yaml")


CELLS = {
    (3, 2, 0.99): 0.999702,
    (5, 3, 0.99): 0.99999015,
    (3, 2, 0.999): 0.999997,
    (5, 3, 0.9): 0.99144,
    (7, 4, 0.95): 0.99980642,
}


@pytest.mark.parametrize("repair", REPAIRS)
@pytest.mark.parametrize("cell", CELLS)
def test_k_of_n(cell: tuple[int, int, float], repair: str) -> None:
    """The binomial tail, within the 99.8 % interval: 15 cells all hold in 97 of 100 seeds."""
    n, k, well = cell
    true = float(stats.binom.sf(k - 1, n, well))
    assert true == pytest.approx(CELLS[cell], abs=6e-7)
    found = failure_states(group(n, well, REPAIRS[repair])).at_least("api", k)
    reach = found.half_width / stats.t.ppf(0.975, 19) * stats.t.ppf(0.999, 19)
    assert abs(found.value - true) <= reach
    assert reach < 0.6 * (1.0 - true), "too few episodes to tell"


def test_every_state_has_its_binomial_probability_and_its_duration() -> None:
    """Exponential times: with j of 3 up, something changes at the rate j·λ + (3 - j)·μ."""
    found = failure_states(group(3, 0.9)).states
    assert [state.up["api"] for state in found] == [3, 2, 1, 0]
    for state in found:
        up = state.up["api"]
        for estimate, true in (
            (state.probability, stats.binom.pmf(up, 3, 0.9)),
            (state.mean_duration_s, 1.0 / (up / 90.0 + (3 - up) / 10.0)),
        ):
            assert abs(estimate.value - true) <= 1.8 * estimate.half_width
            assert estimate.half_width < 0.1 * true


def test_the_episodes_are_those_of_a_simulation() -> None:
    model = group(2, 0.9).resolve("baseline")
    run = simulate(model, 1)
    for fault in model.faults:
        seen = [(start, end) for name, start, end in run.faults if name == fault.name]
        drawn = episodes(fault, model.run.seed, 1)
        assert seen == [next(drawn) for _ in seen]


def test_time_up_is_what_the_episodes_leave() -> None:
    """By the definition, slowly: one component, then two that overlap in any way."""
    scenario = group(2, 0.6)
    states = failure_states(scenario, years=1e-4, replications=2)
    model = scenario.resolve("baseline")
    for number, seen in enumerate(states.seen):
        grid = np.linspace(0.0, states.duration_s, 400_001)
        up = np.zeros(len(grid), int)
        for fault in model.faults:
            spans = []
            for start, end in episodes(fault, model.run.seed, number):
                if start >= states.duration_s:
                    break
                spans.append((start, end))
            assert all(one[1] <= two[0] for one, two in pairwise(spans))
            edges = np.array(spans).ravel()
            up += np.searchsorted(edges, grid, side="right") % 2 == 0
        for count in range(3):
            assert seen.up["api"][count] == pytest.approx((up == count).mean() * states.duration_s, rel=0.01, abs=0.1)


def test_a_node_takes_all_its_instances_down_at_once() -> None:
    text = """
scenario: s
nodes: {app: {count: 2}}
services: {web: {nodes: app, instances: 2, cpu: 1ms}, api: {nodes: app, instances: 4, cpu: 1ms}}
traffic: {users: {to: {web: 50%, api: 50%}, arrivals: poisson(5/s)}}
failures:
  host dies: {crash: app-1, mtbf: exponential(90s), mttr: exponential(10s)}
  stalls: {pause: api-1, mtbf: exponential(90s), mttr: exponential(10s)}
  limps: {slow: app-2, factor: 0.5, mtbf: exponential(90s), mttr: exponential(10s)}
  once: {crash: app-2, at: 1s, for: 1s}
"""
    found = failure_states(load_text(text, "n.yaml"), replications=10)
    probability = {(s.up["web"], s.up["api"]): s.probability for s in found.states}
    expected = {(2, 4): 0.81, (1, 2): 0.1, (2, 3): 0.09}  # api-1 is on app-1: its pause hides behind the crash
    assert set(probability) == set(expected)
    for state, true in expected.items():
        assert abs(probability[state].value - true) <= 1.8 * probability[state].half_width
    assert len(found.notes) == 2
    assert "“once” is not in the states: it strikes on a schedule" in found.notes[0]
    assert "“limps” is not in the states: it takes down nobody who is known beforehand" in found.notes[1]


def test_a_change_hands_over_within_a_state() -> None:
    """On a clock: api-1 is down in [10, 20), [30, 40) …, api-2 in [20, 30), [50, 60) …. One of them is down from 10 to
    40 s without a break, though not the same."""
    text = """
scenario: s
services: {api: {instances: 2, cpu: 1ms}}
traffic: {users: {to: api, arrivals: poisson(5/s)}}
failures:
  one: {crash: api-1, mtbf: constant(10s), mttr: constant(10s)}
  two: {crash: api-2, mtbf: constant(20s), mttr: constant(10s)}
"""
    found = failure_states(load_text(text, "f.yaml"), years=59.9 / (365 * 86400), replications=2)
    states = {state.up["api"]: state for state in found.states}
    assert {up: round(state.probability.value * 59.9) for up, state in states.items()} == {2: 20, 1: 30, 0: 10}
    assert {up: state.visits // 2 for up, state in states.items()} == {2: 2, 1: 1, 0: 1}
    assert states[1].mean_duration_s.value == pytest.approx(30.0)


def test_falls_below_k_are_counted_once_each() -> None:
    """From 3 to 1 is a fall below 3 and below 2; from 1 to 0 one below 1."""
    assert _falls(np.array([3, 1, 2, 1, 0, 3])).tolist() == [0, 1, 2, 1, 0]


def test_what_was_never_seen_is_a_bound() -> None:
    """A tenth of a year of seven good instances: never was the fourth down. The truth lies within the bound."""
    found = failure_states(group(7, 0.999), years=0.1, replications=2)
    none = found.at_least("api", 4)
    assert none.value == 1.0 and none.high == 1.0
    assert 0.0 < 1.0 - none.low == pytest.approx(3.0 / found.total_s * 10.0, rel=0.01)
    assert "a bound" in none.reason and none.low < stats.binom.sf(3, 7, 0.999)
    few = found.at_least("api", 5)
    assert few.low < stats.binom.sf(4, 7, 0.999) < few.high


def test_a_service_that_no_fault_reaches() -> None:
    found = failure_states(group(2, 0.9), years=0.01)
    assert found.at_least("db", 2).value == 1.0
    assert dict(found.instances) == {"api": 2}


def test_a_mutant_with_repairs_a_tenth_longer_is_noticed() -> None:
    found = failure_states(group(3, 0.99, "exponential(11s)")).at_least("api", 2)
    assert found.high < CELLS[3, 2, 0.99]


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda s: failure_states(s, years=0.0), "years: got 0.0; must be above 0"),
        (lambda s: failure_states(s, replications=1), "replications: got 1; must be at least 2"),
        (lambda s: failure_states(s, years=0.01).at_least("api", 3), "k: got 3; must be from 1 to 2"),
        (lambda s: failure_states(s, years=0.01).at_least("web", 1), "service: got 'web'; must be one of api, db"),
    ],
)
def test_bad_numbers_are_refused(call: object, sentence: str) -> None:
    with pytest.raises(DsimError, match=sentence.replace("(", r"\(")):
        call(group(2, 0.9))  # type: ignore[operator]


def test_without_faults_at_random_there_are_no_states() -> None:
    text = """
scenario: s
services: {api: {cpu: 1ms}}
traffic: {users: {to: api, arrivals: poisson(5/s)}}
failures: {dies: {crash: api, at: 1s, for: 1s}}
"""
    with pytest.raises(DsimError, match="no fault of baseline takes instances down at random; must have one with mtbf"):
        failure_states(load_text(text, "f.yaml"))


def requests(mtbf: str, mttr: str, duration: str, retry: str, instances: int = 3) -> Scenario:
    """Of three instances one alone cannot serve all."""
    names = ", ".join(f"api-{number + 1}" for number in range(instances))
    text = f"""
scenario: s
run: {{duration: {duration}, warmup: 20s, replications: 8, window: 100s}}
services:
  api: {{instances: {instances}, cores: 1, concurrency: {{threads: {{workers: 4, queue: 16}}}}, cpu: exponential(20ms)}}
traffic:
  users: {{to: api, arrivals: poisson({20 * instances}/s), timeout: 500ms, retry: {retry}}}
failures:
  dies: {{crash: [{names}], mtbf: {mtbf}, mttr: {mttr}}}
"""
    return load_text(text, "f.yaml")


def test_requests_in_each_state_agree_with_a_direct_simulation() -> None:
    """States last 5 to 60 s, requests less than 1 s: 8 x 6000 s directly, and 8 x 400 s in each of four states."""
    slow = ("exponential(180s)", "exponential(20s)")
    direct = run_scenario(requests(*slow, "6000s", "none")).estimates("baseline", "users")["availability"]
    found = weigh(failure_states(requests(*slow, "400s", "none"))).available["users"]
    error = math.hypot(direct.half_width / stats.t.ppf(0.975, 7), found.half_width / 2.0)
    assert abs(found.value - direct.value) <= 3.0 * error
    assert error < 0.1 * (1.0 - found.value), "too few requests to tell"
    assert found.half_width < 0.2 * direct.half_width, "what the method is for"


def test_states_that_pass_within_a_request_do_not_agree_and_say_so() -> None:
    """One instance, down for 0.1 s in 1: who comes again after a second meets another state. Weighted states take the
    second try to meet the first one's."""
    again = "{attempts: 2, backoff: {initial: 1s, jitter: none}}"
    fast = requests("exponential(0.9s)", "exponential(0.1s)", "400s", again, 1)
    direct = run_scenario(fast).estimates("baseline", "users")["availability"]
    found = weigh(failure_states(fast))
    assert found.available["users"].value == pytest.approx(0.9, abs=0.01)
    assert direct.low > 0.95
    assert any("simulate directly" in note for note in found.notes)

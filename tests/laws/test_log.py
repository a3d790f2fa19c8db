"""The replicated log against order statistics, and against the laws of group commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom

from sim.distributions import Constant, Distribution, Exponential, Lognormal
from sim.model import Component, Model, Source, Target
from sim.traffic import Closed, Poisson, Trace
from tests.engine.groups import group_of, name
from tests.laws.estimate import Comparison, Replications
from tests.laws.simulate import EFFORTS, Effort, hold
from tests.reference.build import policy, story

FLUSH_S, WAY_S = 0.002, 0.001
APART_S = 0.05
"""Between two writes: no flush lasts so long."""


@dataclass(frozen=True)
class Led(Component):
    """Member 0 leads from the start."""

    name: str = "led"

    def start(self, cluster: Any) -> None:
        cluster.groups.leads(name(0), 1)
        cluster.publish("source:users", "etcd", [name(0)])


def model_of(members: int, flush: Distribution, way: Distribution | None, arrivals: Any) -> Model:
    users = Source("users", arrivals, (Target("etcd", "put", 1.0),), None, policy())
    parts = group_of(members, flush, Constant(0.0) if way is None else way)
    model = story(*parts, users, until_s=20.0)
    return replace(model, components=(Led(),), run=replace(model.run, record="none", warmup_s=0.5))


def apart(stretch: float) -> Trace:
    return Trace(np.arange(0.2, 20.0 * stretch, APART_S))


def commit_law(members: int, flush: Callable[[float], float], followers: Callable[[float], float]) -> float:
    """E max(L, k-th fastest of the followers): L the leader's flush, k + 1 a majority; both given by their laws."""
    need = members // 2

    def by(t: float) -> float:
        return flush(t) * float(binom.sf(need - 1, members - 1, followers(t))) if members > 1 else flush(t)

    return float(quad(lambda t: 1.0 - by(t), 0.0, 60 * FLUSH_S, limit=200)[0])


@pytest.mark.parametrize("members", [3, 5, 7])
@pytest.mark.parametrize("effort", EFFORTS)
def test_a_commit_is_an_order_statistic_of_the_disks(effort: Effort, members: int) -> None:
    """Exponential flushes, no time on the way: with three members E max(L, min(F, F')) = 7/6 of a flush."""

    def law(t: float) -> float:
        return 1.0 - float(np.exp(-t / FLUSH_S))

    expected = commit_law(members, law, law)
    if members == 3:
        assert expected == pytest.approx(7.0 / 6.0 * FLUSH_S)

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), expected)

    hold(model_of(members, Exponential(FLUSH_S), None, apart(effort.stretch)), effort, claims).close()


@pytest.mark.parametrize("members", [3, 5])
def test_and_of_the_ways_there_and_back(members: int) -> None:
    """Lognormal flushes and messages, against direct draws."""
    flush, way = Lognormal(FLUSH_S, 0.5), Lognormal(WAY_S, 0.8)
    rng = np.random.default_rng(1)

    def drawn(law: Lognormal, count: int) -> Any:
        spread = np.log1p(law.cv**2)
        return rng.lognormal(np.log(law.mean()) - spread / 2.0, np.sqrt(spread), (400_000, count))

    others = drawn(way, members - 1) + drawn(flush, members - 1) + drawn(way, members - 1)
    commits = np.maximum(drawn(flush, 1)[:, 0], np.sort(others, axis=1)[:, members // 2 - 1])

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), float(commits.mean()))
        table.hold("p90", runs.quantile("users", 0.9), float(np.quantile(commits, 0.9)), tail=True)

    hold(model_of(members, flush, way, apart(1.0)), Effort(20, 1.0, 0.25), claims).close()


@pytest.mark.parametrize("members, turns", [(1, 1.5), (3, 2.5)])
def test_under_load_the_leader_flushes_without_a_break(members: int, turns: float) -> None:
    """A write waits for half a flush on average, then for its own; with followers, whose answers come while the next
    one runs, for that one too: its turn comes when it ends."""
    flush_s = 5 * FLUSH_S
    model = model_of(members, Constant(flush_s), Constant(WAY_S), Poisson(5000.0))
    short = replace(model, run=replace(model.run, duration_s=2.0))

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), turns * flush_s)
        table.hold("X", runs.throughput("users"), 5000.0)

    hold(short, Effort(10, 1.0, 0.25), claims).close()


@pytest.mark.parametrize("members, cycle_s", [(1, FLUSH_S), (3, FLUSH_S + 2 * WAY_S)])
def test_users_who_write_without_a_break_share_a_flush(members: int, cycle_s: float) -> None:
    """All are answered at once, and write again at once: as many commits a cycle as there are users."""
    model = model_of(members, Constant(FLUSH_S), Constant(WAY_S), Closed(20, Constant(0.0)))
    short = replace(model, run=replace(model.run, duration_s=3.0, warmup_s=0.5))

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("X", runs.throughput("users"), 20.0 / cycle_s)

    hold(short, Effort(3, 1.0, 0.25), claims).close()


def test_a_log_without_group_commit_is_noticed() -> None:
    """A mutant: were each write to have a flush of its own, a disk of 500 a second would allow no more."""
    model = model_of(1, Constant(FLUSH_S), None, Closed(20, Constant(0.0)))
    short = replace(model, run=replace(model.run, duration_s=3.0))

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("X", runs.throughput("users"), 1.0 / FLUSH_S)

    assert hold(short, Effort(3, 1.0, 1.0), claims).misses

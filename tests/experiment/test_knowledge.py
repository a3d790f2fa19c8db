"""What clients knew, on logs made by hand: each number can be worked out by reading the log."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sim.experiment import control, knowledge
from tests.experiment import fakes
from tests.experiment.control_logs import INSTANCES, log, run

FULL = "0 e view a api: api-1 api-2"
KILL = """
0 etcd view a api: api-1 api-2
0 etcd view b api: api-1 api-2
2 truth down api-1
5 etcd expired api-1
5.1 etcd view a api: api-2
5.4 etcd view b api: api-2
8 truth up api-1
8.5 etcd registered api-1
8.6 etcd view a api: api-2 api-1
9.0 etcd view b api: api-2 api-1
"""


def test_a_death_is_detected_and_converges_view_by_view() -> None:
    (end,) = knowledge.ends(log(KILL))
    assert (end.service, end.instance, end.kind, end.at_s, end.until_s) == ("api", "api-1", "death", 2.0, 8.0)
    assert end.detect_s == 3.0
    assert end.converge_s == pytest.approx({"a": 3.1, "b": 3.4})
    assert end.converge_all_s == pytest.approx(3.4)


def test_a_return_counts_from_being_up_to_being_listed() -> None:
    (back,) = knowledge.returns(log(KILL))
    assert (back.at_s, back.until_s, back.registered_s) == (8.0, 12.0, 0.5)
    assert back.back_s == pytest.approx({"a": 0.6, "b": 1.0})
    assert back.back_all_s == pytest.approx(1.0)


def test_who_was_never_out_need_not_be_registered_again() -> None:
    (back,) = knowledge.returns(log(f"{FULL}; 2 truth down api-1; 4 truth up api-1; 9 e registered api-1"))
    assert math.isnan(back.registered_s)


def test_stale_seconds_are_summed_over_views() -> None:
    found = knowledge.staleness(log(KILL))
    assert found.stale_view_s == pytest.approx(3.1 + 3.4)
    assert found.missing_s == pytest.approx(0.6 + 1.0)
    assert (found.false_ejections, found.false_removals) == (0, 0)


def test_what_nobody_noticed_has_no_time() -> None:
    """A static list: the run ends with the dead instance in it."""
    found = log(f"{FULL}; 4 truth down api-1")
    (end,) = knowledge.ends(found)
    assert math.isinf(end.detect_s) and math.isinf(end.converge_all_s)
    assert knowledge.staleness(found).stale_view_s == 8.0


def test_a_decision_after_the_return_is_none_about_the_death() -> None:
    late = log(
        "0 e view a api: api-1 api-2\n4 truth down api-1\n6 truth up api-1\n7 e expired api-1\n7 e view a api: api-2"
    )
    (end,) = knowledge.ends(late)
    assert math.isinf(end.detect_s) and math.isinf(end.converge_s["a"])
    found = knowledge.staleness(late)
    assert (found.stale_view_s, found.missing_s, found.false_ejections, found.false_removals) == (2.0, 5.0, 1, 1)
    (back,) = knowledge.returns(late)
    assert back.back_s == {} and math.isnan(back.back_all_s)


def test_a_view_that_lists_the_dead_again_has_not_converged() -> None:
    """A follower that lags behind hands out an old list: the last removal counts."""
    again = "3 e view a api: api-2; 4 e view a api: api-1 api-2; 6 e view a api: api-2"
    (end,) = knowledge.ends(log(f"{FULL}; 2 truth down api-1; {again}"))
    assert end.converge_s == {"a": 4.0}


def test_a_dead_client_knows_nothing() -> None:
    """Its view is no longer stale once it is down, and it is not waited for."""
    text = f"{FULL}; 0 e view b api: api-1 api-2; 2 truth down api-1; 3 truth down b; 5 e view a api: api-2"
    (end,) = knowledge.ends(log(text))
    assert end.converge_s == {"a": 3.0}
    assert knowledge.staleness(log(text)).stale_view_s == 3.0 + 1.0


def test_a_stop_on_request_is_no_death_and_its_clock_starts_with_the_request() -> None:
    text = f"""
{FULL}
3 truth stopping api-1
3.2 e deregistered api-1
3.5 e view a api: api-2
6 truth down api-1
"""
    (end,) = knowledge.ends(log(text))
    assert (end.kind, end.at_s) == ("stop", 3.0)
    assert (end.detect_s, end.converge_s["a"]) == pytest.approx((0.2, 0.5))
    found = knowledge.staleness(log(text))
    assert (found.stale_view_s, found.missing_s, found.false_ejections, found.false_removals) == (0.0, 0.0, 0, 0)


def test_a_paused_instance_is_neither_dead_nor_falsely_ejected() -> None:
    text = f"""
{FULL}
2 truth paused api-1
4 e unhealthy api-1
5 e view a api: api-2
6 truth resumed api-1
8 e view a api: api-1 api-2
"""
    found = knowledge.staleness(log(text))
    assert (found.stale_view_s, found.missing_s, found.false_ejections, found.false_removals) == (0.0, 2.0, 0, 0)
    assert knowledge.ends(log(text)) == []


def test_false_ejections_count_once_a_component_until_it_speaks_for_the_instance_again() -> None:
    text = """
0 x view a api: api-1 api-2
1 x unhealthy api-1
2 x expired api-1
3 y unhealthy api-1
4 x healthy api-1
5 x unhealthy api-1
6 x expired nobody
"""
    assert knowledge.staleness(log(text)).false_ejections == 3


def test_a_lock_that_expires_is_no_verdict_on_its_holder() -> None:
    found = log(f"{FULL}; 2 e acquired api-1 jobs 7; 5 truth down api-1; 6 e expired api-1 jobs 7")
    (end,) = knowledge.ends(found)
    assert math.isinf(end.detect_s)


@pytest.mark.parametrize(
    "before, after, detect_s",
    [
        ("2 e expired api-1", "", math.nan),
        ("2 e unhealthy api-1", "9 e deregistered api-1", math.nan),
        ("2 e unhealthy api-1; 3 e registered api-1", "9 e deregistered api-1", math.nan),
        ("2 e expired api-1; 3 e registered api-1", "9 e expired api-1", 5.0),
        ("2 e unhealthy api-1; 3 e healthy api-1", "", math.inf),
        ("2 health unhealthy api-1", "7 e expired api-1", 3.0),
        ("2 e expired api-1", "5 e registered api-1; 8 e expired api-1", 4.0),
    ],
)
def test_who_had_been_dropped_before_leaves_no_death_to_detect(before: str, after: str, detect_s: float) -> None:
    """A lease ends behind a partition, then the process dies: the registry has said all that it has to say."""
    (end,) = knowledge.ends(log(f"{FULL}; {before}; 4 truth down api-1; {after}"))
    assert end.kind == "death"
    assert end.detect_s == pytest.approx(detect_s, nan_ok=True)


@pytest.mark.parametrize(
    "out, back, registered_s",
    [
        ("3 e unhealthy api-1", "6 e registered api-1; 8 e healthy api-1", 3.0),
        ("3 e unhealthy api-1", "6 e registered api-1; 7 e unhealthy api-1; 8 e healthy api-1", 3.0),
        ("3 e unhealthy api-1", "6 e registered api-1", math.inf),
        ("3 e unhealthy api-1", "8 e healthy api-1", 3.0),
        ("3 e deregistered api-1", "6 e registered api-1; 8 e healthy api-1", 3.0),
        ("3 e deregistered api-1", "6 e registered api-1; 7 e unhealthy api-1; 8 e healthy api-1", 1.0),
        ("3 e unhealthy api-1; 4 e evicted api-1", "6 e healthy api-1; 8 e registered api-1", 3.0),
        ("3 e expired api-1", "6 e registered api-1", 1.0),
        ("3 e expired api-1", "6 f healthy api-1; 7 e registered api-1", 2.0),
    ],
)
def test_who_is_registered_but_not_healthy_is_not_back(out: str, back: str, registered_s: float) -> None:
    """A registry with checks takes a new instance for unhealthy until its first check has passed."""
    (found,) = knowledge.returns(log(f"{FULL}; 2 truth down api-1; {out}; 5 truth up api-1; {back}"))
    assert found.registered_s == registered_s


def test_several_deaths_of_one_instance_are_several() -> None:
    first = "1 truth down api-1; 2 e expired api-1; 3 truth up api-1; 4 e registered api-1"
    text = f"{FULL}; {first}; 5 truth down api-1; 8 e expired api-1"
    one, second = knowledge.ends(log(text))
    assert (one.detect_s, second.detect_s) == (1.0, 3.0)


def test_a_view_without_a_line_at_the_start_is_full() -> None:
    (end,) = knowledge.ends(log("2 truth down api-1; 5 e view a api: api-2"))
    assert end.converge_s == {"a": 3.0}
    assert knowledge.staleness(log("5 e view a api: api-2")).missing_s == 7.0


def test_clients_are_the_callers_whether_a_line_names_them_or_not() -> None:
    """A source is one client, a calling service one for each of its instances."""
    one = run("2 truth down api-1")
    asked = fakes.scope("request", "users → api.main", np.full(3, 0.01))
    called = fakes.scope("call", "db.main → api.main", np.full(3, 0.01))
    made = control.read_log(replace(one, scopes=[*one.scopes, asked, called]), INSTANCES)
    (end,) = knowledge.ends(made)
    assert set(end.converge_s) == {"source:users", "db-1"}
    assert knowledge.staleness(made).stale_view_s == 2 * 10.0


def test_instances_of_services_that_nobody_looks_up_are_left_out() -> None:
    assert knowledge.ends(log(f"{FULL}; 2 truth down db-1")) == []


def first_removal(log_: control.Log, *of: object) -> object:
    """A mutant that takes the first removal for the last."""
    _, instance, at_s, _ = of
    for view in log_.views:
        listed = [span for span in view.listed(str(instance), log_.end_s) if span[1] > at_s]  # type: ignore[operator]
        yield view.client, listed[0][1] - at_s  # type: ignore[operator]


def stale_of_all(log_: control.Log, client: str) -> list[control.Span]:
    """A mutant that counts the views of dead clients too."""
    return [(0.0, log_.end_s)]


MUTANTS: list[tuple[str, Callable[..., object], Callable[[], None]]] = [
    ("_convergence", first_removal, test_a_view_that_lists_the_dead_again_has_not_converged),
    ("_up", stale_of_all, test_a_dead_client_knows_nothing),
]


@pytest.mark.parametrize("name, mutant, test", MUTANTS, ids=[name for name, *_ in MUTANTS])
def test_mutants_are_caught(
    monkeypatch: pytest.MonkeyPatch, name: str, mutant: Callable[..., object], test: Callable[[], None]
) -> None:
    monkeypatch.setattr(knowledge, name, mutant)
    with pytest.raises(AssertionError):
        test()

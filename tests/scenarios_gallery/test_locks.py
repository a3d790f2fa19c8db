"""A lock with a lease protects nothing by itself; a token that the resource checks does (Kleppmann 2016)."""

from __future__ import annotations

from sim.experiment import Results
from tests.scenarios_gallery.gallery import results

REPLICATIONS = 4


def ran() -> Results:
    return results("locks", REPLICATIONS)


def events(variant: str, event: str) -> list[int]:
    """How often, by replication."""
    return [int((run.control["event"] == event).sum()) for run in ran().of(variant)]


def standstills(variant: str) -> int:
    """Times of 7 s and more, most of a pause, in which nobody got the lock."""
    logs = [run.control for run in ran().of(variant)]
    return sum(int((log.loc[log["event"] == "acquired", "time_s"].diff() > 7.0).sum()) for log in logs)


def test_a_holder_that_stood_still_corrupts_without_fencing() -> None:
    stale = events("no_fencing", "stale")
    assert sum(stale) > 0
    assert stale == [len(run.violations) for run in ran().of("no_fencing")]
    assert all("stale write" in sentence for run in ran().of("no_fencing") for sentence in run.violations)


def test_pauses_that_strike_the_holder_are_about_one_in_five() -> None:
    """The lock is held by some worker for 1.5/s · 0.3 s = 45 % of the time, by a given one for a third of that; its
    late write is stale if another has written meanwhile, in the 8 s - 5 s or so that are left."""
    pauses, stale = sum(events("no_fencing", "paused")), sum(events("no_fencing", "stale"))
    assert 0.05 < stale / pauses < 0.35


def test_with_tokens_the_same_writes_are_refused() -> None:
    assert events("fencing", "fenced") == events("no_fencing", "stale")
    assert sum(events("fencing", "stale")) == 0
    assert not any(run.violations for run in ran().of("fencing"))


def test_sessions_longer_than_the_pause_prevent_it_and_let_others_wait() -> None:
    for variant in ("long_lease", "consul"):
        assert sum(events(variant, "stale")) == 0
        assert standstills(variant) > standstills("no_fencing")


def test_redlock_is_no_better_and_has_no_tokens() -> None:
    assert sum(events("redlock", "stale")) > 0


def test_clocks_that_leap_give_redlock_two_holders() -> None:
    """Nobody stands still."""
    assert sum(events("clocks", "paused")) == 0
    assert sum(events("clocks", "stale")) > 0

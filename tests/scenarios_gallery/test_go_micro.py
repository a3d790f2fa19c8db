"""go-micro's caches: what a dead process costs is how old lists may be; what a forgetful registry costs, how fresh."""

from __future__ import annotations

import pytest

from tests.scenarios_gallery.gallery import results

CALM = ("traffic.users.arrivals=poisson(20/s)", "failures.the registry restarts=null")


def mean(variant: str, measure: str) -> float:
    row = results("go-micro", 6, *CALM).registry().loc[(variant, measure)]
    assert row["unseen"] == 0
    return float(row["value"])


@pytest.mark.parametrize(
    "variant, over_s, cache_s",
    [
        ("as_shipped", 90 - 30 / 2 + 1 / 2, 60),
        ("fresh_cache", 90 - 30 / 2 + 1 / 2, 5),
        ("short_registration", 15 - 5 / 2 + 1 / 2, 60),
        ("told", 90 - 30 / 2 + 1 / 2, 0),
    ],
)
def test_lists_are_as_old_as_a_registration_and_a_cache(variant: str, over_s: float, cache_s: float) -> None:
    """A registration is renewed every so often, lasts its time, is pruned at the next second, and stands in a client's
    list until that is over: on average after half its time, wherever nobody tells."""
    assert mean(variant, "detect_s") == pytest.approx(over_s, rel=0.15)
    assert mean(variant, "converge_s") == pytest.approx(over_s + cache_s / 2, rel=0.1)


def test_who_asks_a_forgetful_registry_often_hears_of_a_part() -> None:
    """Clients with lists of 5 s all know the first instance that registers again, and no other for up to 30 s."""
    restart = ("failures.a process dies=null", "failures.a machine dies=null", "run.warmup=800s")
    found = results("go-micro", 1, *restart)
    lost = {variant: found.scopes_of(variant, "users")[0] for variant in ("as_shipped", "fresh_cache")}
    assert lost["as_shipped"].cohort.outcomes["error"] == 0
    assert lost["fresh_cache"].cohort.outcomes["error"] > 50
    log = found.control()
    asked = log[(log["variant"] == "fresh_cache") & (log["event"] == "view") & (log["time_s"] > 842.0)]
    assert asked["detail"].str.split().str.len().min() == 2  # `greeter:` and one instance

"""What keeps a service down after a spike is retries: down it stays where tries × rate is more than it can do."""

from __future__ import annotations

from tests.scenarios_gallery.gallery import available, results

SHORTER = ("run.duration=110s", "run.warmup=10s", "run.drain=1s")
LATE_S = 95.0
RECOVERED, DOWN = 0.95, 0.2


def late(variant: str, *overrides: str) -> list[float]:
    """Availability of each replication long after the spike."""
    ran = results("retry-storm", 8, *SHORTER, *overrides)
    return [available(run, "users", LATE_S) for run in ran.of(variant)]


def test_it_recovers_when_all_tries_together_are_less_than_its_capacity() -> None:
    assert min(late("one_try") + late("two_tries")) > RECOVERED


def test_with_four_tries_chance_decides_who_recovers() -> None:
    shares = late("four_tries")
    assert all(share > RECOVERED or share < DOWN for share in shares)
    assert 0 < sum(share < DOWN for share in shares) < len(shares)


def test_under_more_load_two_tries_suffice_for_a_storm() -> None:
    more = "traffic.users.arrivals.spike.base=220/s"
    assert min(late("two_tries", more)) < DOWN
    assert min(late("one_try", more)) > RECOVERED

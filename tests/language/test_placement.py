"""Instances are spread evenly over nodes and zones, and adding a service moves none of those before it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sim.model import Model
from sim.scenario import load_text

POOL = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True).flatmap(
    lambda zones: st.tuples(st.integers(len(zones), 9), st.just(zones))
)
COUNTS = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def placed(pool: tuple[int, list[str]], counts: list[int]) -> Model:
    count, zones = pool
    services = "".join(f"  s{n}: {{nodes: app, instances: {i}, cpu: 1ms}}\n" for n, i in enumerate(counts))
    text = (
        f"scenario: s\nnodes: {{app: {{count: {count}, zones: [{', '.join(zones)}]}}}}\nservices:\n{services}"
        "traffic: {users: {to: s0, arrivals: poisson(1/s)}}\n"
    )
    return load_text(text, "f.yaml").resolve("baseline")


def spread(counts: Counter[str], over: set[str]) -> int:
    """Largest minus smallest number."""
    held = [counts[name] for name in over]
    return max(held) - min(held)


@given(POOL, COUNTS)
def test_each_service_is_even_over_nodes(pool: tuple[int, list[str]], counts: list[int]) -> None:
    model = placed(pool, counts)
    nodes = {node.name for node in model.nodes}
    for service in model.services:
        assert spread(Counter(instance.node for instance in service.instances), nodes) <= 1


@given(POOL, COUNTS)
def test_each_service_is_as_even_over_zones_as_nodes_allow(pool: tuple[int, list[str]], counts: list[int]) -> None:
    """Zones differ by one where all have as many nodes, and while there is no second instance on a node."""
    model = placed(pool, counts)
    zone_of = {node.name: node.zone for node in model.nodes}
    sizes = Counter(zone_of.values())
    for service in model.services:
        if len(set(sizes.values())) == 1:
            zones = Counter(zone_of[instance.node] for instance in service.instances)
            assert spread(zones, set(sizes)) <= 1


@given(POOL, COUNTS)
def test_a_later_service_moves_no_earlier_one(pool: tuple[int, list[str]], counts: list[int]) -> None:
    assert placed(pool, counts[:1]).services[0] == placed(pool, counts).services[0]


@given(POOL, st.integers(1, 9))
def test_single_instances_fill_empty_nodes_first(pool: tuple[int, list[str]], count: int) -> None:
    model = placed(pool, [1] * count)
    used = {service.instances[0].node for service in model.services}
    assert len(used) == min(count, len(model.nodes))


def test_placement_of_ten_thousand_is_quick() -> None:
    model = placed((10_000, ["a", "b", "c"]), [10_000])
    assert len({instance.node for instance in model.services[0].instances}) == 10_000


def test_a_zone_without_the_service_goes_before_one_that_has_it() -> None:
    text = (
        "scenario: s\nnodes: {big: {count: 3, zones: [a]}, small: {zones: [b]}}\n"
        "services: {api: {nodes: [big, small], instances: 3, cpu: 1ms}}\n"
        "traffic: {users: {to: api, arrivals: poisson(1/s)}}\n"
    )
    [service] = load_text(text, "f.yaml").resolve("baseline").services
    assert [instance.node for instance in service.instances] == ["big-1", "small-1", "big-2"]

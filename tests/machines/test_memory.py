"""Memory: who is killed when, and when it comes back; stories whose times are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sim.distributions import Constant
from sim.engine import Run, Simulation
from sim.errors import DsimError
from sim.model import Memory, Model, Service, Start, Threads
from tests.machines.told import ends, run_of
from tests.reference.build import cpu, crash, node, service, source, story

MB = 1e6


def holding(memory: Memory, made: Service) -> Service:
    return replace(made, memory=memory)


def one(limit: float, arrivals: list[float], *faults: object, start: Start | None = None) -> Model:
    """An instance of 100 MB and 10 MB a request, each of which takes 1 s."""
    x = replace(holding(Memory(limit * MB, 100 * MB, 10 * MB), service("x", cpu(1.0))), start=start)
    return story(x, source("u", "x.e", arrivals), *faults)


def killed(run: Run) -> list[tuple[str, float, float]]:
    return [(name.removesuffix(" out of memory"), start, end) for name, start, end in run.faults]


def test_a_process_over_its_limit_is_killed_and_back_at_once() -> None:
    """Three requests fit into 130 MB, which is exactly what they take; the fourth is one too many: all four are reset.
    It has room for the fifth at the same time."""
    model = one(130, [0.0, 0.1, 0.2, 0.3, 0.3])
    assert ends(model) == [("reset", 0.3)] * 4 + [("ok", 1.3)]
    run, _ = run_of(model)
    assert killed(run) == [("x-0", 0.3, 0.3)]


def test_what_waits_for_a_worker_holds_memory_too() -> None:
    waiting = holding(Memory(120 * MB, 100 * MB, 10 * MB), service("x", cpu(1.0), concurrency=Threads(1)))
    assert ends(story(waiting, source("u", "x.e", [0.0, 0.1, 0.2])))[0] == ("reset", 0.2)


def test_kills_in_a_row_wait_longer_each_time() -> None:
    """Each pair of requests is one too many. After the first kill it is back at once, after the second in 10 s, after
    the third in 20 s; requests meanwhile are refused. 1100 is more than 600 s after 73: at once again."""
    pairs = [0.0, 1.0, 12.0, 33.0, 1100.0]
    model = one(110, sorted([at for at in pairs for _ in range(2)] + [10.9, 31.9]))
    model = replace(model, run=replace(model.run, duration_s=2000.0))
    run, rows = run_of(model)
    assert killed(run) == [
        ("x-0", 0.0, 0.0),
        ("x-0", 1.0, 11.0),
        ("x-0", 12.0, 32.0),
        ("x-0", 33.0, 73.0),
        ("x-0", 1100.0, 1100.0),
    ]
    assert rows["outcome"].tolist() == ["reset"] * 4 + ["refused"] + ["reset"] * 2 + ["refused"] + ["reset"] * 4


def test_the_backoff_ends_at_five_minutes() -> None:
    pairs = [0.0, 1.0, 12.0, 33.0, 74.0, 155.0, 316.0, 617.0]
    model = one(110, sorted(at for at in pairs for _ in range(2)))
    run, _ = run_of(replace(model, run=replace(model.run, duration_s=2000.0)))
    assert [end - start for _, start, end in killed(run)] == [0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_a_killed_process_boots() -> None:
    """Killed at 0, back at once, boots for 2 s."""
    model = one(110, [0.0, 0.0, 1.0, 2.0], start=Start(Constant(2.0), None))
    assert ends(model) == [("reset", 0.0), ("reset", 0.0), ("refused", 1.0), ("ok", 3.0)]


def test_a_crash_in_a_backoff_nests() -> None:
    """Killed at 1 until 11; crashed in [5, 20): up at 20."""
    model = one(110, [0.0, 0.0, 1.0, 1.0, 12.0, 20.0], crash("x-0", 5.0, 15.0))
    assert ends(model)[-2:] == [("refused", 12.0), ("ok", 21.0)]


def two_on_a_node(memory: float, small: list[float], large: list[float]) -> Model:
    """`s` holds 10 MB a request, `l` 50 MB and 20 MB; requests take 1 s."""
    services = [
        holding(Memory(None, 0.0, 10 * MB), service("s", cpu(1.0))),
        holding(Memory(None, 50 * MB, 20 * MB), service("l", cpu(1.0))),
    ]
    host = replace(node(), memory_bytes=memory * MB)
    return story(host, *services, source("us", "s.e", small), source("ul", "l.e", large))


def test_on_a_full_node_the_largest_is_killed() -> None:
    """100 MB: 50 + 20 + 3 · 10 fit. The fourth small request is too much, and the large process dies for it."""
    model = two_on_a_node(100, [0.1, 0.2, 0.3, 0.4], [0.0])
    assert ends(model) == [("reset", 0.4)] + [("ok", at) for at in (1.1, 1.2, 1.3, 1.4)]
    run, _ = run_of(two_on_a_node(100, [0.1, 0.2, 0.3], [0.0]))
    assert killed(run) == []


def with_acts(model: Model, *acts: tuple[float, str, Any]) -> Run:
    simulation = Simulation(replace(model, run=replace(model.run, record="none")))

    def process() -> Iterator[Any]:
        for at_s, name, given in acts:
            yield simulation.env.at(at_s)
            getattr(simulation.cluster, name)(*given)

    simulation.env.process(process())  # type: ignore[arg-type]
    return simulation.run()


def test_a_leak_dies_with_its_process() -> None:
    """150 MB, of which 100 are the process's. 30 more fit, 60 do not: killed at 2. Then 30 fit again, and freeing what
    died changes nothing: two requests at 6 fit beside them, and three do not."""
    model = one(150, [6.0, 6.0])
    acts = [(1.0, "fill_memory", ("instance", "x-0", 30 * MB)), (2.0, "fill_memory", ("instance", "x-0", 30 * MB))]
    assert killed(with_acts(model, *acts)) == [("x-0", 2.0, 2.0)]
    acts += [(3.0, "free_memory", ("instance", "x-0", 30 * MB)), (4.0, "fill_memory", ("instance", "x-0", 30 * MB))]
    acts += [(5.0, "free_memory", ("instance", "x-0", 60 * MB))]
    assert killed(with_acts(model, *acts)) == [("x-0", 2.0, 2.0)]
    assert killed(with_acts(one(150, [6.0, 6.0, 6.0]), *acts)) == [("x-0", 2.0, 2.0), ("x-0", 6.0, 16.0)]


def test_somebody_else_fills_a_node() -> None:
    """100 MB, 50 of them the large process's base: 40 from elsewhere fit, 60 kill it. It is back at once, too large,
    and waits for 10 s; then for 20 s, unless the memory is freed."""
    model = two_on_a_node(100, [4.0], [5.0])
    acts = [(1.0, "fill_memory", ("node", "n", 40 * MB)), (2.0, "fill_memory", ("node", "n", 20 * MB))]
    freed = [(3.0, "free_memory", ("node", "n", 40 * MB))]
    assert killed(with_acts(model, *acts, *freed)) == [("l-0", 2.0, 2.0), ("l-0", 2.0, 12.0)]
    assert killed(with_acts(model, *acts))[:3] == [("l-0", 2.0, 2.0), ("l-0", 2.0, 12.0), ("l-0", 12.0, 32.0)]


def test_what_has_no_limit_cannot_be_filled() -> None:
    model = story(service("x", cpu(1.0)), source("u", "x.e", [0.0]))
    for kind, name in (("node", "n"), ("instance", "x-0")):
        with pytest.raises(DsimError, match=f"{kind} '{name}' has no limit of memory"):
            with_acts(model, (1.0, "fill_memory", (kind, name, MB)))

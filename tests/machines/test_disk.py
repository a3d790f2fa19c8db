"""Disks: stories whose times are worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.distributions import Constant
from sim.engine import Simulation
from sim.errors import DsimError
from sim.model import Disk, Model, Threads
from sim.steps.disk import DiskOperation
from sim.steps.parallel import Parallel
from tests.machines.told import ends, run_of
from tests.reference.build import cpu, crash, node, pause, service, source, story

DISK = Disk(Constant(1.0), Constant(2.0), 100.0)
"""An access takes 1 s, a flush 2 s, a byte 10 ms."""
FLUSH = DiskOperation(0.0, True)


def on_disk(*parts: object, disk: Disk = DISK) -> Model:
    return story(replace(node(), disk=disk), *parts)


def test_an_operation_takes_its_access_its_bytes_and_its_flush() -> None:
    """100 bytes: 1 + 1 s; a flush: 2 s; both: 4 s; after each other on one disk: 2, 4 and 8."""
    writes = (("a", (DiskOperation(100.0, False),)), ("b", (FLUSH,)), ("c", (DiskOperation(100.0, True),)))
    services = [service(name, *steps) for name, steps in writes]
    sources = [source(f"u{name}", f"{name}.e", [at]) for at, (name, _) in zip((0.0, 0.1, 0.2), writes, strict=True)]
    assert ends(on_disk(*services, *sources)) == [("ok", 2.0), ("ok", 4.0), ("ok", 8.0)]


def test_a_disk_without_a_rate_and_an_access_moves_bytes_in_no_time() -> None:
    model = on_disk(service("x", DiskOperation(1e9, True)), source("u", "x.e", [0.0]), disk=Disk(None, Constant(2.0)))
    assert ends(model) == [("ok", 2.0)]


def test_all_of_a_node_share_its_disk_and_other_nodes_do_not() -> None:
    """Flushes of 2 s that are asked for at 0 and 1, by two services; and one at 0 on another node."""
    parts = [service("x", FLUSH), service("y", FLUSH), service("z", FLUSH, nodes=("m",))]
    sources = [source("u", "x.e", [0.0]), source("v", "y.e", [1.0]), source("w", "z.e", [0.0])]
    nodes = [replace(node(name), disk=DISK) for name in ("n", "m")]
    assert ends(story(*nodes, *parts, *sources)) == [("ok", 2.0), ("ok", 4.0), ("ok", 2.0)]


def test_a_worker_is_held_and_no_core() -> None:
    """One worker: the second request begins when the first is answered. A burst elsewhere on the one core is alone."""
    writer = service("x", FLUSH, concurrency=Threads(1))
    model = on_disk(
        writer, service("y", cpu(3.0), cores=1.0), source("u", "x.e", [0.0, 0.0]), source("v", "y.e", [0.0])
    )
    assert ends(model) == [("ok", 2.0), ("ok", 4.0), ("ok", 3.0)]


def test_a_dead_process_does_not_recall_what_its_disk_has_to_do() -> None:
    """Flushes of 0.0 and 0.5 would end at 2 and 4; the process dies at 1 and is back at once. The flush that is asked
    for then ends at 6."""
    model = on_disk(service("x", FLUSH), source("u", "x.e", [0.0, 0.5, 1.5]), crash("x-0", 1.0, 0.1))
    assert ends(model) == [("reset", 1.0), ("reset", 1.0), ("ok", 6.0)]


def test_a_cancelled_branch_does_not_recall_it_either() -> None:
    """A race that an empty branch wins at once; the handler's own flush stands behind the loser's."""
    race = Parallel(((), (FLUSH,)), need=1, cancel=True)
    assert ends(on_disk(service("x", race, FLUSH), source("u", "x.e", [0.0]))) == [("ok", 2.0)]
    race = Parallel(((cpu(1.0),), (FLUSH,)), need=1, cancel=True)
    assert ends(on_disk(service("x", race, FLUSH), source("u", "x.e", [0.0]))) == [("ok", 4.0)]


def test_a_dead_host_loses_what_its_disk_had_to_do() -> None:
    """Two flushes at 0 and 0.5; the host dies at 1 and is back at 1.5: the disk is idle when 1.6 asks."""
    users = source("u", "x.e", [0.0, 0.5, 1.6], timeout_s=3.0)
    model = on_disk(service("x", FLUSH), users, crash("n", 1.0, 0.5))
    assert ends(model) == [("timeout", 3.0), ("timeout", 3.5), ("ok", 3.6)]


def test_a_disk_works_on_while_its_host_is_paused() -> None:
    """The flush ends at 2, in a pause of [1, 5): the handler goes on at 5."""
    model = on_disk(service("x", FLUSH, cpu(1.0)), source("u", "x.e", [0.0]), pause("n", 1.0, 4.0))
    assert ends(model) == [("ok", 6.0)]


def test_a_slow_disk_works_on_at_the_new_rate() -> None:
    """A flush of 2 s from 0. From 1 on at half speed, from 2 on at a quarter, from 3 on at half: done are 1, 1.5, 1.75;
    the rest takes 0.5 s. Then full speed."""
    simulation = Simulation(replace(on_disk(service("x", FLUSH), source("u", "x.e", [0.0, 4.0])), run=quiet()))
    cluster, env = simulation.cluster, simulation.env

    def acts() -> object:
        yield env.at(1.0)
        cluster.slow_disk("n", 0.5)
        yield env.at(2.0)
        cluster.slow_disk("n", 0.5)
        yield env.at(3.0)
        cluster.unslow_disk("n", 0.5)
        yield env.at(4.0)
        cluster.unslow_disk("n", 0.5)

    env.process(acts())  # type: ignore[arg-type]
    latency = simulation.run().scope("source", "u").latency
    assert (latency.min_s, latency.max_s) == (2.0, 3.5)


def test_no_disk_no_slow_disk() -> None:
    simulation = Simulation(replace(story(service("x", cpu(1.0)), source("u", "x.e", [0.0])), run=quiet()))
    with pytest.raises(DsimError, match="disk of node 'n' does not exist"):
        simulation.cluster.slow_disk("n", 0.5)


def quiet() -> object:
    return replace(story().run, record="none")


def test_what_is_told_of_a_disk() -> None:
    """Flushes in [0, 2) and [2, 4) of 10 s: one waits for a second; the instance has one or both of them."""
    model = on_disk(service("x", FLUSH), source("u", "x.e", [0.0, 1.0]))
    run, _ = run_of(replace(model, run=replace(model.run, duration_s=10.0)))
    [told] = [gauge for gauge in run.gauges if gauge.kind == "disk"]
    assert told.name == "n"
    assert [told.utilization, told.in_system_mean, told.queue_mean] == pytest.approx([0.4, 0.5, 0.1])
    windows = run.series[run.series["kind"] == "disk"]
    assert windows["utilization"].tolist() == pytest.approx([1.0] * 4 + [0.0] * 6)

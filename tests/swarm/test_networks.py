"""Random networks: the same bits each time and interpreted; every pair of a fault and a transport, side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from sim.distributions import Constant
from sim.failures import Crash, Latency, LinkDown, Loss, Partition, Pause, Restart
from sim.failures.impairment import Way
from sim.model import Ideal, Once, Tcp, Transport, Udp
from tests.swarm import swarm
from tests.swarm.bits import bits
from tests.swarm.networks import CUT_ANSWERS, CUT_BOTH, CUT_REQUESTS, NetworkGenerator
from tests.swarm.swarm import Knobs, failures, model_of

SEEDS = (3, 5, 11)
TRANSPORTS: dict[str, Transport] = {
    "ideal": Ideal(),
    "udp": Udp(),
    "http1": Tcp(max_connections=2, rto_initial_s=0.05, rto_min_s=0.01),
    "http2": Tcp(streams=100, max_connections=1, connect_timeout_s=0.3, rto_initial_s=0.05, rto_min_s=0.01),
    "giving up": Tcp(streams=2, retries=1, dial_retries=1, rto_initial_s=0.05, rto_min_s=0.01, rto_max_s=0.1),
}
KINDS = ("crash", "host", "restart", "pause", "partition", "one way", "loss", "latency", "link")
FAST = set(list(product(KINDS, TRANSPORTS))[::4])


def test_the_same_bits_again_and_interpreted() -> None:
    compiled = [bits(seed) for seed in SEEDS]
    assert compiled == [bits(seed) for seed in SEEDS]
    assert len({line.split()[1] for line in compiled}) == len(SEEDS)
    done = subprocess.run(
        [sys.executable, "-m", "tests.swarm.bits", *map(str, SEEDS)],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        check=False,
    )
    assert done.stdout.split("\n")[:-1] == compiled, done.stderr


@pytest.mark.parametrize("cut", [CUT_BOTH, CUT_REQUESTS, CUT_ANSWERS])
def test_nothing_is_ok_through_a_cut(cut: int) -> None:
    for seed in (2, 7, 9):
        assert not failures(Knobs(seed, slices=301, network=seed + 1, cut=cut))


def model_with(knobs: Knobs, kind: str, transport: Transport) -> Any:
    """A random model that has one transport, and one kind of fault three times."""
    generator = NetworkGenerator(swarm.random_model(knobs.seed), knobs.network)
    generator.transports = [transport]
    model = generator.around(0)
    nodes = [node.name for node in model.nodes]
    instances = [instance.name for service in model.services for instance in service.instances]
    clients = [f"source:{source.name}" for source in model.sources if source.zone]
    there, back = Way((*nodes, *clients), tuple(nodes)), Way(tuple(nodes), (*nodes, *clients))
    faults = []
    for number, at_s in enumerate((0.3, 0.9, 1.4)):
        name, when = f"{kind}-{number}", Once(at_s, 0.25)
        node, instance = nodes[number % len(nodes)], instances[number % len(instances)]
        traffic = (name, name, "traffic", "ways", when)
        faults.append(
            {
                "crash": Crash(name, name, "instance", instance, when),
                "host": Crash(name, name, "node", node, when),
                "restart": Restart(name, name, "instance", instance, Once(at_s, 0.001)),
                "pause": Pause(name, name, "node" if number else "instance", node if number else instance, when),
                "partition": Partition(*traffic, (there, back)),
                "one way": Partition(*traffic, (back,)),
                "loss": Loss(*traffic, (there, back), 0.5),
                "latency": Latency(*traffic, (there, back), Constant(0.1)),
                "link": LinkDown(name, name, "link", "links", when, tuple(model.network.links)[:4]),
            }[kind]
        )
    return replace(model, faults=tuple(faults))


def keeps(kind: str, transport: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    knobs = Knobs(seed, slices=151, network=seed + 1)
    model = model_with(knobs, kind, TRANSPORTS[transport])
    monkeypatch.setattr(swarm, "model_of", lambda _: model)
    return failures(knobs)


@pytest.mark.parametrize("pair", sorted(FAST), ids=str)
def test_a_fault_and_a_transport(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert not keeps(*pair, 1, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("pair", sorted(product(KINDS, TRANSPORTS)), ids=str)
def test_every_fault_and_every_transport(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2, 5):
        assert not keeps(*pair, seed, monkeypatch)


def test_networks_have_everything() -> None:
    """Every kind of network, transport and fault is drawn."""
    models = [model_of(Knobs(seed, network=seed + 1)) for seed in range(60)]
    faults = {type(fault).__name__ for model in models for fault in model.faults}
    assert len(faults) == 12, faults
    assert {model.network.routed for model in models} == {True, False}
    transports = {type(source.policy.transport) for model in models for source in model.sources}
    assert transports == {Ideal, Udp, Tcp}

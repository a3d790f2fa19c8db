"""What daemons say, and in which order, follows from the seed alone: not from the order in which Python has sets."""

import os
import subprocess
import sys

import pytest

STORY = """
import sim
from sim.engine import Simulation

scenario = sim.load_text('''
scenario: s
run: {duration: 20s, warmup: 1s, replications: 1}
network: {same_zone: {latency: exponential(1ms)}}
registry: SPEC
services:
  web: {instances: 2, steps: [{call: api}]}
  api: {instances: 4, cpu: 1ms}
traffic: {users: {to: web, arrivals: poisson(1/s)}}
failures:
  one: {crash: api-2, at: 5s, for: 5s}
  another: {restart: api-3, graceful: true, at: 6s, for: 5s}
  members: {pause: KIND-1, at: 12s, for: 3s}
''', "story.yaml")
simulation = Simulation(scenario.resolve("baseline"), trace_messages=True)
simulation.run()
for letter in simulation.cluster.mail.trace:
    print(letter.sent_s, letter.sender, letter.receiver, letter.arrived_s)
for line in simulation.cluster.log:
    print(line)
"""
KINDS = {"redis": "{redis: {servers: 5, refresh: 1s, ttl: 3s, down_after: 2s}}", "consul": "consul"}


def _told(kind: str, hash_seed: str) -> str:
    story = STORY.replace("KIND", kind).replace("SPEC", KINDS[kind])
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", story], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_messages_do_not_depend_on_how_python_hashes(kind: str) -> None:
    first = _told(kind, "1")
    assert first.count("\n") > 200
    assert _told(kind, "2") == first

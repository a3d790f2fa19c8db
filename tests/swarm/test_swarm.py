"""Random scenarios keep every invariant, with indices checked (contract 1)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUT_OF_BOUNDS = """
from sim.engine import Simulation
from sim.kernel.tables import CAPACITY
from sim.scenario.loader import load_text
simulation = Simulation(load_text('''
scenario: small
run: {duration: 1s, warmup: 0s}
services: {api: {cpu: 1ms}}
traffic: {users: {to: api, arrivals: constant(10/s)}}
''', 'small.yaml').resolve('baseline'))
simulation.tables.state["source"][0]["targets"] = CAPACITY["branch"] + 5
simulation.run()
"""


def checked(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python with Numba's bounds checks on."""
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=3600
    )


def test_random_scenarios_keep_every_invariant() -> None:
    done = checked("-m", "tests.swarm.search", "60")
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.slow
def test_many_random_scenarios_keep_every_invariant() -> None:
    """Other ones each time."""
    done = checked("-m", "tests.swarm.search", "1500", "--random")
    assert done.returncode == 0, done.stderr[-5000:]


def test_indices_are_checked() -> None:
    """A planted index behind a table's end is noticed where it is used."""
    done = checked("-c", OUT_OF_BOUNDS)
    assert done.returncode == 1
    assert "IndexError" in done.stderr

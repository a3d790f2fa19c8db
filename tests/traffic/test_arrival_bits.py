"""Interpreted and compiled arrivals are equal to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.kernel.jit import INTERPRETED
from sim.traffic import arrival_times
from tests.traffic.cases import CASES, KEY

ARRIVALS = 400
PROGRAM = "from tests.traffic.test_arrival_bits import show; show()"


def lines() -> list[str]:
    return [
        f"{name}: {' '.join(time.hex() for time in arrival_times(arrivals, KEY, until_s=1e4, count=ARRIVALS).tolist())}"
        for name, arrivals in CASES.items()
    ]


def show() -> None:
    print("\n".join(lines()))


@pytest.mark.skipif(INTERPRETED, reason="needs the compiled draws")
def test_interpreted_arrivals_are_the_compiled_ones() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    interpreted = run.stdout.splitlines()
    assert len(interpreted) == len(CASES)
    for theirs, ours in zip(interpreted, lines(), strict=True):
        assert theirs == ours, f"{ours.partition(':')[0]} differs"

"""Compiled and interpreted, replicated logs give the same bits (contract 2)."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from sim.distributions import Lognormal
from sim.failures.impairment import Way
from sim.failures.loss import Loss
from sim.kernel.hooks import INTERPRETED
from sim.model import Once
from tests.engine.groups import FIRST_LEADS, Act, group_of, name, requests, told
from tests.reference.build import crash, pause, story


def latencies() -> str:
    """Of writes and reads at five members with random disks and links, some lost; all digits."""
    rng = np.random.default_rng(3)
    everybody = tuple(f"m{member}" for member in range(5))
    faults = (
        Loss("loss", "loss", "traffic", "all", Once(3.0, 1.0), (Way(everybody, everybody),), 0.05),
        crash(name(4), 1.0, 1.0),
        pause(name(3), 1.5, 0.7),
    )
    acts = (*FIRST_LEADS, *(Act(2.5, member, 2, None) for member in range(5)), Act(2.6, 1, 2, 1))
    times = [np.sort(rng.uniform(0.2, 4.5, 150)).tolist() for _ in range(2)]
    parts = group_of(5, Lognormal(0.002, 0.5), Lognormal(0.001, 0.8))
    model = story(*parts, requests("puts", times[0]), requests("gets", times[1], "get"), *faults, until_s=15.0)
    _, rows, _ = told(model, acts)
    assert (rows["outcome"] == "ok").sum() > 200
    return " ".join(float(x).hex() for x in rows["latency_s"])


@pytest.mark.skipif(INTERPRETED, reason="compares with compiled runs")
def test_compiled_or_interpreted() -> None:
    command = [sys.executable, "-c", "from tests.engine.test_log_same_bits import latencies; print(latencies())"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == latencies()

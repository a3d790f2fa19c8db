"""The engine's answer in the reference's terms: the one place that knows how a run is started and read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sim.engine import simulate
from sim.model import Model
from tests.reference.accounts import Row


def kernel_rows(model: Model, replication: int = 0) -> list[Row]:
    """What became of every request that ended. (The engine stops when all of the cohort have; it records no others.)"""
    with TemporaryDirectory() as folder:
        run = simulate(model, replication, requests_path=Path(folder) / "requests.parquet")
        assert run.stopped is None, run.stopped
        recorded = pd.read_parquet(Path(folder) / "requests.parquet")
    columns = ["source", "index", "endpoint", "intended_s", "latency_s", "outcome", "attempts"]
    return [
        Row(source, index, endpoint, intended_s, intended_s + latency_s, outcome, attempts)
        for source, index, endpoint, intended_s, latency_s, outcome, attempts in zip(
            *(recorded[column].tolist() for column in columns), strict=True
        )
    ]

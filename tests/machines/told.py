"""What became of each request of a model, as the engine tells it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sim.engine import Run, Simulation
from sim.model import Model


def run_of(model: Model, replication: int = 0) -> tuple[Run, pd.DataFrame]:
    """A run and its recorded requests, in order of source and index."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "requests.parquet"
        run = Simulation(model, replication, requests_path=path).run()
        rows = pd.read_parquet(path).astype({"source": str, "outcome": str})
    rows["end_s"] = (rows["intended_s"] + rows["latency_s"]).round(9)
    return run, rows.sort_values(["source", "index"], ignore_index=True)


def ends(model: Model) -> list[tuple[str, float]]:
    """Outcome and end of each request that ended."""
    _, rows = run_of(model)
    return list(zip(rows["outcome"], rows["end_s"], strict=True))

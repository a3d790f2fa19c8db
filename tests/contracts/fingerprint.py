"""Everything that a run measured, to the last bit, as texts that can be compared and sent between processes.

    python -m tests.contracts.fingerprint everything:as_it_is random:5 random:9

prints the fingerprints of these runs as JSON, from a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.engine import Simulation
from sim.engine.clock import SLICE_EVENTS
from sim.engine.run import Run
from sim.model import Model
from sim.scenario import Scenario, load
from tests.reference.generate import random_model

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = Path(__file__).parent / "everything"
Fingerprint = dict[str, str]
"""What is measured → its bits."""


def everything() -> Scenario:
    return load(EVERYTHING / "everything.yaml", plugins=[EVERYTHING / "shop.py"])


def model_of(name: str) -> Model:
    """`everything:variant` or `random:seed`."""
    kind, _, which = name.partition(":")
    return everything().resolve(which) if kind == "everything" else random_model(int(which))


def run_of(
    name: str, slice_events: int = SLICE_EVENTS, disturb: Callable[[Simulation], None] = lambda _: None
) -> Fingerprint:
    """Run a model and read everything that it measured."""
    with TemporaryDirectory() as folder:
        simulation = Simulation(
            model_of(name), requests_path=Path(folder) / "requests.parquet", slice_events=slice_events
        )
        disturb(simulation)
        return fingerprint(simulation.run())


def fingerprint(run: Run) -> Fingerprint:
    """All of a run but its wall time."""
    found: Fingerprint = {"stopped": f"{run.stopped} {bits(run.stopped_at_s)}", "events": str(run.events)}
    found["faults"] = repr([(name, bits(start), bits(end)) for name, start, end in run.faults])
    for scope in run.scopes:
        where = f"{scope.kind} {scope.name}"
        latency = scope.latency
        found[f"{where}: counts"] = repr((scope.cohort, scope.total, scope.attempts))
        found[f"{where}: rates"] = f"{bits(scope.throughput_per_s)} {bits(scope.goodput_per_s)}"
        found[f"{where}: histogram"] = digest(latency.histogram)
        moments = (latency.mean_s, latency.variance_s2, latency.min_s, latency.max_s)
        found[f"{where}: moments"] = f"{latency.count} {' '.join(map(bits, moments))}"
    for gauge in run.gauges:
        values = (gauge.in_system_mean, gauge.queue_mean, gauge.busy_cores_mean, gauge.utilization)
        found[f"{gauge.kind} {gauge.name}: averages"] = " ".join(map(bits, values))
    for column in run.series:
        found[f"series {column}"] = digest(run.series[column].to_numpy())
    if run.requests is not None:
        for column, values in columns_of(run.requests).items():
            found[f"requests {column}"] = digest(values)
    return found


def columns_of(requests: Path) -> dict[str, np.ndarray]:
    """Recorded requests, in the order in which they ended."""
    table = pq.read_table(requests)
    plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return {name: column.to_numpy() for name, column in zip(table.column_names, plain, strict=True)}


def bits(value: float) -> str:
    return float(value).hex()


def digest(values: np.ndarray) -> str:
    """Of the bytes of numbers (one kind of nan), or of the texts."""
    if values.dtype.kind == "f":
        raw = np.where(np.isnan(values), np.nan, values).tobytes()
    else:
        raw = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
    return f"{len(values)} × {values.dtype} {hashlib.sha256(raw).hexdigest()}"


def differences(one: Fingerprint, other: Fingerprint) -> list[str]:
    """A line for each thing whose bits differ."""
    return [
        f"{what}: {one.get(what, 'not measured')} ≠ {other.get(what, 'not measured')}"
        for what in sorted(one.keys() | other.keys())
        if one.get(what) != other.get(what)
    ]


def in_new_process(names: Sequence[str], **environment: str) -> dict[str, Fingerprint]:
    """The fingerprints that another process computes."""
    command = [sys.executable, "-m", "tests.contracts.fingerprint", *names]
    changed = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(command, env=changed, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.contracts.fingerprint", description=__doc__)
    parser.add_argument("names", nargs="+", help="everything:VARIANT or random:SEED")
    json.dump({name: run_of(name) for name in parser.parse_args().names}, sys.stdout)


if __name__ == "__main__":
    main()

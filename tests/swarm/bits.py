"""What a few random scenarios with networks come to, to the last bit: one line for each.

python -m tests.swarm.bits 1 2 3
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sim.engine import Simulation
from tests.swarm.conservation import rows_of
from tests.swarm.swarm import Knobs, model_of


def bits(seed: int) -> str:
    """The digest of all recorded requests, and how many events they took."""
    with TemporaryDirectory() as folder, np.errstate(over="ignore"):
        simulation = Simulation(model_of(Knobs(seed, network=seed)), requests_path=Path(folder) / "rows")
        run = simulation.run()
        rows = rows_of(run).sort_values(["source", "index"])
    text = rows.to_csv(index=False)  # floats as the shortest text that reads back to them
    return f"{seed} {hashlib.sha256(text.encode()).hexdigest()} {run.events}"


if __name__ == "__main__":
    print(*map(bits, map(int, sys.argv[1:])), sep="\n")

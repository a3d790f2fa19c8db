"""Reading and checking a scenario compiles nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from sim.distributions import DISTRIBUTIONS
from sim.traffic import ARRIVALS
assert DISTRIBUTIONS["exponential"].build(mean=1).mean() == 1.0
assert ARRIVALS["poisson"].build(rate=3).mean_rate(1.0) == 3.0
print(*(name for name in ("numba", "scipy", "pandas") if name in sys.modules))
"""


def test_the_human_side_imports_neither_numba_nor_scipy_nor_pandas() -> None:
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []

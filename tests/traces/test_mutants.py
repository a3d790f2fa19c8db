"""The stories notice planted mistakes in what moves messages."""

from __future__ import annotations

import os
import subprocess
import sys


def test_every_planted_mistake_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.traces.mutants"],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

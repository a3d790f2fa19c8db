"""The stories of the replicated log, and the Python Raft, notice planted mistakes in the kernel."""

from __future__ import annotations

import os
import subprocess
import sys


def test_every_planted_mistake_is_noticed() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-m", "tests.engine.log_mutants"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": test_") + done.stdout.count(": against_raft") >= 14

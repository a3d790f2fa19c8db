"""The comparison with the reference notices planted mistakes in the kernel."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.reference.kernel_mutants import MUTANTS


def test_every_planted_kernel_mutant_is_noticed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.reference.kernel_mutants"],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(MUTANTS) >= 10 and done.stdout.count("seed") == len(MUTANTS)

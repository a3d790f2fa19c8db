"""Jobs in one process and in several: same results, same order, clean ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.errors import DsimError, PluginError
from sim.experiment.pool import Report, run_jobs
from sim.plugins import load_plugin


def square(job: int, report: Report) -> int:
    time.sleep(0.05 * (3 - job % 4))  # later jobs may end first
    report(float(job), job)
    return job * job


def fail_on_two(job: int, report: Report) -> int:
    if job == 2:
        raise PluginError("plugin.py:3: went wrong")
    time.sleep(30 if job == 3 else 0)
    return job


def use_plugin(job: str, report: Report) -> str:
    return str(sys.modules[job].ANSWER)


def die(job: int, report: Report) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return job


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_job_order_whatever_the_workers(workers: int) -> None:
    assert run_jobs(square, [3, 1, 2, 0, 5], workers) == [9, 1, 4, 0, 25]


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_reaches_the_total(workers: int) -> None:
    seen: list[tuple[int, float, int]] = []
    run_jobs(square, [1, 2, 3, 2], workers, lambda *progress: seen.append(progress))
    assert seen[-1][1:] == (8.0, 8)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_a_failing_job_ends_the_others_and_is_raised() -> None:
    start = time.monotonic()
    with pytest.raises(PluginError, match=r"plugin\.py:3"):
        run_jobs(fail_on_two, [2, 3, 3], 2)
    assert time.monotonic() - start < 20
    assert not multiprocessing.active_children()


def test_a_killed_worker_is_a_sentence() -> None:
    with pytest.raises(DsimError, match="killed"):
        run_jobs(die, [1, 2], 2)


def test_workers_load_the_plugins_of_this_process(tmp_path: Path) -> None:
    file = tmp_path / "plugin_for_workers.py"
    file.write_text("ANSWER = 42\n")
    load_plugin(file)
    assert run_jobs(use_plugin, ["plugin_for_workers"] * 2, 2) == ["42", "42"]


def test_ctrl_c_ends_the_workers_at_once() -> None:
    code = (
        "from tests.experiment.test_pool import fail_on_two\n"
        "from sim.experiment.pool import run_jobs\n"
        "if __name__ == '__main__':\n"
        "    print('started', flush=True)\n"
        "    run_jobs(fail_on_two, [3, 3], 2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while _group_size(process.pid) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, stderr = process.communicate(timeout=20)
    assert process.returncode != 0
    assert stderr.count("KeyboardInterrupt") == 1, stderr
    deadline = time.monotonic() + 10
    while _group_lives(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _group_lives(process.pid)


def _group_size(group: int) -> int:
    """Processes of a group: the parent and its workers."""
    size = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            size += int(path.read_text().rpartition(")")[2].split()[2]) == group
        except OSError:  # it has ended meanwhile
            continue
    return size


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

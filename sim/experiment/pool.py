"""Jobs run one after the other here, or side by side in worker processes; their results come back in job order.

A job's result depends on the job alone, so it is the same whatever the number of workers. Workers are spawned, not
forked (a fork would copy the state of the compiler and of threads), load the same plugins as this process, and
report how far they are through one shared array.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from sim.errors import DsimError
from sim.plugins import load_plugin, loaded_plugins

Job = TypeVar("Job")
Result = TypeVar("Result")
Report = Callable[[float, int], None]
"""Called by a running job with the simulated seconds and the events so far."""
Work = Callable[[Job, Report], Result]
Watch = Callable[[int, float, int], None]
"""Called with the jobs that have ended, and the simulated seconds and events of all jobs together."""

POLL_S = 0.1

_board: Any = None
"""In a worker: simulated seconds and events of every job, a pair each, shared with the parent."""


def run_jobs(work: Work[Job, Result], jobs: Sequence[Job], workers: int, watch: Watch | None = None) -> list[Result]:
    """Do all jobs. An exception of any job, or Ctrl-C, ends the others and is raised.

    Args:
        work: a function of a module (workers import it), called as work(job, report).
        workers: processes; 1 stays in this one.
    """
    if workers <= 1 or len(jobs) <= 1:
        return _run_here(work, jobs, watch)
    return _run_in_workers(work, jobs, min(workers, len(jobs)), watch)


def _run_here(work: Work[Job, Result], jobs: Sequence[Job], watch: Watch | None) -> list[Result]:
    results: list[Result] = []
    reached = [(0.0, 0)] * len(jobs)

    def report(simulated_s: float, events: int) -> None:
        reached[len(results)] = (simulated_s, events)
        if watch is not None:
            watch(len(results), sum(s for s, _ in reached), sum(n for _, n in reached))

    for job in jobs:
        results.append(work(job, report))
    return results


def _run_in_workers(work: Work[Job, Result], jobs: Sequence[Job], workers: int, watch: Watch | None) -> list[Result]:
    context = multiprocessing.get_context("spawn")
    board = context.RawArray("d", 2 * len(jobs))
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _start_worker, (board, loaded_plugins()))
    try:
        futures = [pool.submit(_run_one, work, job, index) for index, job in enumerate(jobs)]
        _watch_until_done(futures, board, watch)
        results = [future.result() for future in futures]
        pool.shutdown()
        return results
    except BrokenProcessPool as error:
        raise DsimError(
            "a worker process was killed, perhaps for lack of memory; use fewer --workers or a shorter run"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end(set(multiprocessing.active_children()) - before)


def _watch_until_done(futures: list[Future[Any]], board: Any, watch: Watch | None) -> None:
    """Return when all have ended or one has failed."""
    pending: set[Future[Any]] = set(futures)
    while pending:
        done, pending = wait(pending, POLL_S, FIRST_EXCEPTION)
        if watch is not None:
            watch(len(futures) - len(pending), sum(board[0::2]), int(sum(board[1::2])))
        if any(future.exception() is not None for future in done):
            return


def _end(children: set[BaseProcess]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        child.join()


def _start_worker(board: Any, plugins: tuple[Path, ...]) -> None:
    global _board
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _board = board
    for path in plugins:
        load_plugin(path)


def _run_one(work: Work[Job, Result], job: Job, index: int) -> Result:
    def report(simulated_s: float, events: int) -> None:
        _board[2 * index] = simulated_s
        _board[2 * index + 1] = events

    return work(job, report)

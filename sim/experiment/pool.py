"""Jobs run one after the other here, or side by side in worker processes; their results come back in job order.

A job's result depends on the job alone, so it is the same whatever the number of workers. Workers are spawned, not
forked (a fork would copy the state of the compiler and of threads), load the same plugins as this process, and
report how far they are through one shared array. Each has a pipe of its own, so that all of them can be ended at any
moment, in the middle of a message too.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
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


def run_jobs(work: Work[Job, Result], jobs: Sequence[Job], workers: int, watch: Watch | None = None) -> list[Result]:
    """Do all jobs. An exception of any job, or Ctrl-C, ends the others and is raised.

    Args:
        work: a function of a module (workers import it), called as work(job, report).
        workers: processes; 1 stays in this one.
    """
    if workers <= 1 or len(jobs) <= 1:
        return _run_here(work, jobs, watch)
    with _crew(work, min(workers, len(jobs)), len(jobs)) as (crew, board):
        return _deal(crew, jobs, lambda done: watch and watch(done, sum(board[0::2]), int(sum(board[1::2]))))


def _run_here(work: Work[Job, Result], jobs: Sequence[Job], watch: Watch | None) -> list[Result]:
    results: list[Result] = []
    reached = [(0.0, 0)] * len(jobs)

    def tell() -> None:
        if watch is not None:
            watch(len(results), sum(s for s, _ in reached), sum(n for _, n in reached))

    def report(simulated_s: float, events: int) -> None:
        reached[len(results)] = (simulated_s, events)
        tell()

    for job in jobs:
        results.append(work(job, report))
        tell()
    return results


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


@contextmanager
def _crew(work: Work[Any, Any], workers: int, jobs: int) -> Iterator[tuple[list[_Worker], Any]]:
    """Running workers, and the board on which they write the simulated seconds and events of every job."""
    context = multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # which would be started with the first worker, and undo its deafness
    board = context.RawArray("d", 2 * jobs)
    crew: list[_Worker] = []
    try:
        for _ in range(workers):
            pipe, far_end = context.Pipe()
            process = context.Process(target=_serve, args=(far_end, work, board, loaded_plugins()), daemon=True)
            with _deaf_to_ctrl_c():
                process.start()
            far_end.close()
            crew.append(_Worker(process, pipe))
        yield crew, board
    finally:
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.process.join()
            worker.pipe.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process that is started inside inherits deafness: Ctrl-C reaches the whole group, the parent decides."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _deal(crew: list[_Worker], jobs: Sequence[Any], watch: Callable[[int], object]) -> list[Any]:
    """Hand out the jobs and collect their results, in job order."""
    results: dict[int, Any] = {}
    waiting = deque(enumerate(jobs))
    for worker in crew:
        worker.pipe.send(waiting.popleft())
    while len(results) < len(jobs):
        for ready in wait([worker.pipe for worker in crew], POLL_S):
            assert isinstance(ready, Connection)
            index, result = _receive(ready)
            results[index] = result
            if waiting:
                ready.send(waiting.popleft())
        watch(len(results))
    return [results[index] for index in range(len(jobs))]


def _receive(pipe: Connection) -> tuple[int, Any]:
    try:
        index, result, error = pipe.recv()
    except (EOFError, ConnectionError):
        raise DsimError(
            "a worker process was killed, perhaps for lack of memory; use fewer --workers or a shorter run "
            '(a script starts workers below `if __name__ == "__main__":`, since they import it)'
        ) from None
    if error is not None:
        raise error
    return index, result


def _serve(pipe: Connection, work: Work[Any, Any], board: Any, plugins: tuple[Path, ...]) -> None:
    """A worker's life: load the plugins, then answer each (index, job) with (index, result, error)."""
    index = -1

    def report(simulated_s: float, events: int) -> None:
        board[2 * index] = simulated_s
        board[2 * index + 1] = events

    try:
        for path in plugins:
            load_plugin(path)
        while True:
            index, job = pipe.recv()
            pipe.send((index, work(job, report), None))
    except EOFError:
        return
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        pipe.send((index, None, error))

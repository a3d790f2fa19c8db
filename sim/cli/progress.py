"""Progress on stderr: the compilation while it lasts, and a bar for anything that takes more than a second."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from sim.experiment import Progress

SHOWN_AFTER_S = 1.0


def announce_compilation() -> None:
    """Say why nothing happens for a while, when the kernel has to be compiled first."""
    from sim.kernel.jit import is_compiled

    if not is_compiled():
        print("Compiling the kernel (once; about 10 s) …", file=sys.stderr, flush=True)


class ProgressBar:
    """A context manager to call with each `Progress`; the first call comes when all input has been checked.

    Says nothing when not enabled. The bar needs a terminal, the announcement does not.
    """

    def __init__(self, enabled: bool = True) -> None:
        console = Console(stderr=True)
        self._announces, self._enabled = enabled, enabled and console.is_terminal
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
        )
        self._bar = Bar(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=1.0, pace="")
        self._first: tuple[float, int] | None = None
        self._started_s = time.perf_counter()
        self._shown = False

    def __enter__(self) -> ProgressBar:
        return self

    def __call__(self, progress: Progress) -> None:
        if self._announces:
            announce_compilation()
            self._announces = False
        now = time.perf_counter()
        if not self._enabled or now - self._started_s < SHOWN_AFTER_S:
            return
        if not self._shown:
            self._bar.start()
            self._shown = True
        self._first = self._first or (now, progress.events)
        self._bar.update(
            self._task,
            completed=progress.share,
            description=f"{progress.done} of {progress.jobs} runs done, {progress.simulated_s:.0f} s simulated",
            pace=_pace(progress.events - self._first[1], now - self._first[0]),
        )

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()


def _pace(events: int, seconds: float) -> str:
    return f"{events / seconds / 1e6:.1f} M events/s" if seconds > 0.1 else ""

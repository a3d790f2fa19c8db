"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever it happens to be; inside a callback of the compiler (or a finalizer) it is
reported as ignored and gone. So it is remembered too, and raised again at the next sign of progress. A request to
terminate is treated alike: workers end and half-written folders vanish.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


class Interrupts:
    """A context manager for the main thread. `check` raises KeyboardInterrupt when there was one."""

    def __init__(self) -> None:
        self._seen = False

    def __enter__(self) -> Interrupts:
        self._handlers = {number: signal.signal(number, self._remember) for number in (signal.SIGINT, signal.SIGTERM)}
        self._hook = sys.unraisablehook
        sys.unraisablehook = self._pass_over
        return self

    def check(self) -> None:
        if self._seen:
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook = self._hook

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._seen = True
        raise KeyboardInterrupt

    def _pass_over(self, ignored: UnraisableHookArgs) -> None:
        if not isinstance(ignored.exc_value, KeyboardInterrupt):
            self._hook(ignored)

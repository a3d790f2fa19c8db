"""A process is suspected when nothing has been heard of it for a fixed time."""

from __future__ import annotations


class Heartbeat:
    """With a heartbeat each `period_s`, a crash is detected a time after it that is uniform in
    [timeout − period, timeout], plus the delay of the last heartbeat."""

    def __init__(self, timeout_s: float, now_s: float) -> None:
        self.timeout_s = timeout_s
        self._last_s = now_s

    def heard(self, now_s: float) -> None:
        self._last_s = now_s

    @property
    def convicts_at_s(self) -> float:
        """When it will suspect, if it hears nothing more."""
        return self._last_s + self.timeout_s

    def suspects(self, now_s: float) -> bool:
        return now_s >= self.convicts_at_s

"""Errors that a person meets. Each message says where → what was given → what is allowed → what to do."""

from __future__ import annotations


class DsimError(ValueError):
    """Bad input. Its text is shown as it is, without a traceback; the exit status is 2."""


class ScenarioErrors(DsimError):
    """All mistakes of a scenario, one sentence each."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        super().__init__("\n".join(messages))

    def __reduce__(self) -> tuple[type[ScenarioErrors], tuple[list[str]]]:
        return type(self), (self.messages,)


class PluginError(DsimError):
    """A plugin that cannot be loaded or that failed while it ran."""

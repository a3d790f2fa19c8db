"""What may break. A fault is one file: its machine form, its human form, and what it does to the running system.

A new fault is one file and one entry of KINDS.
"""

from __future__ import annotations

from types import ModuleType

from sim.failures import crash, pause, slow
from sim.failures.crash import Crash
from sim.failures.form import FAULT_FORMS, FaultForm, Faults
from sim.failures.pause import Pause
from sim.failures.slow import Slow
from sim.model import Fault

KINDS: dict[type[Fault], ModuleType] = {Crash: crash, Pause: pause, Slow: slow}
"""File by machine class."""

__all__ = ["FAULT_FORMS", "KINDS", "Crash", "FaultForm", "Faults", "Pause", "Slow"]

"""What may break. A fault is one file: its machine form, its human form, and what it does to the running system.

A new fault is one file and one entry of KINDS.
"""

from __future__ import annotations

from types import ModuleType

from sim.failures import (
    clock_jump,
    crash,
    dns_outage,
    latency,
    link_down,
    link_slow,
    loss,
    memory_pressure,
    outage,
    partition,
    pause,
    restart,
    rolling_restart,
    slow,
    slow_disk,
    stress,
)
from sim.failures.clock_jump import ClockJump
from sim.failures.common_cause import Together
from sim.failures.crash import Crash
from sim.failures.dns_outage import DnsOutage
from sim.failures.form import FAULT_FORMS, FaultForm, Faults
from sim.failures.latency import Latency
from sim.failures.link_down import LinkDown
from sim.failures.link_slow import LinkSlow
from sim.failures.loss import Loss
from sim.failures.memory_pressure import MemoryPressure
from sim.failures.outage import Outage
from sim.failures.partition import Partition
from sim.failures.pause import Pause
from sim.failures.restart import Restart
from sim.failures.rolling_restart import RollingRestart
from sim.failures.slow import Slow
from sim.failures.slow_disk import SlowDisk
from sim.failures.stress import Stress
from sim.model import Fault

KINDS: dict[type[Fault], ModuleType] = {
    Crash: crash,
    Restart: restart,
    RollingRestart: rolling_restart,
    Outage: outage,
    Pause: pause,
    Slow: slow,
    SlowDisk: slow_disk,
    MemoryPressure: memory_pressure,
    Stress: stress,
    ClockJump: clock_jump,
    Partition: partition,
    Loss: loss,
    Latency: latency,
    LinkDown: link_down,
    LinkSlow: link_slow,
    DnsOutage: dns_outage,
}
"""File by machine class."""

__all__ = [
    "FAULT_FORMS",
    "KINDS",
    "ClockJump",
    "Crash",
    "FaultForm",
    "Faults",
    "Latency",
    "LinkDown",
    "LinkSlow",
    "Loss",
    "MemoryPressure",
    "Outage",
    "Partition",
    "Pause",
    "Restart",
    "RollingRestart",
    "Slow",
    "SlowDisk",
    "Stress",
    "Together",
]

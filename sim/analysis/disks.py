"""What an operation of a disk takes when nobody stands before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.analysis.moments import Moments
from sim.distributions import Distribution
from sim.model import Disk
from sim.steps.disk import DiskOperation


def operation_time(step: DiskOperation, disks: Sequence[Disk | None]) -> Moments:
    """On each of some disks."""
    total = Moments.zero(len(disks))
    for law in ("access", "fsync") if step.sync and step.bytes else ("fsync",) if step.sync else ("access",):
        laws = [getattr(disk, law) for disk in disks]
        total = total.then(Moments(np.array([_mean(of) for of in laws]), np.array([_second(of) for of in laws])))
    moved = np.array([step.bytes / d.bytes_per_s if d is not None and d.bytes_per_s else 0.0 for d in disks])
    return total.then(Moments(moved, moved**2))


def _mean(law: Distribution | None) -> float:
    return 0.0 if law is None else law.mean()


def _second(law: Distribution | None) -> float:
    return 0.0 if law is None else law.variance() + law.mean() ** 2

"""Failure detectors that listen to one process: a fixed timeout, and suspicion on a scale."""

from sim.protocols.detectors.heartbeat import Heartbeat
from sim.protocols.detectors.phi_accrual import CASSANDRA, PAPER, PRESETS, PhiAccrual, Scale

__all__ = ["CASSANDRA", "PAPER", "PRESETS", "Heartbeat", "PhiAccrual", "Scale"]

"""The engine: the joined clock, the cluster handle, one replication."""

from sim.engine.run import Run
from sim.engine.simulation import Simulation, prepare, simulate

__all__ = ["Run", "Simulation", "prepare", "simulate"]

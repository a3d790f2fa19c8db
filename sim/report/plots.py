"""Pictures of results. Each function returns a Figure, which a notebook shows and `savefig` writes."""

from sim.report.elections import elections
from sim.report.forest import forest
from sim.report.latency import latency_ccdf
from sim.report.network import network
from sim.report.sequence import sequence
from sim.report.through_time import time_series
from sim.report.topology import topology
from sim.report.up_and_down import availability
from sim.report.views import views

__all__ = [
    "availability",
    "elections",
    "forest",
    "latency_ccdf",
    "network",
    "sequence",
    "time_series",
    "topology",
    "views",
]

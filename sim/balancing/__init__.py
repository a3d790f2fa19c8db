"""Balancing policies: one file each, registered by name. Users' policies come from plugins the same way."""

from sim.balancing import least_outstanding, power_of_two, random, round_robin, weighted_round_robin
from sim.balancing.policy import POLICIES, Policy, register
from sim.kernel.draws import uniform

__all__ = [
    "POLICIES",
    "Policy",
    "least_outstanding",
    "power_of_two",
    "random",
    "register",
    "round_robin",
    "uniform",
    "weighted_round_robin",
]

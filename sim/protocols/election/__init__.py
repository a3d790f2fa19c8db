"""Two classic elections, for teaching: what they cost, and what they do not promise."""

from sim.protocols.election.bully import Bully
from sim.protocols.election.ring import RingMember

__all__ = ["Bully", "RingMember"]

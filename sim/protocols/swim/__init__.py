"""SWIM, with memberlist's and Lifeguard's extensions."""

from sim.protocols.swim.config import LAN, LOCAL, PRESETS, SERF, WAN, Config
from sim.protocols.swim.member import Member
from sim.protocols.swim.messages import Outgoing, Packet, Record
from sim.protocols.swim.roster import everyone

__all__ = ["LAN", "LOCAL", "PRESETS", "SERF", "WAN", "Config", "Member", "Outgoing", "Packet", "Record", "everyone"]

"""What a member is told: memberlist's configuration, with its three sets of defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Config:
    """Times are in seconds. The defaults are `DefaultLANConfig` of memberlist 0.5.

    `order`: "shuffled" is the round robin over a shuffled list of SWIM's §4.3, which bounds the time to detection;
    "random" is the uniformly random choice of its §3.1, whose mean time to detection the paper derives.
    `reconnect_interval_s`: how often Serf tries a failed member again, so that the halves of a healed partition meet;
    0: never, as memberlist by itself.
    """

    probe_interval_s: float = 1.0
    probe_timeout_s: float = 0.5
    indirect_checks: int = 3
    stream_fallback: bool = True
    suspicion_mult: int = 4
    suspicion_max_timeout_mult: int = 6
    awareness_max_multiplier: int = 8
    retransmit_mult: int = 4
    gossip_interval_s: float = 0.2
    gossip_nodes: int = 3
    gossip_to_the_dead_s: float = 30.0
    push_pull_interval_s: float = 30.0
    udp_buffer_bytes: int = 1400
    reconnect_interval_s: float = 0.0
    order: Literal["shuffled", "random"] = "shuffled"


LAN = Config()
WAN = Config(
    suspicion_mult=6,
    push_pull_interval_s=60.0,
    probe_timeout_s=3.0,
    probe_interval_s=5.0,
    gossip_nodes=4,
    gossip_interval_s=0.5,
    gossip_to_the_dead_s=60.0,
)
LOCAL = Config(
    indirect_checks=1,
    retransmit_mult=2,
    suspicion_mult=3,
    push_pull_interval_s=15.0,
    probe_timeout_s=0.2,
    gossip_interval_s=0.1,
    gossip_to_the_dead_s=15.0,
)
SERF = Config(reconnect_interval_s=30.0)

PRESETS = {
    "memberlist-lan@0.5": LAN,
    "memberlist-wan@0.5": WAN,
    "memberlist-local@0.5": LOCAL,
    "serf-lan@0.10": SERF,
}

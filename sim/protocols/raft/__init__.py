"""The Raft consensus algorithm. `Raft` is the machine; start reading in `raft.py`, `election.py`, `replication.py`."""

from sim.protocols.raft.config import Config
from sim.protocols.raft.hashicorp import HashicorpRaft
from sim.protocols.raft.log import Log
from sim.protocols.raft.membership import Change, Configuration
from sim.protocols.raft.messages import Message
from sim.protocols.raft.raft import Raft
from sim.protocols.raft.state import Entry, HardState, ReadState, Ready, Snapshot, Stored

__all__ = [
    "Change",
    "Config",
    "Configuration",
    "Entry",
    "HardState",
    "HashicorpRaft",
    "Log",
    "Message",
    "Raft",
    "ReadState",
    "Ready",
    "Snapshot",
    "Stored",
]

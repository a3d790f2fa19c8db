"""What members say to each other. A datagram carries a tuple of these: a first one, and gossip behind it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Status = Literal["alive", "suspect", "dead", "left", "forgotten"]
"""`forgotten` is said of what is no longer believed at all; no record that is held or sent has it."""


class Record(NamedTuple):
    """What a member believes of another one. Never changed in place: members that agree share it."""

    name: str
    incarnation: int
    status: Status
    changed_s: float


class Ping(NamedTuple):
    sequence: int
    target: str


class IndirectPing(NamedTuple):
    """Please ping `target`, and tell me."""

    sequence: int
    target: str


class Ack(NamedTuple):
    sequence: int


class Nack(NamedTuple):
    """Lifeguard: I am well, but your target has not answered me either."""

    sequence: int


class Alive(NamedTuple):
    node: str
    incarnation: int


class Suspect(NamedTuple):
    node: str
    incarnation: int
    by: str


class Dead(NamedTuple):
    """Said by the node itself it means that it leaves."""

    node: str
    incarnation: int
    by: str


class PushPull(NamedTuple):
    """Over a stream: all that I believe; answer with all that you believe."""

    records: tuple[Record, ...]


class PushPullReply(NamedTuple):
    records: tuple[Record, ...]


class StreamPing(NamedTuple):
    """The ping that is also tried over a stream when datagrams fail."""

    sequence: int


class StreamAck(NamedTuple):
    sequence: int


Claim = Alive | Suspect | Dead
Packet = tuple[Any, ...]


class Outgoing(NamedTuple):
    """A packet to send; over a stream where it is `reliable`, else as a datagram."""

    to: str
    packet: Packet
    size_bytes: int
    reliable: bool


SIZES_BYTES: dict[type, int] = {
    Ping: 90,
    IndirectPing: 110,
    Ack: 20,
    Nack: 20,
    Alive: 130,
    Suspect: 70,
    Dead: 70,
    StreamPing: 90,
    StreamAck: 20,
}
"""About what memberlist's MessagePack takes for names of a dozen letters."""

COMPOUND_BYTES = 2
"""What each further part of a datagram costs."""

RECORD_BYTES = 130
"""What a member costs in a push-pull."""

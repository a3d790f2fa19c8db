"""Rows of the tables that only the wire uses: links, what is wrong with them, transports, connections, packets."""

from __future__ import annotations

from sim.kernel.row_types import row

LINK = row(
    ("receiver", "i4"),  # site at its end
    ("station", "i4"),  # instance row that stands for its transmitter; -1: no bound on its bandwidth
    ("latency", "i4"),  # distributions; -1: none
    ("jitter", "i4"),
    ("down", "i4"),  # faults in force
    ("cuts", "i4"),  # times that it went down so far
    ("loss", "f8"),  # of a segment
    ("kept_loss", "f8"),  # without faults
    ("slowness", "f8"),  # factor of latency and jitter
    ("salt", "u8"),
)

IMPAIRMENT = row(
    ("used", "i4"),
    ("latency", "i4"),  # distribution of what it adds; -1
    ("loss", "f8"),  # of a segment; 1: nothing passes
)

TRANSPORT = row(
    ("kind", "i4"),  # codes.IDEAL …
    ("streams", "i4"),  # requests that a connection carries at once
    ("most_open", "i4"),  # connections to one server at most; -1: no bound
    ("most_idle", "i4"),  # kept idle at most
    ("rounds", "i4"),  # round trips before a request may leave: TCP's, and TLS's
    ("idle_for", "f8"),  # s, kept idle at most
    ("dial_for", "f8"),  # s, connect timeout
    ("segment", "f8"),  # bytes
    ("initial", "f8"),  # congestion window, segments
    ("window", "f8"),  # receive window, bytes
    ("resend_least", "f8"),  # s, lower bound of what RTO adds to the smoothed round trip
    ("resend_first", "f8"),  # s, RTO of a handshake
    ("resend_most", "f8"),  # s
    ("tries", "i4"),  # retransmissions of a segment before the connection is given up
    ("dials", "i4"),  # of a handshake
    ("probes", "i4"),  # keep-alive probes without an answer before a connection is given up; 0: none are sent
    ("probe_after", "f8"),  # s of silence
    ("probe_every", "f8"),  # s
)

POOL = row(
    ("client_deaths", "i4"),  # of the client, when it was last used
    ("first", "i4"),  # connections that have room, the most recently used first
    ("last", "i4"),
    ("idle", "i4"),  # connections without a request
    ("open", "i4"),  # connections, those that are being dialled too
    ("dialling", "i4"),
    ("waiting_head", "i4"),  # attempts that wait for a connection
    ("waiting_tail", "i4"),
    ("waiting", "i4"),
)

FLOW = row(
    ("window", "f8"),  # congestion window, segments
    ("threshold", "f8"),  # slow start ends there, segments
    ("flight", "f8"),  # bytes sent and not acknowledged
    ("cut", "f8"),  # s, when the window was last cut
    ("busy", "f8"),  # s, when something was last sent
    ("torn", "i4"),  # 1: a part was given up that never arrived; nothing behind it is taken
    ("smooth", "f8"),  # s, smoothed round trip; 0: not measured yet
    ("deviation", "f8"),  # s
    ("resend", "f8"),  # s, RTO
    ("first", "i4"),  # packets sent and not delivered, in order
    ("last", "i4"),
    ("backlog_head", "i4"),  # messages (packet rows) not sent yet
    ("backlog_tail", "i4"),
)

CONNECTION = row(
    ("generation", "i4"),
    ("state", "i4"),  # codes.CLOSED …
    ("pool", "i4"),
    ("transport", "i4"),
    ("server", "i4"),  # instance
    ("client", "i4"),  # place
    ("server_deaths", "i4"),  # of its process and its host when it was dialled
    ("server_silent", "i4"),
    ("streams", "i4"),  # attempts bound to it
    ("first_stream", "i4"),
    ("next", "i4"),  # in the pool's list of those with room; free list
    ("previous", "i4"),
    ("listed", "i4"),
    ("packets", "i4"),  # packet rows that belong to it
    ("client_deaths", "i4"),  # of its client when it was dialled, as its pool knew them
    ("dialled_for", "i4"),  # attempt (task) whose request had it dialled
    ("dialled_generation", "i4"),
    ("rounds", "i4"),  # of its handshake, done
    ("probes", "i4"),  # sent since something was heard
    ("key", "u8"),
    ("idle_since", "f8"),  # s
    ("heard", "f8"),  # s, when the client last got something from the server
    ("flow", FLOW, (2,)),  # requests, responses
)

PACKET = row(
    ("generation", "i4"),
    ("what", "i4"),  # codes.REQUEST …
    ("task", "i4"),  # whose message it is (part of)
    ("task_generation", "i4"),
    ("note", "i4"),  # that it carries, if it is a LETTER
    ("transport", "i4"),
    ("connection", "i4"),  # -1
    ("at", "i4"),  # site
    ("goal", "i4"),  # site
    ("sender", "i4"),  # place: a node's row, or CAPACITY["node"] + a source's
    ("receiver", "i4"),  # place
    ("link", "i4"),
    ("cuts", "i4"),  # of the link when it entered
    ("hops", "i4"),
    ("next", "i4"),  # in a flow, in order of sending; backlog; free list
    ("segments", "i4"),
    ("lost", "i4"),  # of these
    ("ends", "i4"),  # 1: the message's last
    ("here", "i4"),  # 1: has arrived completely
    ("known", "i4"),  # 1: and its sender knows
    ("delivered", "i4"),  # 1: and it has been its turn
    ("waits", "i4"),  # 1: for its retransmission timer
    ("begun", "i4"),  # 1: what is left of a message of which a part was sent
    ("tries", "i4"),  # sent before
    ("deaths", "i4"),  # responses: of the server with its host, when it was first sent
    ("bytes", "f8"),
    ("sent", "f8"),  # s
    ("key", "u8"),
    ("index", "i8"),
)

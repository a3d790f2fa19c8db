"""Message-sequence charts, of an election told by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from sim.engine.daemons import Answer
from sim.engine.mail import Letter
from sim.engine.run import CONTROL
from sim.errors import DsimError
from sim.protocols.raft.messages import Append, Heartbeat, VoteReply, VoteRequest
from sim.report.sequence import ROLES, kind_of, label_of, sequence

A, B, C = "etcd-1/raft", "etcd-2/raft", "etcd-10/raft"


def election() -> list[Letter]:
    """etcd-1 leads and dies at 0.5; etcd-2 asks whether it could win, then wins; its words to the dead are lost."""
    beats = [said(0.1 * k, A, to, Heartbeat(A, to, 4, 0)) for k in range(1, 5) for to in (B, C)]
    told = [
        said(1.5, B, A, VoteRequest(B, A, 5, 7, 4, pre=True), lost=True),
        said(1.5, B, C, VoteRequest(B, C, 5, 7, 4, pre=True)),
        said(1.503, C, B, VoteReply(C, B, 5, granted=True, pre=True)),
        said(1.506, B, A, VoteRequest(B, A, 5, 7, 4), lost=True),
        said(1.506, B, C, VoteRequest(B, C, 5, 7, 4)),
        said(1.512, C, B, VoteReply(C, B, 5, granted=True)),
        said(1.515, B, A, Append(B, A, 5, 7, 4, (), 7), lost=True),
        said(1.515, B, C, Append(B, C, 5, 7, 4, (), 7)),
    ]
    return [*beats, *told]


def said(sent_s: float, sender: str, receiver: str, message: object, lost: bool = False) -> Letter:
    return Letter(sent_s, sender, receiver, message, None if lost else sent_s + 0.002)


CONTROL_LOG = pd.DataFrame([(0.5, "truth", "down", "etcd-1", "")], columns=list(CONTROL))


def bars(lane: int, **options: object) -> list[str]:
    """Roles of a lane from top to bottom."""
    figure = sequence(election(), control=CONTROL_LOG, **options)  # type: ignore[arg-type]
    (axes,) = figure.axes
    found = [
        bar for bar in axes.patches if isinstance(bar, Rectangle) and round(bar.get_x() + bar.get_width() / 2) == lane
    ]
    names = {to_hex(colour): role for role, colour in ROLES.items()}
    return [names[to_hex(bar.get_facecolor())] for bar in sorted(found, key=lambda bar: float(bar.get_y()))]


def test_lanes_stand_in_natural_order_and_change_colour_with_the_role() -> None:
    (axes,) = sequence(election(), control=CONTROL_LOG).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["etcd-1", "etcd-2", "etcd-10"]
    assert bars(0) == ["leader", "down"]
    assert bars(1) == ["follower", "precandidate", "candidate", "leader"]
    assert bars(2) == ["follower"]


def test_what_was_lost_ends_in_a_cross() -> None:
    (axes,) = sequence(election(), control=CONTROL_LOG).axes
    assert sum(line.get_marker() == "x" for line in axes.lines) == 3


def test_each_message_says_its_kind_and_term() -> None:
    (axes,) = sequence(election(), leave_out=["Heartbeat"]).axes
    said = [text.get_text() for text in axes.texts if text.get_text()]
    assert said.count("pre-vote request t5") == 2
    assert said.count("vote request t5") == 2
    assert said.count("append t5") == 2
    assert len(said) == 8


def test_words_of_messages() -> None:
    assert kind_of(VoteReply(C, B, 5, granted=False)) == "vote reply: no"
    assert kind_of((VoteReply(C, B, 5, granted=True), "gossip")) == "vote reply +1"
    assert kind_of(Answer("ok", VoteReply(C, B, 5, granted=True))) == "vote reply"
    assert kind_of(Answer("refused")) == "refused"
    assert kind_of("hello") == label_of("hello") == "hello"


def test_nothing_to_draw_is_a_sentence() -> None:
    with pytest.raises(DsimError, match="has no message there"):
        sequence(election(), from_s=9.0)

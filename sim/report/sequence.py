"""A message-sequence chart: who told whom what, who never heard it, and who led meanwhile.

Time runs down, a lane a member. It is stretched where much happens and shrunk where little does: the labels at the left
tell. Roles are those that a member's own messages show; times of death come from the control plane's log.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from sim.engine.daemons import Answer
from sim.engine.mail import Letter
from sim.errors import DsimError
from sim.experiment.control import TRUTH
from sim.protocols.raft.messages import FROM_LEADER, VoteRequest
from sim.report import style

ROLES = {
    "follower": "#C9CDD2", "precandidate": "#F3D79B", "candidate": style.ORANGE, "leader": style.GREEN,
    "down": style.VERMILLION,
}  # fmt: skip
MESSAGES_SHOWN = 120
STEP_IN, LANE_WIDTH, AROUND_IN, TALLEST_IN = 0.17, 0.05, 1.7, 14.0
SHORTEST_STEP, LONGEST_STEP = 0.45, 2.6
"""Between one moment and the next, in units of STEP_IN; between the two with the logarithm of the time."""
LABEL_APART = 0.85
"""Steps between times that are written."""
LABEL_AT = 0.74
"""Of the way of an arrow."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From times to places."""

    at_s: np.ndarray
    y: np.ndarray

    def __call__(self, time_s: float) -> float:
        return float(np.interp(time_s, self.at_s, self.y))


@style.styled
def sequence(
    trace: Sequence[Letter],
    *,
    control: pd.DataFrame | None = None,
    from_s: float = 0.0,
    until_s: float = float("inf"),
    leave_out: Collection[str] = (),
    title: str = "Who told whom what",
) -> Figure:
    """Draw a message trace (`cluster.mail.trace`), in order of time.

    Args:
        control: `Run.control`, for deaths.
        from_s, until_s: only what was sent in [from_s, until_s).
        leave_out: kinds of messages, by the names of their classes.
    Raises: DsimError where nothing is left to draw.
    """
    sent = [of for of in trace if from_s <= of.sent_s < until_s and class_of(of.message).__name__ not in leave_out]
    if not sent:
        raise DsimError("trace: has no message there; draw other times, or run Simulation(model, trace_messages=True)")
    shown = sent[:MESSAGES_SHOWN]
    lanes = sorted({host(end) for of in shown for end in (of.sender, of.receiver)}, key=_natural)
    x = {lane: float(number) for number, lane in enumerate(lanes)}
    first_s, last_s = shown[0].sent_s, max(of.sent_s if of.arrived_s is None else of.arrived_s for of in shown)
    roles = {lane: _roles(lane, trace, control, last_s) for lane in lanes}
    scale = _scale(shown, roles, first_s, last_s)
    height_in = min(AROUND_IN + STEP_IN * float(scale.y[-1]), TALLEST_IN)
    figure = style.Picture(figsize=(style.WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots()
    for lane, of in roles.items():
        _draw_lane(axes, x[lane], of, scale, first_s, last_s)
    for letter in shown:
        _draw_letter(axes, x, letter, scale)
    _dress(axes, lanes, scale)
    seen = dict.fromkeys(role for of in roles.values() for _, role in of)
    words = {"follower": "follower" if seen.keys() - {"follower", "down"} else "up"}
    handles: list[object] = [Patch(color=ROLES[role], label=words.get(role, role)) for role in ROLES if role in seen]
    if any(of.arrived_s is None for of in shown):
        handles.append(Line2D([], [], color=style.VERMILLION, marker="x", linestyle="--", label="lost"))
    style.legend(figure, title, handles)
    more = len(sent) - len(shown)
    note = f"The first {len(shown)} messages; {more} more are left out: from_s, until_s, leave_out. " if more else ""
    style.footnote(figure, f"{note}Time runs down, in seconds; its scale is stretched where much happens.")
    return figure


def host(address: str) -> str:
    """Of `etcd-1/raft`: etcd-1."""
    return address.partition("/")[0]


def class_of(message: Any) -> type:
    """Of a packet of several messages its first, of an answer what it carries."""
    if isinstance(message, Answer) and message.message is not None:
        return class_of(message.message)
    if isinstance(message, tuple) and not hasattr(message, "_fields") and message:
        return class_of(message[0])
    return type(message)


def kind_of(message: Any) -> str:
    """`vote request`, `pre-vote reply: no`, `append`; of a packet of several the first, and how many more."""
    if isinstance(message, tuple) and not hasattr(message, "_fields"):
        rest = f" +{len(message) - 1}" if len(message) > 1 else ""
        return f"{kind_of(message[0])}{rest}" if message else "nothing"
    if isinstance(message, str):
        return message
    if isinstance(message, Answer):
        return kind_of(message.message) if message.message is not None else message.outcome
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(message).__name__).lower()
    words = f"pre-{words}" if getattr(message, "pre", False) else words
    no = getattr(message, "granted", True) is False or getattr(message, "rejected", False)
    entries = len(getattr(message, "entries", ()))
    return f"{words}{': no' if no else ''}{f' of {entries}' if entries else ''}"


def label_of(message: Any) -> str:
    """With its term, if it has one."""
    term = getattr(message, "term", None)
    return f"{kind_of(message)} t{term}" if term else kind_of(message)


def _roles(lane: str, trace: Sequence[Letter], control: pd.DataFrame | None, last_s: float) -> list[tuple[float, str]]:
    """From when on a member was what, in order of time."""
    told: list[tuple[float, int, str, int]] = []
    for letter in trace:
        message, term = letter.message, getattr(letter.message, "term", 0)
        if host(letter.sender) == lane and isinstance(message, VoteRequest):
            told.append((letter.sent_s, 1, "precandidate" if message.pre else "candidate", term))
        elif host(letter.sender) == lane and isinstance(message, FROM_LEADER):
            told.append((letter.sent_s, 1, "leader", term))
        elif host(letter.receiver) == lane and letter.arrived_s is not None:
            heard = "follower" if isinstance(message, FROM_LEADER) else "outvoted"
            told.append((letter.arrived_s, 0, heard, term))
    if control is not None:
        truth = control[(control["component"] == TRUTH) & (control["subject"] == lane)]
        words = {"down": "down", "up": "follower"}
        pairs = zip(truth["time_s"].tolist(), truth["event"].tolist(), strict=True)
        told += [(at_s, 2, words[event], -1) for at_s, event in pairs if event in words]
    roles, role, own_term = [(0.0, "follower")], "follower", 0
    for at_s, _, heard, term in sorted(told):
        if at_s > last_s:
            break
        new = _next_role(role, own_term, heard, term)
        own_term = max(own_term, term if heard != "precandidate" else 0)
        if new != role:
            roles.append((at_s, new))
            role = new
    return roles


def _next_role(role: str, own_term: int, heard: str, term: int) -> str:
    if term < 0:
        return heard
    if role == "down" or term < own_term:
        return role
    if heard == "outvoted":
        return "follower" if role in ("leader", "candidate") and term > own_term else role
    return heard


def _scale(
    shown: Sequence[Letter], roles: Mapping[str, Sequence[tuple[float, str]]], first_s: float, last_s: float
) -> _Scale:
    moments = {of.sent_s for of in shown} | {of.arrived_s for of in shown if of.arrived_s is not None}
    moments |= {at_s for of in roles.values() for at_s, _ in of if first_s < at_s < last_s}
    at_s = np.array(sorted(moments))
    if len(at_s) == 1:
        return _Scale(np.array([at_s[0], at_s[0] + 1e-9]), np.array([0.0, 1.0]))
    gaps = np.diff(at_s)
    decades = np.log10(gaps / gaps.min())
    steps = SHORTEST_STEP + (LONGEST_STEP - SHORTEST_STEP) * decades / max(decades.max(), 3.0)
    return _Scale(at_s, np.concatenate([[0.0], np.cumsum(steps)]))


def _draw_lane(
    axes: Axes, x: float, roles: Sequence[tuple[float, str]], scale: _Scale, first_s: float, last_s: float
) -> None:
    for place, (at_s, role) in enumerate(roles):
        until_s = roles[place + 1][0] if place + 1 < len(roles) else last_s
        if until_s > first_s:
            top, bottom = scale(max(at_s, first_s)), scale(until_s)
            bar = Rectangle((x - LANE_WIDTH, top), 2 * LANE_WIDTH, bottom - top, color=ROLES[role], linewidth=0)
            axes.add_patch(bar)


def _draw_letter(axes: Axes, x: Mapping[str, float], letter: Letter, scale: _Scale) -> None:
    start_x, end_x = x[host(letter.sender)], x[host(letter.receiver)]
    side = LANE_WIDTH if end_x >= start_x else -LANE_WIDTH
    start, lost = (start_x + side, scale(letter.sent_s)), letter.arrived_s is None
    end = (end_x - side, scale(letter.sent_s) + 0.6 if letter.arrived_s is None else scale(letter.arrived_s))
    if lost:
        end = (start[0] + 0.6 * (end[0] - start[0]), end[1])
        axes.plot([start[0], end[0]], [start[1], end[1]], color=style.VERMILLION, linewidth=0.8, linestyle="--")
        axes.plot(*end, marker="x", color=style.VERMILLION, markersize=6)
    else:
        arrow = {"arrowstyle": "-|>", "color": style.GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", end, start, arrowprops=arrow)
    along = 0.45 if lost else LABEL_AT
    at = (start[0] + along * (end[0] - start[0]), start[1] + along * (end[1] - start[1]))
    colour = style.VERMILLION if lost else style.BLACK
    axes.annotate(
        label_of(letter.message), at, ha="center", va="bottom", fontsize=6.5, color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
    )  # fmt: skip


def _dress(axes: Axes, lanes: Sequence[str], scale: _Scale) -> None:
    axes.set_xlim(-0.3, len(lanes) - 0.7)
    axes.set_ylim(float(scale.y[-1]) + 0.6, -0.8)
    axes.set_xticks(range(len(lanes)), lanes)
    axes.xaxis.tick_top()
    axes.tick_params(axis="both", length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    written = [0]
    for place in range(1, len(scale.y)):
        if scale.y[place] - scale.y[written[-1]] >= LABEL_APART:
            written.append(place)
    spread_s = float(scale.at_s[-1] - scale.at_s[0])
    decimals = 3 if spread_s >= 5.0 else 4
    axes.set_yticks(scale.y[written], [f"{scale.at_s[place]:.{decimals}f}" for place in written])


def _natural(name: str) -> tuple[object, ...]:
    """etcd-2 before etcd-10."""
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))

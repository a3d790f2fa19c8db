"""Safety checks: they watch a run and say what must never have happened. They import nothing of what they check.

A run that has `checks: [raft, linearizable]` makes one object of each and feeds them:

    checks = [CHECKS[name]() for name in ("raft", "linearizable")]
    for check in checks:
        check.observe(event)        # every event, in order of time; each check takes the kinds that it knows
    for check in checks:
        check.violations()          # at the end: a sentence each; empty if all was well

The events are the dataclasses of `sim.checks.events`:

    raft           MemberState after every step of a member; MemberRestarted at each start with what the disk holds
                   (for a group that is old at time 0: then too)
    linearizable   Operation, once it is answered or known never to be (at the end of the run: all that are under way)
    swim           MembershipState at every change of an observer's belief, and of its own incarnation;
                   ObserverRestarted
    fencing        GuardedWrite, at the protected resource
    views          Registration (at time 0 too), View
"""

from __future__ import annotations

from sim.checks.base import Check
from sim.checks.events import (
    UNKNOWN,
    Event,
    GuardedWrite,
    Lease,
    LogEntry,
    MemberRestarted,
    MembershipState,
    MemberState,
    ObserverRestarted,
    Operation,
    Registration,
    Unknown,
    View,
)
from sim.checks.linearizability import LinearizableCheck, Verdict, linearizable
from sim.checks.locks import FencingCheck
from sim.checks.raft import RaftCheck, RaftChecker
from sim.checks.swim import SwimCheck
from sim.checks.views import ViewsCheck

CHECKS: dict[str, type[Check]] = {
    check.name: check for check in (RaftCheck, LinearizableCheck, SwimCheck, FencingCheck, ViewsCheck)
}
"""By the name in a scenario's `checks:`."""

__all__ = [
    "CHECKS",
    "UNKNOWN",
    "Check",
    "Event",
    "FencingCheck",
    "GuardedWrite",
    "Lease",
    "LinearizableCheck",
    "LogEntry",
    "MemberRestarted",
    "MemberState",
    "MembershipState",
    "ObserverRestarted",
    "Operation",
    "RaftCheck",
    "RaftChecker",
    "Registration",
    "SwimCheck",
    "Unknown",
    "Verdict",
    "View",
    "ViewsCheck",
    "linearizable",
]

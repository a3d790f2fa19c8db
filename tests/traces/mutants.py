"""Planted mistakes in what moves messages, which a story must tell.

`NUMBA_DISABLE_JIT=1 python -m tests.traces.mutants` plants one after the other in the interpreted kernel and runs the
story that is named beside it; exit status 1 if one goes unnoticed.
"""

from __future__ import annotations

import signal
import sys

import numpy as np

from tests.reference.kernel_mutants import Mutant, planted
from tests.traces.test_stories import STORIES, happens

MUTANTS = {
    "SYNs are repeated without doubling": (
        Mutant("sim.kernel.packets", "patience", "rules.resend_first * doubled", "rules.resend_first"),
        "tcp-dial-to-a-dead-host",
    ),
    "RTO does not double": (
        Mutant("sim.kernel.streams", "time_out_packet", "min(2.0 * ", "min(1.0 * "),
        "partition-answers-late",
    ),
    "RTO leaves out its lower bound": (
        Mutant("sim.kernel.streams", "measure", "max(4.0 * ", "min(4.0 * "),
        "partition-answers-late",
    ),
    "messages of an ideal transport are repeated without doubling": (
        Mutant("sim.kernel.packets", "patience", "rules.resend_least * doubled", "rules.resend_least"),
        "partition-ideal",
    ),
    "datagrams are sent again": (
        Mutant("sim.kernel.packets", "vanish", "kind == UDP or ", ""),
        "partition-udp",
    ),
    "answers overtake each other": (
        Mutant(
            "sim.kernel.streams",
            "reach_stream",
            "        packet.here = 1\n",
            "        packet.here = 1\n        hand_over(S, p)\n",
        ),
        "tcp-a-lost-answer-holds-up-the-next",
    ),
    "a dead host answers": (
        Mutant("sim.kernel.packets", "is_dead", "S.node[place].down > 0", "False"),
        "crash-of-a-host",
    ),
    "a host that was away knows its connections": (
        Mutant("sim.kernel.streams", "is_server_gone", " or server.silent_deaths != connection.server_silent", ""),
        "crash-of-a-host-and-an-idle-connection",
    ),
    "a host that was away sends on": (
        Mutant("sim.kernel.packets", "has_forgotten", "silent_deaths != packet.deaths", "silent_deaths < 0"),
        "crash-of-a-host-loses-its-answer",
    ),
    "a dead process takes connections": (
        Mutant("sim.kernel.connections", "reach_handshake", "0 if server.down > 0 else 1", "1"),
        "tcp-dial-to-a-dead-process-is-refused",
    ),
    "cuts are both ways": (
        Mutant(
            "sim.kernel.packets",
            "is_hit",
            "    return (S.side",
            "    if S.side[slot, sender] & RECEIVES and S.side[slot, receiver] & SENDS:\n"
            "        return True\n    return (S.side",
        ),
        "partition-one-way",
    ),
    "a cut spares what is on its way": (
        Mutant("sim.kernel.packets", "comes_in", "S.impairments > 0 and", "False and"),
        "partition-cuts-what-is-on-its-way",
    ),
    "a link that goes down spares what is on it": (
        Mutant("sim.kernel.packets", "comes_in", "link.cuts != packet.cuts", "False"),
        "link-down",
    ),
    "lost segments are not lost": (
        Mutant("sim.kernel.packets", "lose", "packet.lost += 1", "packet.lost += 0"),
        "loss-on-a-link",
    ),
    "bandwidth is for nothing": (
        Mutant("sim.kernel.packets", "enter_link", "link.station == NONE", "True"),
        "link-first-come",
    ),
    "windows do not grow": (
        Mutant("sim.kernel.streams", "grow", "flow.window + acknowledged, ", "flow.window, "),
        "tcp-slow-start",
    ),
    "who waits for a connection that is reset waits on": (
        Mutant(
            "sim.kernel.connections",
            "let_go",
            "        cut_off(S, c)\n        dial_for_waiting(S, pool_row)\n",
            "        cut_off(S, c)\n",
        ),
        "crash-of-a-process-others-wait-for",
    ),
    "a timed-out request leaves its connection to others": (
        Mutant("sim.kernel.connections", "let_go", "outcome in (OK, ERROR, SHED) or", "True or"),
        "outage",
    ),
    "a client keeps the dials of its earlier life": (
        Mutant("sim.kernel.connections", "take_connection", "pool.client_deaths != deaths", "False"),
        "crash-of-a-client",
    ),
    "probes are not given up": (
        Mutant("sim.kernel.connections", "keep_alive", ">= rules.probes", "> 9 + rules.probes"),
        "tcp-keep-alive",
    ),
}
"""By what is wrong: the mistake, and the story that tells."""


LONGEST_S = 2
"""A story takes a tenth of a second; what runs on for ever is told too."""


def interrupt(*_: object) -> None:
    raise TimeoutError


def is_told(mutant: Mutant, story: str) -> bool:
    [path] = [path for path in STORIES if path.stem == story]
    signal.signal(signal.SIGALRM, interrupt)
    with planted(mutant), np.errstate(all="ignore"):
        signal.alarm(LONGEST_S)
        try:
            return not happens(path)
        except (AssertionError, IndexError, ValueError, TimeoutError):
            return True
        finally:
            signal.alarm(0)


def main() -> int:
    unnoticed = 0
    for name, (mutant, story) in MUTANTS.items():
        told = is_told(mutant, story)
        unnoticed += not told
        print(f"{name}: {story if told else 'unnoticed'}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Planted mistakes in the kernel's replicated log, each with the story that must tell.

`NUMBA_DISABLE_JIT=1 python -m tests.engine.log_mutants` plants one after the other in the interpreted kernel and prints
what told; exit status 1 if one goes unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from tests.engine import test_log as stories
from tests.engine.test_log_against_raft import CRASHES, by_kernel, by_raft, drawn
from tests.reference.kernel_mutants import Mutant, planted


def against_raft() -> None:
    history = drawn(3, 3, CRASHES["the leader, and followers in turn"], rate=20.0)
    expected, acts = by_raft(history)
    found, lost = by_kernel(history, acts)
    assert lost == 0
    assert found.keys() == expected.keys()
    assert max(abs(found[request] - expected[request]) for request in expected) < 1e-9


LOG, REPLICAS = "sim.kernel.log", "sim.kernel.replicas"
ONE_ENTRY = """put(replica.writing, replica.last)
    replica.writing.index = replica.stable.index + 1"""
MUTANTS: dict[str, tuple[Mutant, Callable[[], None]]] = {
    "followers acknowledge before their flush": (
        Mutant(LOG, "turn", "if replica.leading:", "if True:"),
        stories.test_a_write_takes_the_faster_of_two_followers,
    ),
    "a leader does not count itself": (
        Mutant(LOG, "end_flush", "put(S.peer[peer_of(S, r, r)].match, replica.stable)", "pass"),
        stories.test_a_quorum_is_the_middle_member,
    ),
    "half of the members are a quorum": (
        Mutant(REPLICAS, "has_quorum", "2 * having > group.voters", "2 * having + 1 >= group.voters"),
        stories.test_one_of_three_may_be_dead_and_not_two,
    ),
    "a new leader takes what it knows to be committed for all that is": (
        Mutant(REPLICAS, "open_round", "if replica.commit.index < replica.first_index:", "if False:"),
        stories.test_a_new_leader_commits_only_with_an_entry_of_its_own_term,
    ),
    "entries of an old leader are taken": (
        Mutant(LOG, "hear", "if note.term == replica.term:", "if True:"),
        stories.test_what_an_old_leader_appended_and_nobody_has_is_gone,
    ),
    "each write has a flush of its own": (
        Mutant(LOG, "begin_flush", "put(replica.writing, replica.last)", ONE_ENTRY),
        stories.test_what_comes_during_a_flush_is_flushed_together,
    ),
    "a leader flushes first, and sends then": (
        Mutant(LOG, "turn", "if replica.leading:", "if False:"),
        stories.test_a_write_takes_the_faster_of_two_followers,
    ),
    "what was not flushed survives": (
        Mutant(REPLICAS, "forget_all", "put(replica.last, replica.stable)", "put(replica.stable, replica.last)"),
        stories.test_what_was_not_flushed_dies,
    ),
    "reads trust a leader that nobody confirms": (
        Mutant(REPLICAS, "close_rounds", "if 2 * answered <= group.voters:", "if False:"),
        stories.test_reads_ask_a_quorum_and_touch_no_disk,
    ),
    "followers read without asking": (
        Mutant(LOG, "begin_round", "replica.reading = ASKED", "replica.reading = CONFIRMED"),
        stories.test_reads_ask_a_quorum_and_touch_no_disk,
    ),
    "a leader forgets what it sent to one that died": (
        Mutant(REPLICAS, "take_answer", "put(peer.next, peer.match)", "pass"),
        stories.test_what_was_not_flushed_dies,
    ),
    "a read under way survives a change of leader": (
        Mutant(REPLICAS, "set_leader", "if replica.reading == ASKED:", "if False:"),
        stories.test_reads_in_a_round_fail_when_another_leads,
    ),
    "a member that is behind is left behind": (
        Mutant(LOG, "hear_follower", "call_for(S, r, row)", "pass"),
        stories.test_a_member_that_is_back_catches_up,
    ),
    "entries are taken whatever stands before them": (
        Mutant(REPLICAS, "take_entries", "if not holds(S, replica.last, note.previous.epoch", "if False and (S.now"),
        stories.test_what_was_not_flushed_dies,
    ),
    "paused members answer": (
        Mutant(
            "sim.kernel.pauses",
            "waits",
            "if kind >= NOTE:",
            "if kind >= NOTE:\n        return False\n    if kind == 99:",
        ),
        stories.test_a_paused_follower_answers_when_it_goes_on,
    ),
}


def what_tells(mutant: Mutant, story: Callable[[], None]) -> str | None:
    with planted(mutant), np.errstate(all="ignore"):
        try:
            story()
        except (AssertionError, IndexError, RecursionError) as error:
            return f"{story.__name__}: {type(error).__name__}"
    return None


def main() -> int:
    unnoticed = 0
    for name, (mutant, story) in MUTANTS.items():
        told = what_tells(mutant, story)
        unnoticed += told is None
        print(f"{name}: {told or 'unnoticed'}", flush=True)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The log against an obvious one, a plain list; and a leader's picture of a follower."""

from __future__ import annotations

import numpy as np
import pytest

from sim.protocols.raft import Config, Configuration, Entry, Log, Raft, Snapshot, Stored
from sim.protocols.raft.messages import Append, Heartbeat, merged
from sim.protocols.raft.progress import Progress

VOTERS = Configuration(frozenset("abc"))


def log_of(*terms: int) -> Log:
    return Log(Stored(entries=[Entry(term, at) for at, term in enumerate(terms, start=1)]), VOTERS)


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_a_list(seed: int) -> None:
    """Random appends of leaders, commits and compactions; whatever is asked, the list says the same."""
    random = np.random.default_rng(seed)
    log, plain, committed = log_of(), [0], 0
    term = 1
    for _ in range(60):
        term += int(random.integers(0, 2))
        previous = int(random.integers(committed, len(plain)))
        new = [term] * int(random.integers(0, 4))
        log.append_after(previous, [Entry(term, previous + at) for at in range(1, len(new) + 1)])
        kept = plain[: previous + 1] + new
        plain = plain if plain[: len(kept)] == kept else kept
        if random.random() < 0.3:
            committed = max(committed, int(random.integers(committed, len(plain))))
            log.commit_to(committed)
            log.applied_index = committed
        if random.random() < 0.1 and committed > (log.snapshot.index if log.snapshot else 0):
            snapshot = Snapshot(committed, plain[committed], VOTERS)
            log.compact(snapshot, int(random.integers(0, 3)))
        assert (log.last_index, log.last_term, log.commit_index) == (len(plain) - 1, plain[-1], committed)
        for index in range(log.discarded_index, len(plain)):
            assert log.term_at(index) == plain[index]
        assert log.term_at(len(plain)) is None
        assert [entry.index for entry in log.entries] == list(range(log.first_index, len(plain)))


@pytest.mark.parametrize("index, term, expected", [(9, 9, (6, 3)), (6, 2, (5, 2)), (4, 1, (3, 1)), (2, 0, (0, 0))])
def test_where_two_logs_may_meet(index: int, term: int, expected: tuple[int, int]) -> None:
    assert log_of(1, 1, 1, 2, 2, 3).meeting_point(index, term) == expected


def test_what_is_committed_stays() -> None:
    log = log_of(1, 1, 1)
    log.commit_to(2)
    with pytest.raises(AssertionError, match=r"entry 2 is committed \(up to 2\): it stays"):
        log.replace_from(2, [Entry(2, 2)])


def test_before_what_is_here_a_snapshot_is_due() -> None:
    log = log_of(1, 2, 2, 2)
    log.commit_to(4)
    log.compact(Snapshot(3, 2, VOTERS), 0)
    index, _ = log.meeting_point(2, 1)
    assert log.term_at(index) is None


def test_a_probe_waits_for_an_answer_and_replication_streams() -> None:
    progress = Progress(next=5, inflight_max=2)
    progress.sent(6, 2)
    assert progress.must_wait
    assert progress.acknowledge(6)
    progress.become_replicate()
    progress.sent(7, 1)
    assert not progress.must_wait
    progress.sent(8, 1)
    assert progress.must_wait
    progress.acknowledge(7)
    assert (progress.must_wait, progress.match, progress.next) == (False, 7, 9)


@pytest.mark.parametrize("rejected, news", [(3, True), (4, False), (9, False)])
def test_only_the_refusal_of_the_probe_counts(rejected: int, news: bool) -> None:
    """Messages are reordered: an old refusal must not move the probe."""
    progress = Progress(next=4, inflight_max=2)
    assert progress.reject(rejected, 1) is news
    assert progress.next == (2 if news else 4)


def test_an_old_refusal_does_not_end_replication() -> None:
    progress = Progress(next=9, inflight_max=2, match=8, state="replicate")
    assert not progress.reject(7, 1)
    assert progress.reject(9, 1)
    assert (progress.state, progress.next) == ("probe", 9)


@pytest.mark.parametrize("count", [1, 7, 10, 33])
def test_ticks_one_by_one_or_at_once(count: int) -> None:
    """A host that sleeps and then lets many ticks pass sees the same as one that ticks."""
    seen = []
    for steps in ([count], [1] * count):
        one = Raft(Config("a", "abc", pre_vote=True), Stored(), lambda n: n // 2)
        messages = []
        for step in steps:
            one.tick(step)
            while (ready := one.ready()) is not None:
                messages += ready.messages_after_persist
                one.advance()
        seen.append((messages, one.ticks_until_due(), one.role, one.term))
    assert seen[0] == seen[1]


def test_appends_that_waited_leave_as_one() -> None:
    """Only those that continue each other, in one term; what else is sent stays, in order."""

    def append(receiver: str, previous: int, *entries: int, commit: int = 0, term: int = 2) -> Append:
        return Append("a", receiver, term, previous, 1, tuple(Entry(2, at) for at in entries), commit)

    sent = [
        append("b", 1, 2),
        append("c", 1, 2),
        Heartbeat("a", "b", 2, 1),
        append("b", 2, 3, 4),
        append("b", 4, commit=3),
    ]
    assert merged(sent) == [append("b", 1, 2, 3, 4, commit=3), append("c", 1, 2), Heartbeat("a", "b", 2, 1)]
    apart = [append("b", 1, 2), append("b", 1, 2, 3), append("b", 3, term=3)]
    assert merged(apart) == apart

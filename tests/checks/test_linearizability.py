"""The search against the obvious one on small histories, and by itself on long ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.checks import UNKNOWN, Lease, LinearizableCheck, Operation, linearizable
from sim.checks import linearizability as module
from sim.checks.models import Lock, Register, Tokens
from tests.checks.histories import locks, registers, slowly_linearizable

SMALL = 6
MODELS = {"register": Register(), "lock": Lock(), "tokens": Tokens()}


@st.composite
def small_histories(draw: st.DrawFn, kind: str) -> list[Operation]:
    """Up to three clients, each with one operation at a time; times are small integers, so that many fall together."""
    history = []
    for client in ("a", "b", "c"):
        now_s = draw(st.integers(0, 3))
        for number in range(draw(st.integers(0, SMALL // 2))):
            if len(history) == SMALL:
                break
            answer_s = now_s + draw(st.integers(0, 4))
            operation = draw(operations(kind, client, number, now_s))
            if draw(st.integers(0, 3)) == 0:
                history.append(replace(operation, output=UNKNOWN, returned_s=np.inf))
            else:
                history.append(replace(operation, returned_s=float(answer_s)))
            now_s = answer_s + draw(st.integers(0, 2))
    return history


@st.composite
def operations(draw: st.DrawFn, kind: str, client: str, number: int, now_s: int) -> Operation:
    values = st.integers(0, 2)
    if kind == "tokens":
        return Operation(client, "x", "next", None, draw(st.integers(1, 4)), float(now_s), float(now_s))
    if kind == "register":
        name = draw(st.sampled_from(("read", "write", "cas")))
        asked = {"read": None, "write": draw(values), "cas": (draw(values), draw(values))}[name]
        answer = {"read": draw(st.one_of(st.none(), values)), "write": None, "cas": draw(st.booleans())}[name]
        return Operation(client, "x", name, asked, answer, float(now_s), float(now_s))
    name = draw(st.sampled_from(("acquire", "acquire", "renew", "release")))
    lease = Lease(f"{client}{draw(st.integers(0, number))}", 3.0, float(now_s))
    answer = draw(st.one_of(st.none(), st.integers(1, 3))) if name == "acquire" else draw(st.booleans())
    return Operation(client, "x", name, lease, answer, float(now_s), float(now_s))


def compare(kind: str, examples: int, derandomize: bool) -> None:
    """Both answers occur, else the comparison shows nothing."""
    told: set[bool] = set()

    @settings(max_examples=examples, deadline=None, derandomize=derandomize, database=None)
    @given(small_histories(kind))
    def agree(history: list[Operation]) -> None:
        verdict = linearizable(history, MODELS[kind])
        assert verdict.linearizable == slowly_linearizable(history, MODELS[kind])
        told.add(bool(verdict.linearizable))

    agree()
    assert told == {True, False}


@pytest.mark.parametrize("kind", MODELS)
def test_it_says_what_the_obvious_search_says(kind: str) -> None:
    compare(kind, 300, derandomize=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_it_says_what_the_obvious_search_says_of_many(kind: str) -> None:
    """Other histories each time: a wrong reduction showed once in some thousands."""
    compare(kind, 5000, derandomize=False)


def operation(
    kind: str, asked: object, answer: object, called_s: float, returned_s: float, client: str = ""
) -> Operation:
    return Operation(client or f"c{called_s}", "x", kind, asked, answer, called_s, returned_s)


def test_the_failing_read_is_told_with_what_was_possible() -> None:
    history = [
        operation("write", 1, None, 0.0, 1.0, "ann"),
        operation("write", 2, None, 2.0, 3.0, "bob"),
        operation("write", 3, None, 3.5, 9.0, "eve"),
        operation("read", None, 1, 4.0, 5.0, "dan"),
        operation("read", None, 3, 10.0, 11.0, "dan"),
    ]
    verdict = linearizable(history)
    assert verdict.linearizable is False
    assert verdict.prefix == tuple(history[:4])
    assert verdict.sentence == (
        "register 'x' is not linearizable: read by dan → 1, called 4 s, answered 5 s. No order of the 4 operations up "
        "to then allows this answer; it could only be 2, 3; at the same time: write(3) by eve → None, called 3.5 s, "
        "answered 9 s"
    )


def test_a_stale_read_at_the_time_of_the_own_writes_answer() -> None:
    """A client that calls in the moment of an answer has seen it; another client may not have."""
    write = operation("write", 1, None, 0.0, 1.0, "ann")
    read = operation("read", None, None, 1.0, 2.0, "ann")
    assert linearizable([write, read]).linearizable is False
    assert linearizable([write, replace(read, client="bob")]).linearizable is True


def test_an_unanswered_write_may_take_effect_late_or_never_but_not_twice() -> None:
    lost = operation("write", 1, UNKNOWN, 0.0, np.inf)
    late = [operation("read", None, value, 10.0 + value, 10.5 + value) for value in (0, 1)]
    first = operation("write", 0, None, 1.0, 2.0)
    assert linearizable([lost, first, *late]).linearizable is True
    assert linearizable([lost, first, late[0]]).linearizable is True
    back = operation("write", 0, None, 12.0, 13.0)
    again = operation("read", None, 1, 14.0, 15.0)
    assert linearizable([lost, first, *late, back, again]).linearizable is False


def test_keys_are_independent() -> None:
    one = [operation("write", 1, None, 0.0, 1.0), operation("read", None, 1, 2.0, 3.0)]
    other = [replace(one[1], key="y", output=None)]
    assert linearizable([*one, *other]).linearizable is True


class TestLeases:
    """A lease of 5 s, granted by a call at 0 s."""

    lease = Lease("l1", 5.0, 0.0)
    grant = operation("acquire", lease, 1, 0.0, 0.5)

    def next_grant(self, called_s: float, token: int = 2) -> Operation:
        lease = Lease(f"l{called_s}", 5.0, called_s)
        return operation("acquire", lease, token, called_s, called_s + 0.25)

    def test_handed_on_too_early(self) -> None:
        verdict = linearizable([self.grant, self.next_grant(4.0)])
        assert verdict.linearizable is False
        assert "it could only be held by l1 with token 1" in verdict.sentence

    def test_handed_on_when_it_may_be_over(self) -> None:
        assert linearizable([self.grant, self.next_grant(4.9)]).linearizable is True  # answered after 5 s

    def test_a_renewal_counts_from_its_call(self) -> None:
        renewal = operation("renew", self.lease, True, 3.0, 4.5)
        assert linearizable([self.grant, renewal, self.next_grant(7.5)]).linearizable is False
        assert linearizable([self.grant, renewal, self.next_grant(8.0)]).linearizable is True

    def test_a_renewal_that_nobody_confirmed_promises_nothing(self) -> None:
        renewal = operation("renew", self.lease, UNKNOWN, 3.0, np.inf)
        assert linearizable([self.grant, renewal, self.next_grant(5.0)]).linearizable is True

    def test_it_may_be_handed_on_late(self) -> None:
        denied = operation("acquire", Lease("l9", 5.0, 50.0), None, 50.0, 51.0)
        assert linearizable([self.grant, denied, self.next_grant(60.0)]).linearizable is True

    def test_released_and_then_denied(self) -> None:
        release = operation("release", self.lease, True, 1.0, 2.0)
        denied = operation("acquire", Lease("l9", 5.0, 3.0), None, 3.0, 3.5)
        assert linearizable([self.grant, release, denied]).linearizable is False

    def test_a_token_that_is_not_larger(self) -> None:
        release = operation("release", self.lease, True, 1.0, 2.0)
        assert linearizable([self.grant, release, self.next_grant(3.0, token=1)]).linearizable is False

    def test_a_grant_that_was_not_heard_of_ends_too(self) -> None:
        lost = operation("acquire", Lease("l0", 5.0, 0.0), UNKNOWN, 0.0, np.inf)
        denied = operation("acquire", Lease("l9", 5.0, 1.0), None, 1.0, 1.5)
        assert linearizable([lost, denied, self.next_grant(6.0)]).linearizable is True
        assert linearizable([lost, denied, self.next_grant(2.0)]).linearizable is False


@pytest.mark.parametrize("unanswered", [0.0, 0.1])
def test_long_histories_of_a_correct_register(unanswered: float) -> None:
    history = registers(3, 2000, 12, unanswered)
    assert linearizable(history).linearizable is True


def test_one_stale_read_in_a_long_history() -> None:
    history = registers(4, 2000, 12, 0.05)
    reads = [n for n, o in enumerate(history) if o.kind == "read" and o.output is not UNKNOWN and o.output is not None]
    stale, old = reads[-300], history[reads[-400]].output
    history[stale] = replace(history[stale], output=old)
    verdict = linearizable(history)
    assert verdict.linearizable is False
    assert history[stale] in verdict.prefix and max(o.called_s for o in verdict.prefix) <= history[stale].returned_s


def test_long_histories_of_locks() -> None:
    assert linearizable(locks(1, 3000, 12, 0.1)).linearizable is True
    assert linearizable(locks(1, 3000, 12, 0.1, early_s=2.0)).linearizable is False


def test_a_search_that_is_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONFIGURATIONS_MAX", 100)
    verdict = linearizable(registers(3, 400, 8, 0.1))
    assert verdict.linearizable is None and "no order was found, nor all were tried" in verdict.sentence


def test_the_check_tells_each_key_that_fails() -> None:
    check = LinearizableCheck()
    for key in ("x", "y", "z"):
        check.observe(replace(operation("write", 1, None, 0.0, 1.0), key=key))
        check.observe(replace(operation("read", None, None if key != "z" else 1, 2.0, 3.0), key=key))
    assert [sentence[:12] for sentence in check.violations()] == ["register 'x'", "register 'y'"]

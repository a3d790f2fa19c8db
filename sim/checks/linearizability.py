"""Is there one order of a history's operations, true to real time, in which a single object would have answered so?

Herlihy & Wing 1990. The search is Wing & Gong's (1993), just in time and with memory of what was tried (Lowe 2017,
"Testing for linearizability", sections 3 and 4): the answers are taken in the order in which they came, and an
operation is put into the order only when an answer asks for it. Keys are searched one by one (Horn & Kroening 2015:
P-compositionality). Five reductions make it fast, none of which changes the verdict:
- an answered operation that only looks is put in order as soon as it fits: nothing can be lost by it;
- a blind write that is still to be answered may stand, unseen, just before any later blind write: it is not put there
  until its own answer comes, which then asks for nothing;
- of unanswered operations that do the same only the first is tried;
- an unanswered operation, or a blind write before its answer, is tried only if some other operation could tell that it
  was done; and a state that nobody will speak of any more is as good as any other such;
- what failed with some unanswered operations done fails with more of them done, for what is not done may still be.

An operation precedes another if it was answered before the other was called; at equal times, if one client got both
answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from sim.checks.base import SENTENCES_MAX, Check
from sim.checks.events import UNKNOWN, Event, Operation
from sim.checks.models import ILLEGAL, Illegal, Model, State, model_of

CONFIGURATIONS_MAX = 1_000_000
"""Of one key: after these the search gives up, undecided. Some ten seconds."""
TOLD_CONFIGURATIONS_MAX = 20_000
"""The same, to tell all that was possible."""
UNSPOKEN: Final = "another one"
"""Stands for every state that no operation speaks of any more."""
STATES_TOLD = 6
CONCURRENT_TOLD = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of a history."""

    linearizable: bool | None
    """None: not decided within the bound on the search."""
    sentence: str = ""
    """Why not."""
    prefix: tuple[Operation, ...] = ()
    """The shortest prefix of one key's history that fails: all that was called before the answer at its end."""


def linearizable(history: Sequence[Operation], model: Model | None = None) -> Verdict:
    """Hold a history against a model (default: each operation's kind names it), key by key. The first key that fails
    in the order of the failing answers is told; an undecided one only if none fails."""
    parts: dict[tuple[Hashable, Model], list[Operation]] = defaultdict(list)
    for operation in history:
        parts[operation.key, model or model_of(operation)].append(operation)
    verdicts = [_Search(of, operations).verdict() for (_, of), operations in parts.items()]
    failed = [verdict for verdict in verdicts if verdict.linearizable is False]
    if failed:
        return min(failed, key=lambda verdict: max(_answered_s(o) for o in verdict.prefix))
    return next((verdict for verdict in verdicts if verdict.linearizable is None), Verdict(True))


def _answered_s(operation: Operation) -> float:
    return operation.called_s if operation.output is UNKNOWN else operation.returned_s


@dataclass(frozen=True, slots=True)
class _Configuration:
    """Where a search stands before the next answer."""

    done: int
    """Bits of operations that are in the order, and whose answers are still to come."""
    hidden: int
    """Bits of blind writes that can be taken as done, just before the last blind write that is in the order."""
    guessed: int
    """Bits of unanswered operations that are in the order."""
    state: State


@dataclass(slots=True)
class _Turn:
    """One answer, and who may be put into the order before it."""

    operation: int
    pending: list[int]
    """Answered operations that have been called by then, and whose answer is this one or a later one."""
    guesses: int
    """How many of the unanswered operations have been called by then."""
    spoken: frozenset[State]
    """States that pending operations speak of."""


@dataclass(slots=True)
class _Seen:
    """Configurations, apart from those that another one dominates: the same with fewer guesses and more hidden."""

    known: dict[tuple[int, State], list[tuple[int, int]]] = field(default_factory=dict)

    def adds(self, c: _Configuration) -> bool:
        known = self.known.setdefault((c.done, c.state), [])
        if any(fewer & c.guessed == fewer and more & c.hidden == c.hidden for fewer, more in known):
            return False
        known.append((c.guessed, c.hidden))
        return True


class _Search:
    """The history of one key."""

    def __init__(self, model: Model, history: Sequence[Operation], tells_all: bool = False) -> None:
        """`tells_all`: to tell what was possible, nothing is left out because nobody would notice."""
        self.model = model
        self.history = history
        self.tells_all = tells_all
        operations = sorted(model.prepared(history), key=lambda o: o.called_s)
        self.answered = [o for o in operations if o.output is not UNKNOWN]
        self.unanswered = [o for o in operations if o.output is UNKNOWN]
        self.looks = [not model.may_change(o) for o in self.answered]
        self.blind = [model.is_blind(o) for o in self.answered]
        self.bits = _bits(self.answered)
        self.turns = _turns(model, self.answered, self.unanswered)
        self.turn_of = {turn.operation: number for number, turn in enumerate(self.turns)}
        self.before = _same_client_at_once(self.answered)
        self.twin = _earlier_twins(self.unanswered)
        self.spoken_until = self._spoken_until()
        self.guess_speaks = self._guess_speaks()
        self.configurations = 0
        self.deepest = -1
        self.states: set[State] = set()

    def verdict(self) -> Verdict:
        seen = [_Seen() for _ in range(len(self.turns) + 1)]
        stack = [self.ways(0, _Configuration(0, 0, 0, self.model.initial))] if self.turns else []
        while stack:
            c = next(stack[-1], None)
            if c is None:
                stack.pop()
            elif len(stack) == len(self.turns):
                return Verdict(True)
            elif seen[len(stack)].adds(c):
                stack.append(self.ways(len(stack), c))
            if self.configurations > (TOLD_CONFIGURATIONS_MAX if self.tells_all else CONFIGURATIONS_MAX):
                return Verdict(None, f"{self._name()}: no order was found, nor all were tried")
        return self._failure() if self.turns else Verdict(True)

    def ways(self, number: int, start: _Configuration) -> Iterator[_Configuration]:
        """All configurations behind the answer of a turn, those with the fewest operations put in order first."""
        if number > self.deepest:
            self.deepest, self.states = number, set()
        turn = self.turns[number]
        mine = self.bits[turn.operation]
        seen = _Seen()
        start = _Configuration(start.done, start.hidden, start.guessed, self.plain(number, start.state))
        frontier = [self.absorbed(number, start)]
        while frontier:
            reached: list[_Configuration] = []
            for c in frontier:
                self.configurations += 1
                if number == self.deepest:
                    self.states.add(c.state)
                if (c.done | c.hidden) & mine:
                    yield _Configuration(c.done & ~mine, c.hidden & ~mine, c.guessed, c.state)
                if not c.done & mine:
                    reached += [way for way in self.steps(number, c) if seen.adds(way)]
            frontier = reached

    def steps(self, number: int, c: _Configuration) -> Iterator[_Configuration]:
        """One more operation that changes the state is put in order."""
        turn = self.turns[number]
        anything = self.tells_all or self.spoken_until is None or self.stuck(turn, c)
        for index in turn.pending:
            if self.looks[index] or c.done & self.bits[index] or self.waits(number, index, c.done):
                continue
            state = self.model.step(c.state, self.answered[index])
            if isinstance(state, Illegal):
                continue
            if anything or index == turn.operation or not self.blind[index] or self.is_told_apart(turn, state):
                done = c.done | self.bits[index]
                hidden = self.hidden(number, c.done, index) if self.blind[index] else c.hidden & ~done
                yield self.absorbed(number, _Configuration(done, hidden, c.guessed, self.plain(number, state)))
        yield from self.guesses(number, c, anything)

    def hidden(self, number: int, done: int, visible: int | None) -> int:
        """Blind writes that are called and not in the order, when another one (if answered: `visible`) is put there."""
        hidden = 0
        for index in self.turns[number].pending:
            free = self.blind[index] and index != visible and not done & self.bits[index]
            if free and not self.waits(number, index, done | hidden):
                hidden |= self.bits[index]
        return hidden

    def is_told_apart(self, turn: _Turn, state: State) -> bool:
        """Does an operation that has been called speak of it?"""
        return state in turn.spoken or self.guess_speaks.get(state, turn.guesses) < turn.guesses

    def guesses(self, number: int, c: _Configuration, anything: bool) -> Iterator[_Configuration]:
        """An unanswered operation is put in order, if that can make a difference."""
        turn = self.turns[number]
        for index in range(turn.guesses):
            twin = self.twin[index]
            if c.guessed >> index & 1 or (twin is not None and not c.guessed >> twin & 1):
                continue
            state = self.model.step(c.state, self.unanswered[index])
            if isinstance(state, Illegal) or state == c.state:
                continue
            if anything or self.is_told_apart(turn, state):
                is_blind = self.model.is_blind(self.unanswered[index])
                hidden = self.hidden(number, c.done, None) if is_blind else c.hidden
                guessed = c.guessed | 1 << index
                yield self.absorbed(number, _Configuration(c.done, hidden, guessed, self.plain(number, state)))

    def stuck(self, turn: _Turn, c: _Configuration) -> bool:
        """Does a pending operation wait for any state but this one?"""
        if c.state not in turn.spoken:
            return False
        waiting = (self.answered[index] for index in turn.pending if not c.done & self.bits[index])
        return any(
            c.state in (self.model.speaks_of(o) or ()) and self.model.step(c.state, o) is ILLEGAL for o in waiting
        )

    def plain(self, number: int, state: State) -> State:
        """The state, or UNSPOKEN if no operation answered from here on tells it from others."""
        if self.tells_all or self.spoken_until is None or self.spoken_until.get(state, -1) >= number:
            return state
        return UNSPOKEN

    def _spoken_until(self) -> dict[State, int] | None:
        """State → the last turn at which an operation speaks of it; None if the model tells all states apart."""
        until: dict[State, int] = {}
        for operation, turn in [
            *((o, self.turn_of[index]) for index, o in enumerate(self.answered)),
            *((o, len(self.turns)) for o in self.unanswered),
        ]:
            spoken = self.model.speaks_of(operation)
            if spoken is None:
                return None
            for state in spoken:
                until[state] = max(until.get(state, -1), turn)
        return until

    def _guess_speaks(self) -> dict[State, int]:
        """State → the first of the unanswered operations that speaks of it."""
        first: dict[State, int] = {}
        for index, operation in enumerate(self.unanswered):
            for state in self.model.speaks_of(operation) or ():
                first.setdefault(state, index)
        return first

    def absorbed(self, number: int, c: _Configuration) -> _Configuration:
        """With all answered operations in order that only look, and fit."""
        done = c.done
        for index in self.turns[number].pending:
            if not self.looks[index] or done & self.bits[index] or self.waits(number, index, done):
                continue
            if self.model.step(c.state, self.answered[index]) is not ILLEGAL:
                done |= self.bits[index]
        return c if done == c.done else _Configuration(done, c.hidden, c.guessed, c.state)

    def waits(self, number: int, index: int, done: int) -> bool:
        """Must another operation of the same client, answered when this one was called, come first?"""
        before = self.before.get(index)
        return before is not None and self.turn_of[before] >= number and not done & self.bits[before]

    # Words ----------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return f"{type(self.model).__name__.lower()} {(self.answered or self.unanswered)[0].key!r}"

    def _failure(self) -> Verdict:
        turn = self.turns[self.deepest]
        wrong = self.answered[turn.operation]
        prefix = sorted((o for o in self.history if o.called_s <= wrong.returned_s), key=lambda o: o.called_s)
        if not self.tells_all:
            again = _Search(self.model, prefix, tells_all=True).verdict()
            if again.linearizable is False:
                return again
        states = sorted(self.model.told(state) for state in self.states)
        among = f"{', '.join(states[:STATES_TOLD])}{' …' if len(states) > STATES_TOLD else ''}"
        beside = [o for o in prefix if o is not wrong and o.returned_s >= wrong.called_s and o.output is not UNKNOWN]
        others = f"; at the same time: {'; '.join(str(o) for o in beside[-CONCURRENT_TOLD:])}" if beside else ""
        return Verdict(
            False,
            f"{self._name()} is not linearizable: {wrong}. No order of the {len(prefix)} operations up to then allows "
            f"this answer; it could only be {among}{others}",
            tuple(prefix),
        )


def _turns(model: Model, answered: list[Operation], unanswered: list[Operation]) -> list[_Turn]:
    turns: list[_Turn] = []
    by_answer = sorted(range(len(answered)), key=lambda index: (answered[index].returned_s, index))
    pending: list[int] = []
    called = guesses = 0
    for index in by_answer:
        now = answered[index].returned_s
        while called < len(answered) and answered[called].called_s <= now:
            pending.append(called)
            called += 1
        while guesses < len(unanswered) and unanswered[guesses].called_s <= now:
            guesses += 1
        spoken = frozenset(state for other in pending for state in model.speaks_of(answered[other]) or ())
        turns.append(_Turn(index, list(pending), guesses, spoken))
        pending.remove(index)
    return turns


def _bits(answered: list[Operation]) -> list[int]:
    """A bit for each operation; those that are never pending together may share one, so that masks stay small."""
    bits = [0] * len(answered)
    ends: list[float] = []
    for index, operation in enumerate(answered):
        free = next((slot for slot, end in enumerate(ends) if end < operation.called_s), len(ends))
        ends[free : free + 1] = [operation.returned_s]
        bits[index] = 1 << free
    return bits


def _same_client_at_once(answered: list[Operation]) -> dict[int, int]:
    """Operation → the one of the same client that was answered at the very time of its call."""
    last: dict[str, int] = {}
    before: dict[int, int] = {}
    for index, operation in enumerate(answered):
        earlier = last.get(operation.client)
        if earlier is not None and answered[earlier].returned_s == operation.called_s:
            before[index] = earlier
        last[operation.client] = index
    return before


def _earlier_twins(unanswered: list[Operation]) -> list[int | None]:
    """For each unanswered operation the last one before it that does the same."""
    last: dict[Hashable, int] = {}
    twins: list[int | None] = []
    for index, operation in enumerate(unanswered):
        what = operation.kind, operation.input
        twins.append(last.get(what))
        last[what] = index
    return twins


class LinearizableCheck(Check):
    """All operations on registers, locks and token counters. Keeps the history: its memory grows with it."""

    name: ClassVar[str] = "linearizable"

    def __init__(self) -> None:
        self.history: list[Operation] = []

    def observe(self, event: Event) -> None:
        """Takes `Operation`, when it is answered or known never to be."""
        if isinstance(event, Operation):
            self.history.append(event)

    def violations(self) -> list[str]:
        """One sentence for each key that fails or is undecided."""
        keys: dict[Hashable, list[Operation]] = defaultdict(list)
        for operation in self.history:
            keys[operation.key].append(operation)
        verdicts = [linearizable(operations) for operations in keys.values()]
        return [verdict.sentence for verdict in verdicts if not verdict.linearizable][:SENTENCES_MAX]

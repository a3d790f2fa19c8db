"""What a key does when its operations happen one at a time: the sequential objects that histories are held against."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import ClassVar, Final

from sim.checks.events import UNKNOWN, Lease, Operation


class Illegal:
    """Instead of a state: the operation cannot have this output here."""


ILLEGAL: Final = Illegal()
State = Hashable


class Model(ABC):
    """A deterministic object. States are hashable and compared by value."""

    kinds: ClassVar[frozenset[str]]
    initial: ClassVar[State]

    @abstractmethod
    def step(self, state: State, operation: Operation) -> State | Illegal:
        """The state after the operation, or ILLEGAL if it cannot answer so here. Output UNKNOWN: what it does."""

    def prepared(self, history: Sequence[Operation]) -> list[Operation]:
        """The history of one key with what happens unasked, and without what says nothing."""
        return [operation for operation in history if operation.output is not UNKNOWN or self.may_change(operation)]

    def may_change(self, operation: Operation) -> bool:
        """Is there a state that the operation, with its output, changes? If not, it only looks."""
        return True

    def is_blind(self, operation: Operation) -> bool:
        """Is the state after it the same whatever it was before?"""
        return False

    def speaks_of(self, operation: Operation) -> Collection[State] | None:
        """The states that the operation tells from others: to it the rest is all one. None: any two may differ. Given
        only where what a change leads to does not depend on the state before, but for these."""
        return None

    def told(self, state: State) -> str:
        """A state in words."""
        return repr(state)


class Register(Model):
    """read, write and compare-and-swap of one value, None at first."""

    kinds: ClassVar[frozenset[str]] = frozenset({"read", "write", "cas"})
    initial: ClassVar[State] = None

    def step(self, state: State, operation: Operation) -> State | Illegal:
        output = operation.output
        if operation.kind == "write":
            value: State = operation.input
            return value
        if operation.kind == "read":
            return state if output is UNKNOWN or output == state else ILLEGAL
        expected, new = operation.input
        swaps = bool(state == expected)
        if output is not UNKNOWN and output != swaps:
            return ILLEGAL
        return new if swaps else state

    def may_change(self, operation: Operation) -> bool:
        return operation.kind == "write" or (operation.kind == "cas" and operation.output is not False)

    def is_blind(self, operation: Operation) -> bool:
        return operation.kind == "write"

    def speaks_of(self, operation: Operation) -> Collection[State] | None:
        if operation.kind == "read":
            return () if operation.output is UNKNOWN else (operation.output,)
        return (operation.input[0],) if operation.kind == "cas" else ()


class Lock(Model):
    """A lock that is held with leases, as etcd's and Consul's are; a grant gives a fencing token, ever larger.

    Nobody calls the end of a lease, so it is added to the history as an operation `expire` that is never answered: it
    may happen at any time from the end of the lease on, or not at all. The end is reckoned from the *call* of the
    grant, or of the last renewal that was answered well, plus the lease's time: the server cannot have counted from
    earlier. So a lock that is handed on too early is not linearizable, and one that is handed on late (a new leader
    extends leases) is; that it is handed on at last is for others to check. Of a holder's belief that it still holds
    the lock it says nothing: that is what fencing is for.
    """

    kinds: ClassVar[frozenset[str]] = frozenset({"acquire", "renew", "release", "expire"})
    initial: ClassVar[State] = (None, 0)
    """(name of the lease that holds it, highest token known)."""

    def step(self, state: State, operation: Operation) -> State | Illegal:
        assert isinstance(state, tuple)
        holder, token = state
        output, lease = operation.output, operation.input.name
        if operation.kind == "acquire":
            if output is UNKNOWN:
                return (lease, token) if holder is None else state
            if output is None:
                return state if holder is not None else ILLEGAL
            fits = output > token if holder is None else holder == lease and output >= token  # asked again: it has it
            return (lease, output) if fits else ILLEGAL
        held = holder == lease
        if output is not UNKNOWN and output != held:
            return ILLEGAL
        return (None, token) if held and operation.kind != "renew" else state

    def may_change(self, operation: Operation) -> bool:
        return operation.kind != "renew" and operation.output not in (None, False)

    def prepared(self, history: Sequence[Operation]) -> list[Operation]:
        return [*super().prepared(history), *ends_of_leases(history)]

    def told(self, state: State) -> str:
        assert isinstance(state, tuple)
        return "free" if state[0] is None else f"held by {state[0]} with token {state[1]}"


def ends_of_leases(history: Iterable[Operation]) -> list[Operation]:
    """An `expire` for each lease that got the lock, or may have got it, from the earliest time at which it can be."""
    ends: dict[str, float] = {}
    granted: dict[str, Operation] = {}
    for operation in history:
        lease: Lease = operation.input
        renewed = operation.kind == "renew" and operation.output is True
        since = operation.called_s if renewed else lease.since_s
        ends[lease.name] = max(ends.get(lease.name, 0.0), since + lease.ttl_s)
        if operation.kind == "acquire" and operation.output is not None:
            granted.setdefault(lease.name, operation)
    return [Operation(o.client, o.key, "expire", o.input, UNKNOWN, ends[name]) for name, o in granted.items()]


class Tokens(Model):
    """A counter that hands out fencing tokens: each larger than those before, gaps allowed."""

    kinds: ClassVar[frozenset[str]] = frozenset({"next"})
    initial: ClassVar[State] = 0

    def step(self, state: State, operation: Operation) -> State | Illegal:
        assert isinstance(state, int)
        if operation.output is UNKNOWN:
            return state
        token: int = operation.output
        return token if token > state else ILLEGAL

    def may_change(self, operation: Operation) -> bool:
        return operation.output is not UNKNOWN


MODELS: tuple[Model, ...] = (Register(), Lock(), Tokens())


def model_of(operation: Operation) -> Model:
    """The object that has operations of this kind."""
    for model in MODELS:
        if operation.kind in model.kinds:
            return model
    raise AssertionError(f"no object has an operation {operation.kind}")

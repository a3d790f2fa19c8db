"""A world for Raft members: hosts with clocks and disks, and a network that loses, doubles, delays and cuts.

Time is in ticks of a perfect clock. Everything random comes from one generator: a seed replays a world exactly.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sim.checks import MemberRestarted, RaftCheck
from sim.checks.events import MemberState
from sim.protocols.raft import Config, Entry, HardState, Raft, Ready, Snapshot, Stored

GROUP = "group"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Command:
    """What a client wants to be applied, once: a retry is the same command."""

    client: str
    number: int
    kind: str
    key: str
    input: Any


@dataclass
class Registers:
    """The state machine: values by key, and each client's last command with its answer (section 8: exactly once)."""

    values: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    remembers: bool = True

    def apply(self, command: Command) -> None:
        number, _ = self.answers.get(command.client, (-1, None))
        if self.remembers and command.number <= number:
            return
        answer = None
        if command.kind == "write":
            self.values[command.key] = command.input
        else:
            expected, new = command.input
            answer = self.values.get(command.key) == expected
            if answer:
                self.values[command.key] = new
        self.answers[command.client] = command.number, answer

    def copy(self) -> Registers:
        return Registers(dict(self.values), dict(self.answers), self.remembers)


@dataclass(frozen=True)
class Settings:
    """A world's dials; times in ticks."""

    delay: float
    """Mean of a message's time on the way, exponential."""
    late: float
    """Share of messages that take up to thirty times as long."""
    loss: float
    twice: float
    """Share of messages that arrive twice."""
    write: float
    """Mean time of a write to a disk, exponential."""
    snapshot_every: int
    """Entries applied after which a member takes a snapshot; 0: never."""
    keeps: int
    """Entries that stay behind a snapshot."""


class World:
    """Events in order of time, and who hears whom."""

    def __init__(self, seed: int, settings: Settings, check: RaftCheck) -> None:
        self.random = random.Random(seed)
        self.settings = settings
        self.check = check
        self.now = 0.0
        self.cut: dict[tuple[str, str], int] = {}
        self.places: dict[str, Callable[[str, Any], None]] = {}
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def after(self, delay: float, act: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + delay, self._count, act, arguments))

    def run(self, until: float) -> None:
        """Until then, or until a member has done what none may."""
        while self._events and self._events[0][0] <= until and not self.check.violations():
            self.now, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)
        self.now = until

    def send(self, sender: str, receiver: str, message: Any) -> None:
        """It may never arrive, or twice, or after what is sent later."""
        settings, chance = self.settings, self.random.random
        for _ in range(2 if chance() < settings.twice else 1):
            if chance() >= settings.loss and (sender, receiver) not in self.cut:
                delay = self.random.expovariate(1.0) * settings.delay
                if chance() < settings.late:
                    delay += chance() * 30.0 * settings.delay
                self.after(delay, self._arrive, sender, receiver, message)

    def _arrive(self, sender: str, receiver: str, message: Any) -> None:
        if (sender, receiver) not in self.cut:
            self.places[receiver](sender, message)

    def partition(self, pairs: Iterable[tuple[str, str]], duration: float) -> None:
        """From the first of each pair nothing comes to the second; partitions add up."""
        pairs = list(pairs)
        for pair in pairs:
            self.cut[pair] = self.cut.get(pair, 0) + 1
        self.after(duration, self._heal, pairs)

    def _heal(self, pairs: list[tuple[str, str]]) -> None:
        for pair in pairs:
            if self.cut.get(pair, 0) <= 1:
                self.cut.pop(pair, None)
            else:
                self.cut[pair] -= 1


class Host:
    """A member's machine, disk, clock and state machine. It may die, begin again, stand still and write slowly."""

    def __init__(self, world: World, config: Config, rate: float, machine: type[Raft], remembers: bool) -> None:
        self.world, self.config, self.rate, self.machine_type = world, config, rate, machine
        self.name = config.id
        self.disk = Stored()
        self.remembers = remembers
        self.starts = 0
        self.stands_until = 0.0
        self.slowness = 1.0
        self.machine: Raft | None = None
        self.waiting: dict[tuple[str, int], None] = {}
        self.reads: dict[Any, tuple[str, int, str]] = {}
        self.ripe: list[tuple[int, tuple[str, int, str]]] = []
        self.durable = HardState()
        self.durable_index = 0
        world.places[self.name] = self.receive
        self.start()

    # Life and death --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with what the disk holds."""
        self.starts += 1
        self.machine = self.machine_type(self.config, self.disk, self.world.random.randrange)
        self.began, self.ticked, self.wakes_at = self.world.now, 0, float("inf")
        self.writing: Ready | None = None
        self.waiting, self.reads, self.ripe = {}, {}, []
        snapshot = self.disk.snapshot
        self.state = snapshot.data.copy() if snapshot else Registers(remembers=self.remembers)
        self.applied = snapshot.index if snapshot else 0
        log = self.machine.log
        self.seen: dict[int, Entry] = {entry.index: entry for entry in log.entries}
        self.seen_last = log.last_index
        self.seen_snapshot = log.snapshot
        self.world.check.observe(
            MemberRestarted(
                self.world.now,
                GROUP,
                self.name,
                self.machine.term,
                self.machine.commit_index,
                tuple(entry for entry in log.entries if entry.index > self.applied),
                (snapshot.index, snapshot.term) if snapshot else None,
                self.durable.term,
                self.durable_index,
            )
        )
        self.work()

    def crash(self) -> None:
        """All but the disk is lost; of a write under way nothing, a part or all is on it."""
        if self.machine is None:
            return
        self.machine = None
        ready, self.writing = self.writing, None
        torn = self.world.random.random()
        if ready is None or torn < 0.6:
            return
        if ready.snapshot is None and torn < 0.8:
            kept = ready.entries[: self.world.random.randrange(len(ready.entries) + 1)]
            ready = Ready(hard_state=ready.hard_state, entries=kept)
        self.disk.save(ready)
        self.durable_index = min(self.durable_index, self.disk.discarded_index + len(self.disk.entries))

    def pause(self, duration: float) -> None:
        self.stands_until = max(self.stands_until, self.world.now + duration)

    # The machine -----------------------------------------------------------------------------------------------------

    def receive(self, sender: str, message: Any) -> None:
        if self.world.now < self.stands_until:
            self.world.after(self.stands_until - self.world.now, self.receive, sender, message)
        elif self.machine is not None:
            self.catch_up()
            if isinstance(message, tuple):
                self.asked(sender, *message)
            else:
                self.machine.step(message)
            self.work()

    def catch_up(self) -> None:
        assert self.machine is not None
        passed = int((self.world.now - self.began) * self.rate + ROUNDING) - self.ticked
        if passed > 0:
            self.ticked += passed
            self.machine.tick(passed)
            self.show()

    def wake(self, start: int) -> None:
        if start != self.starts or self.machine is None:
            return
        if self.world.now < self.stands_until:
            self.world.after(self.stands_until - self.world.now, self.wake, start)
            return
        self.wakes_at = float("inf")
        self.catch_up()
        self.work()

    def work(self) -> None:
        """Do what is ready, until something has to be written; then wait for the disk."""
        machine = self.machine
        assert machine is not None
        self.show()
        while self.writing is None and (ready := machine.ready()) is not None:
            self.send(ready.messages)
            if ready.must_persist:
                self.writing = ready
                delay = self.world.random.expovariate(1.0) * self.world.settings.write * self.slowness
                self.world.after(delay, self.written, self.starts)
                if ready.snapshot is None:
                    self.apply(ready)
            else:
                self.apply(ready)
                self.done(ready)
        due = self.began + (self.ticked + machine.ticks_until_due()) / self.rate
        if due < self.wakes_at:
            self.wakes_at = due
            self.world.after(max(due - self.world.now, 0.0), self.wake, self.starts)

    def written(self, start: int) -> None:
        if start != self.starts or self.writing is None:
            return
        if self.world.now < self.stands_until:
            self.world.after(self.stands_until - self.world.now, self.written, start)
            return
        ready, self.writing = self.writing, None
        self.disk.save(ready)
        self.durable = self.disk.hard_state
        self.durable_index = self.disk.discarded_index + len(self.disk.entries)
        self.catch_up()
        if ready.snapshot is not None:
            self.state = ready.snapshot.data.copy()
            self.applied = ready.snapshot.index
            self.apply(ready)
        self.done(ready)
        self.work()

    def done(self, ready: Ready) -> None:
        assert self.machine is not None
        self.send(ready.messages_after_persist)
        self.machine.advance()
        self.show()
        self.take_snapshot()

    def send(self, messages: Iterable[Any]) -> None:
        for message in messages:
            self.world.send(self.name, message.receiver, message)

    def apply(self, ready: Ready) -> None:
        for entry in ready.committed:
            if isinstance(entry.data, Command):
                self.state.apply(entry.data)
                if self.waiting.pop((entry.data.client, entry.data.number), 0) is None:
                    self.answer(entry.data.client, entry.data.number)
            self.applied = entry.index
        if ready.committed:
            self.show(ready.committed)
        for read in ready.read_states:
            if read.context in self.reads:
                self.ripe.append((read.index, self.reads.pop(read.context)))
        for index, (client, number, key) in [ripe for ripe in self.ripe if ripe[0] <= self.applied]:
            self.ripe.remove((index, (client, number, key)))
            self.world.send(self.name, client, (number, self.state.values.get(key)))

    def take_snapshot(self) -> None:
        every, log = self.world.settings.snapshot_every, self.machine.log if self.machine else None
        begun = log.snapshot.index if log and log.snapshot else 0
        on_disk = self.disk.discarded_index + len(self.disk.entries)
        if log and every and self.writing is None and begun + every <= self.applied <= min(on_disk, log.handed_index):
            snapshot = self.machine.compact(self.applied, self.state.copy(), self.world.settings.keeps)
            self.disk.compact(snapshot, self.world.settings.keeps)
            self.seen_snapshot = snapshot

    # Clients ---------------------------------------------------------------------------------------------------------

    def asked(self, client: str, number: int, kind: str, key: str, given: Any) -> None:
        """A wish of a client. It is told at once if nothing will come of it."""
        machine = self.machine
        assert machine is not None
        if kind == "read":
            context = self.name, self.starts, client, number, self.world.now
            self.reads[context] = client, number, key
            taken = machine.read_index(context)
        elif self.state.answers.get(client, (-1, None))[0] == number and self.remembers:
            self.answer(client, number)
            return
        else:
            self.waiting[client, number] = None
            taken = machine.propose(Command(client, number, kind, key, given))
        if not taken:
            self.world.send(self.name, client, (number, "no"))

    def answer(self, client: str, number: int) -> None:
        last, answer = self.state.answers[client]
        if last == number:
            self.world.send(self.name, client, (number, answer))

    # What is seen ----------------------------------------------------------------------------------------------------

    def show(self, applied: tuple[Entry, ...] = ()) -> None:
        """Tell the checker what is new."""
        machine = self.machine
        assert machine is not None
        log = machine.log
        installed: Snapshot | None = None
        if machine.pending_snapshot is not None and machine.pending_snapshot is not self.seen_snapshot:
            installed = self.seen_snapshot = machine.pending_snapshot
            self.seen, self.seen_last = {}, installed.index
        same = min(self.seen_last, log.last_index)
        while same > log.discarded_index and self.seen.get(same) is not log.entries[same - log.first_index]:
            same -= 1
        news = log.entries[same - log.discarded_index :]
        self.seen.update((entry.index, entry) for entry in news)
        self.seen_last = log.last_index
        state = MemberState(
            self.world.now,
            GROUP,
            self.name,
            machine.role,
            machine.term,
            machine.commit_index,
            news,
            (installed.index, installed.term) if installed else None,
            applied,
        )
        self.world.check.observe(state)

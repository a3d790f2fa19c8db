"""Random groups of Raft members under random faults, with the checkers on. One seed draws every dial, and replays it.

python -m tests.swarm.raft --seed 7 [--broken VotesTwice]
python -m tests.swarm.raft --seed 0 --seeds 2000
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sim.checks import UNKNOWN, LinearizableCheck, RaftCheck
from sim.protocols.raft import Change, Config
from tests.swarm.raft_broken import BROKEN, Broken
from tests.swarm.raft_clients import Client
from tests.swarm.raft_world import Host, Settings, World

PARTITIONS = ("partition", "isolation", "one_way", "partial")
FAULTS = (
    *PARTITIONS,
    "crash",
    "leader_crash",
    "crash_of_all",
    "ambush",
    "churn",
    "pause",
    "slow_disk",
    "slow_disks",
    "transfer",
    "change",
    "change",
)
"""Methods of `Run`, each as often as it stands here."""
ELECTION_TICKS = 10
CALM_TICKS = 150.0
"""At the end without new faults; within them a group that can make progress does."""
ELECTIONS_MIN, COMMITS_MIN, PARTITIONS_MIN = 2, 20, 1
"""What a seed must have reached to count."""
SHOWN = 5


@dataclass(frozen=True)
class Knobs:
    """All dials of one run; times in ticks of a perfect clock."""

    seed: int
    members: int
    spares: int
    """Hosts that are no members at first."""
    clients: int
    heartbeat_ticks: int
    pre_vote: bool
    check_quorum: bool
    lease_reads: bool
    """Only where clocks are `drift` apart at most."""
    drift: float
    """Clocks run up to so much too fast or too slow."""
    delay: float
    late: float
    loss: float
    twice: float
    write: float
    snapshot_every: int
    keeps: int
    append_entries_max: int
    inflight_max: int
    calm: float
    """Mean time between two faults."""
    faults: tuple[str, ...]
    """Which may strike: each seed leaves some out, so that others come often enough to meet."""
    duration: float

    @classmethod
    def of(cls, seed: int) -> Knobs:
        dice = random.Random(f"knobs {seed}")
        choose = dice.choice
        check_quorum = choose((False, True, True))
        lease_reads = check_quorum and choose((False, True))
        return cls(
            seed,
            members=choose((3, 3, 3, 5, 5, 7)),
            spares=choose((0, 0, 1, 2)),
            clients=choose((2, 3, 5)),
            heartbeat_ticks=choose((1, 2, 3)),
            pre_vote=choose((False, True)),
            check_quorum=check_quorum,
            lease_reads=lease_reads,
            drift=0.01 if lease_reads else choose((0.0, 0.01, 0.5)),
            delay=choose((0.05, 0.3, 0.3, 1.0)),
            late=choose((0.0, 0.02, 0.1)),
            loss=choose((0.0, 0.01, 0.05, 0.2)),
            twice=choose((0.0, 0.0, 0.05)),
            write=choose((0.02, 0.2, 1.0)),
            snapshot_every=choose((0, 8, 30)),
            keeps=choose((0, 3)),
            append_entries_max=choose((1, 4, 64)),
            inflight_max=choose((1, 4, 64)),
            calm=choose((8.0, 15.0, 30.0)),
            faults=(choose(PARTITIONS), *dice.sample(FAULTS, choose((3, 6, len(FAULTS))))),
            duration=400.0,
        )

    def settings(self) -> Settings:
        return Settings(self.delay, self.late, self.loss, self.twice, self.write, self.snapshot_every, self.keeps)


@dataclass
class Outcome:
    knobs: Knobs
    violations: list[str]
    elections: int = 0
    commits: int = 0
    partitions: int = 0
    operations: int = 0
    is_stuck: bool = False
    """Nobody was answered in the calm at the end."""
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> bool:
        return self.elections >= ELECTIONS_MIN and self.commits >= COMMITS_MIN and self.partitions >= PARTITIONS_MIN


class Run:
    """One world with its hosts, clients and faults."""

    def __init__(self, knobs: Knobs, broken: Broken) -> None:
        self.knobs = knobs
        self.raft, self.history = RaftCheck(), LinearizableCheck()
        self.world = World(knobs.seed, knobs.settings(), self.raft)
        self.faults: Counter[str] = Counter()
        names = [f"m{number}" for number in range(1, knobs.members + knobs.spares + 1)]
        self.hosts = {name: self.host(name, names[: knobs.members], broken) for name in names}
        self.names = names
        client_names = [f"c{number}" for number in range(1, knobs.clients + 1)]
        patience = 5.0 + 10.0 * knobs.delay + 4.0 * knobs.write
        self.clients = [Client(self.world, name, names, patience, self.history) for name in client_names]

    def host(self, name: str, members: list[str], broken: Broken) -> Host:
        knobs = self.knobs
        config = Config(
            name,
            members,
            election_ticks=ELECTION_TICKS,
            heartbeat_ticks=knobs.heartbeat_ticks,
            pre_vote=knobs.pre_vote,
            check_quorum=knobs.check_quorum,
            lease_reads=knobs.lease_reads,
            append_entries_max=knobs.append_entries_max,
            inflight_max=knobs.inflight_max,
        )
        rate = 1.0 + self.world.random.uniform(-knobs.drift, knobs.drift)
        return Host(self.world, config, rate, broken.machine, broken.remembers)

    def go(self) -> Outcome:
        knobs, world = self.knobs, self.world
        world.after(world.random.expovariate(1.0 / knobs.calm), self.fault)
        world.run(knobs.duration)
        self.calm_down()
        answered = sum(client.answered for client in self.clients)
        world.run(knobs.duration + CALM_TICKS)
        for client in self.clients:
            if client.is_waiting:
                client.tell(UNKNOWN)
        checker = self.raft.groups["group"]
        return Outcome(
            knobs,
            self.raft.violations() or self.history.violations(),
            elections=len(checker.leaders),
            commits=self.commits,
            partitions=sum(self.faults[name] for name in PARTITIONS),
            operations=len(self.history.history),
            is_stuck=sum(client.answered for client in self.clients) == answered,
            faults=self.faults,
        )

    @property
    def commits(self) -> int:
        return self.raft.groups["group"].commit_index

    # Faults ----------------------------------------------------------------------------------------------------------

    def fault(self) -> None:
        world = self.world
        if world.now > self.knobs.duration:
            return
        act = getattr(self, world.random.choice(self.knobs.faults))
        act()
        self.faults[act.__name__] += 1
        world.after(world.random.expovariate(1.0 / self.knobs.calm), self.fault)

    def duration(self) -> float:
        """Of a fault: mostly about an election's time, sometimes a moment, sometimes long."""
        return self.world.random.choice((0.5, 10.0, 25.0, 60.0)) * self.world.random.expovariate(1.0)

    def crash(self) -> None:
        self.kill(self.world.random.choice(self.names))

    def leader_crash(self) -> None:
        for leader in self.leaders():
            self.kill(leader.name)

    def crash_of_all(self) -> None:
        for name in self.names:
            self.kill(name)

    def kill(self, name: str, duration: float | None = None) -> None:
        host = self.hosts[name]
        host.crash()
        self.world.after(self.duration() if duration is None else duration, self.revive, name, host.starts)

    def revive(self, name: str, start: int) -> None:
        host = self.hosts[name]
        if host.machine is None and host.starts == start:
            host.start()

    def places(self) -> list[str]:
        return list(self.world.places)

    def partition(self) -> None:
        """Two groups, clients among them."""
        places = self.places()
        side = {place: self.world.random.random() < 0.5 for place in places}
        self.world.partition(((a, b) for a in places for b in places if side[a] != side[b]), self.duration())

    def isolation(self) -> None:
        """A leader and perhaps one more member, from the other members."""
        apart = {host.name for host in self.leaders()} or {self.world.random.choice(self.names)}
        if self.world.random.random() < 0.3:
            apart.add(self.world.random.choice(self.names))
        self.isolate(apart, self.duration())

    def isolate(self, apart: set[str], duration: float) -> None:
        """Some clients stay with the few, and may not notice."""
        for client in self.clients:
            if self.world.random.random() < 0.5:
                client.favourite = self.world.random.choice(sorted(apart))
        pairs = ((a, b) for a in self.names for b in self.names if (a in apart) != (b in apart))
        self.world.partition(pairs, duration)

    def one_way(self) -> None:
        """One host hears nobody, or nobody hears it."""
        one = self.world.random.choice(self.names)
        others = [place for place in self.places() if place != one]
        is_deaf = self.world.random.random() < 0.5
        self.world.partition(((o, one) if is_deaf else (one, o) for o in others), self.duration())

    def partial(self) -> None:
        """Some pairs of hosts do not hear each other, though both hear a third."""
        pairs = [(a, b) for a in self.names for b in self.names if a < b and self.world.random.random() < 0.4]
        self.world.partition([*pairs, *((b, a) for a, b in pairs)], self.duration())

    def slow_disk(self) -> None:
        host = self.hosts[self.world.random.choice(self.names)]
        host.slowness = self.world.random.choice((3.0, 10.0, 50.0))
        self.world.after(self.duration(), setattr, host, "slowness", 1.0)

    def slow_disks(self) -> None:
        """All at once, as on shared storage."""
        for host in self.hosts.values():
            host.slowness = 10.0
            self.world.after(self.duration(), setattr, host, "slowness", 1.0)

    def ambush(self, until: float = 0.0) -> None:
        """For a while hosts die, for a moment, when it hurts: while they write, or in an election."""
        until = until or self.world.now + 30.0
        hosts = [host for host in self.hosts.values() if host.machine is not None]
        in_election = any(host.machine and host.machine.role == "candidate" for host in hosts)
        for host in hosts:
            hurts = in_election or host.writing is not None
            if hurts and self.world.random.random() < 0.1:
                self.kill(host.name, self.world.random.random())
        if self.world.now < min(until, self.knobs.duration):
            self.world.after(self.world.random.random() * 0.5, self.ambush, until)

    def churn(self, until: float = 0.0) -> None:
        """For a while leaders die or are cut off soon after their election."""
        until = until or self.world.now + 80.0
        for leader in self.leaders():
            if self.world.random.random() < 0.5:
                self.kill(leader.name, self.world.random.expovariate(0.1))
            else:
                self.isolate({leader.name}, self.world.random.expovariate(0.05))
        if self.world.now < min(until, self.knobs.duration):
            self.world.after(self.world.random.expovariate(0.5), self.churn, until)

    def pause(self) -> None:
        leaders = [host.name for host in self.leaders()]
        self.hosts[self.world.random.choice([*self.names, *leaders, *leaders])].pause(self.duration())

    def leaders(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.machine is not None and host.machine.is_leader]

    def transfer(self) -> None:
        for host in self.leaders():
            assert host.machine is not None
            host.machine.transfer_leadership(self.world.random.choice(self.names))
            host.work()

    def change(self) -> None:
        """Another group, a step or several voters at once away; sometimes the next one at once."""
        for host in self.leaders() * self.world.random.choice((1, 1, 2)):
            assert host.machine is not None
            voters = sorted(host.machine.configuration.voters)
            others = [name for name in self.names if name not in voters]
            choose = self.world.random.sample
            add = choose(others, min(len(others), self.world.random.choice((0, 1, 1, 2))))
            remove = choose(voters, max(0, min(len(voters) - 2, self.world.random.choice((0, 1, 1, 2)))))
            learners = [name for name in others if name not in add and self.world.random.random() < 0.2]
            joint = self.world.random.random() < 0.3
            if host.machine.is_leader:
                host.machine.propose_change(Change(frozenset(add), frozenset(remove), frozenset(learners), joint))
                host.work()

    def calm_down(self) -> None:
        """All that was struck is well again."""
        self.world.cut.clear()
        for host in self.hosts.values():
            host.slowness, host.stands_until = 1.0, 0.0
            if host.machine is None:
                host.start()


def run(seed: int, broken: Broken = BROKEN["nothing"]) -> Outcome:
    """One seed. What a machine asserts of itself counts as a violation."""
    one = Run(replace(Knobs.of(seed), **broken.dials), broken)
    try:
        return one.go()
    except (AssertionError, LookupError) as error:
        sentence = f"at {one.world.now:.6g}: {type(error).__name__} {error}"
        return Outcome(one.knobs, [*one.raft.violations(), sentence])


def command(seed: int, broken: str = "nothing") -> str:
    """What replays it."""
    return f"python -m tests.swarm.raft --seed {seed}" + (f" --broken {broken}" if broken != "nothing" else "")


def told(outcome: Outcome, broken: str = "nothing") -> str:
    return "\n".join([f"replay: {command(outcome.knobs.seed, broken)}", *outcome.violations[:SHOWN]])


def outcomes(first: int, count: int, broken: str = "nothing") -> Iterator[Outcome]:
    for seed in range(first, first + count):
        yield run(seed, BROKEN[broken])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.swarm.raft", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--broken", choices=BROKEN, default="nothing")
    asked = parser.parse_args()
    began_s, counted, wrong, stuck, faults = time.perf_counter(), 0, 0, 0, Counter[str]()
    for outcome in outcomes(asked.seed, asked.seeds, asked.broken):
        counted += outcome.counts
        stuck += outcome.is_stuck
        faults += outcome.faults
        if outcome.violations:
            wrong += 1
            print(told(outcome, asked.broken))
        if asked.seeds == 1 or (outcome.is_stuck and not outcome.violations):
            print(outcome)
    print(
        f"{asked.seeds} seeds in {time.perf_counter() - began_s:.1f} s: {counted} count, {wrong} with violations, "
        f"{stuck} answered nobody at the end; faults: {dict(faults)}"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

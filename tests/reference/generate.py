"""Random small models: one seed switches every feature on or off, then draws every knob of those that are on.

Values are continuous, so that no two things happen at the same time by accident. By default no two things whose order
matters happen at the same time by construction either: latencies between instances are random and never zero, and a
branch of a `parallel` starts with a wait or with a call that cannot end at once. (At the end of a pause much
happens at once; so only models from seed 60 on have pauses, and the first of those with ties.) `ties=True` lifts that:
constant and zero latencies, branches that end as they start; with an odd seed, all times are multiples of a power of
two, so that sums of them are exact and responses, ends of waits and timeouts meet. Such models hold the engine to the
order of equal times (README.md).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

import numpy as np

from sim.distributions import Constant, Distribution, Exponential, Uniform
from sim.failures import Crash, Pause, Slow
from sim.model import (
    FAILURES,
    Balance,
    CallPolicy,
    Concurrency,
    Endpoint,
    EventLoop,
    Fault,
    Goroutines,
    Instance,
    Link,
    Model,
    Network,
    Node,
    Once,
    Retry,
    RunPlan,
    Service,
    Source,
    Target,
    Threads,
)
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.fail import Fail
from sim.steps.io import Io
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat
from sim.traffic import Arrivals, Closed, Trace
from tests.reference.workload import expected_tasks

Steps = tuple[Any, ...]

FEATURES = (
    "closed_users",
    "several_sources",
    "several_endpoints",
    "source_zone",
    "network",
    "same_node",
    "threads",
    "small_queue",
    "event_loop",
    "fractional_cores",
    "tight_cpu",
    "parallel",
    "need",
    "cancel",
    "optional",
    "choose",
    "repeat",
    "fail",
    "cycles",
    "timeouts",
    "retries",
    "crash_node",
    "crash_instance",
    "no_instances",
)
PROBABILITY = {
    "no_instances": 0.12,
    "cycles": 0.3,
    "parallel": 0.8,
    "need": 0.75,
    "threads": 0.75,
    "timeouts": 0.75,
    "cancel": 0.75,
    "crash_node": 0.4,
    "crash_instance": 0.4,
}
TIES_PROBABILITY = {
    "network": 0.3,
    "cycles": 0.5,
    "threads": 0.9,
    "parallel": 1.0,
    "optional": 0.9,
    "no_instances": 0.0,
}
POLICIES = ("round_robin", "random", "least_outstanding", "power_of_two", "weighted_round_robin")
GRID_S = 2.0**-7
TASKS_MAX = 1500.0
"""Bound of the expected tasks of a model: larger ones are drawn again, for speed."""


FIRST_WITH_PAUSES = 60
SEEDS = range(150)
TIES_SEEDS = sorted(
    {
        *range(30),
        47,
        67,
        71,
        73,
        87,
        98,
        131,
        141,
        175,
        194,
        251,
        257,
        285,
        289,
        302,
        307,
        365,
        406,
        439,
        613,
        656,
        709,
        841,
    }
)
"""With the first that tell the mutants of the order."""


def random_model(seed: int, ties: bool = False) -> Model:
    """The model of this seed. The same seed gives the same model on every machine."""
    drafts = (Generator(seed, ties, draft).model() for draft in count())
    return next(model for model in drafts if expected_tasks(model) <= TASKS_MAX)


@dataclass
class Place:
    """Where steps are being drawn: which service's handler, how deep inside other steps."""

    service: int
    nesting: int = 0


class Generator:
    def __init__(self, seed: int, ties: bool, draft: int) -> None:
        self.seed = seed
        self.rng = random.Random(f"dsim reference {seed} {draft}")
        self.ties = ties
        self.grid = ties and seed % 2 == 1
        probability = PROBABILITY | TIES_PROBABILITY if ties else PROBABILITY
        self.features = {name for name in FEATURES if self.rng.random() < probability.get(name, 0.6)}
        self.services = self.rng.randint(2, 4)
        self.endpoints = [2 if self.chance("several_endpoints", 0.5) else 1 for _ in range(self.services)]
        self.instances = [self.rng.randint(1, 3) for _ in range(self.services)]
        if "no_instances" in self.features:
            self.instances[self.rng.randrange(1, self.services)] = 0
        self.zones = ["a", "b", "c"][: self.rng.randint(1, 3)]
        self.nodes = self.rng.randint(1, 3)
        self.duration_s = 2.0
        self.policies: dict[tuple[int, int], Balance] = {}
        self.own_rng = random.Random(f"dsim reference pauses {seed} {draft}")
        """Of pauses: they came later, and left the models of their seeds alone otherwise."""

    def chance(self, feature: str, probability: float) -> bool:
        return feature in self.features and self.rng.random() < probability

    # The whole

    def model(self) -> Model:
        nodes = tuple(self.node(n) for n in range(self.nodes))
        services = tuple(self.service(s) for s in range(self.services))
        sources = tuple(self.source(n) for n in range(2 if "several_sources" in self.features else 1))
        return Model(
            scenario="random",
            variant=f"seed_{self.seed}",
            title=" ".join(sorted(self.features)),
            run=RunPlan(
                duration_s=self.duration_s,
                warmup_s=0.0,
                drain_s=self.rng.uniform(0.5, 4.0),
                window_s=1.0,
                seed=self.rng.randrange(2**31),
                replications=1,
                record="all",
                depth_limit=self.rng.randint(2, 4) if "cycles" in self.features else 64,
            ),
            nodes=nodes,
            network=self.network(),
            services=services,
            sources=sources,
            faults=self.faults(services),
        )

    def node(self, n: int) -> Node:
        cores = float(self.rng.randint(1, 4))
        if self.chance("fractional_cores", 0.5):
            cores = self.rng.uniform(0.5, 4.0)
        if "tight_cpu" in self.features:
            cores /= 2
        return Node(f"node-{n}", self.rng.choice(self.zones), cores, self.rng.choice((1.0, self.rng.uniform(0.5, 2.0))))

    def network(self) -> Network:
        far = 1.0
        if "network" not in self.features:
            if self.ties:
                return Network()
            far = 1e-3
        links = {(a, b): Link(self.latency(far * (0.001 if a == b else 0.01))) for a in self.zones for b in self.zones}
        if self.ties and self.rng.random() < 0.3:
            links.pop(self.rng.choice(sorted(links)))
        return Network(links, self.latency(far * 0.0005) if "same_node" in self.features else None)

    def latency(self, scale_s: float) -> Distribution:
        if self.ties and self.rng.random() < 0.7:
            return Constant(self.rng.choice((0.0, self.on_grid(self.rng.uniform(0.5, 2.0) * scale_s))))
        return self.duration(scale_s, constant=self.grid)

    def on_grid(self, value: float) -> float:
        """A multiple of GRID_S and at least that, where there is a grid."""
        return max(1, round(value / GRID_S)) * GRID_S if self.grid else value

    def duration(self, scale_s: float, constant: bool = True) -> Distribution:
        mean_s = scale_s * self.rng.uniform(0.5, 2.0)
        if self.grid and constant and self.rng.random() < 0.9:
            return Constant(self.on_grid(mean_s))
        match self.rng.randrange(3 if constant else 2):
            case 0:
                return Exponential(mean_s)
            case 1:
                return Uniform(mean_s * self.rng.random(), mean_s * (1 + self.rng.random()))
            case _:
                return Constant(mean_s)

    # Services

    def service(self, s: int) -> Service:
        return Service(
            f"s{s}",
            self.concurrency(),
            tuple(self.instance(s, i) for i in range(self.instances[s])),
            tuple(Endpoint(f"e{e}", self.handler(s)) for e in range(self.endpoints[s])),
        )

    def concurrency(self) -> Concurrency:
        kinds: list[Concurrency] = [Goroutines()]
        if "threads" in self.features:
            queue = self.rng.randint(0, 3) if "small_queue" in self.features else None
            kinds += [Threads(self.rng.randint(1, 2), queue)] * 3
        if "event_loop" in self.features:
            kinds += [EventLoop()] * 2
        return self.rng.choice(kinds)

    def instance(self, s: int, i: int) -> Instance:
        cores = float(self.rng.randint(1, 3))
        if self.chance("fractional_cores", 0.5):
            cores = self.rng.uniform(0.3, 3.0)
        return Instance(f"s{s}-{i}", f"node-{self.rng.randrange(self.nodes)}", cores)

    def handler(self, s: int) -> Steps:
        if self.rng.random() < (0.25 if self.ties else 0.05):
            return ()
        if self.ties and self.callees(s) and self.rng.random() < 0.7:
            return (self.parallel(Place(s, 1)), *self.steps(Place(s), self.rng.randint(0, 1)))
        return self.steps(Place(s), self.rng.randint(1, 3))

    def steps(self, place: Place, count: int) -> Steps:
        return tuple(self.step(place) for _ in range(count))

    def step(self, place: Place) -> Any:
        kinds = ["io", "io" if self.grid else "cpu"]  # shares of a core are off the grid
        if self.callees(place.service):
            kinds += ["call"] * 3
        if place.nesting < 2:
            kinds += [kind for kind in ("parallel", "parallel", "choose", "repeat") if kind in self.features]
        if self.chance("fail", 0.3):
            kinds += ["fail"]
        inside = Place(place.service, place.nesting + 1)
        match self.rng.choice(kinds):
            case "cpu":
                return Cpu(self.duration(0.02, constant=not self.ties), self.draw())
            case "io":
                return Io(self.duration(0.03), self.draw())
            case "call":
                return self.call(place.service)
            case "parallel":
                return self.parallel(inside)
            case "choose":
                return self.choose(inside)
            case "repeat":
                return Repeat(self.rng.randint(1, 3), self.steps(inside, self.rng.randint(1, 2)))
            case _:
                return Fail(self.rng.uniform(0.05, 0.5), self.draw())

    def draw(self) -> Literal["attempt", "request"]:
        return self.rng.choice(("attempt", "request"))

    def callees(self, s: int) -> list[int]:
        return list(range(self.services)) if "cycles" in self.features else list(range(s + 1, self.services))

    def call(self, s: int) -> Call:
        callee = self.rng.choice(self.callees(s))
        endpoint = f"e{self.rng.randrange(self.endpoints[callee])}"
        return Call(f"s{callee}", endpoint, self.policy(s, callee), self.chance("optional", 0.3))

    def parallel(self, place: Place) -> Parallel:
        branches = tuple(self.branch(place) for _ in range(self.rng.randint(2, 3)))
        need = self.rng.randint(1, len(branches)) if "need" in self.features else len(branches)
        return Parallel(branches, need, self.chance("cancel", 0.8), self.chance("optional", 0.3))

    def branch(self, place: Place) -> Steps:
        steps = self.steps(place, self.rng.randint(1, 2))
        if self.callees(place.service) and self.rng.random() < (0.8 if self.ties else 0.4):
            steps = (self.call(place.service), *steps)
        if not self.ties and not self.waits_first(steps[0]):
            return (Io(self.duration(0.002), self.draw()), *steps)
        return steps

    def waits_first(self, step: Any) -> bool:
        if isinstance(step, Call):
            return not self.features & {"cycles", "no_instances"}
        return isinstance(step, Cpu | Io)

    def choose(self, place: Place) -> Choose:
        branches = tuple(self.steps(place, self.rng.randint(0, 2)) for _ in range(self.rng.randint(2, 3)))
        return Choose(self.weights(len(branches)), branches, self.draw())

    def weights(self, count: int) -> tuple[float, ...]:
        raw = [self.rng.uniform(0.2, 1.0) for _ in range(count)]
        return tuple(weight / sum(raw) for weight in raw)

    # Calls

    def policy(self, caller: int, callee: int) -> CallPolicy:
        """A caller's calls to one service mostly share a balancing policy, and so its state."""
        if (caller, callee) not in self.policies or self.rng.random() < 0.2:
            self.policies[caller, callee] = self.balance(callee)
        timeout_s = (
            self.on_grid(self.rng.uniform(0.02, 0.1 if self.grid else 0.5)) if self.chance("timeouts", 0.7) else None
        )
        return CallPolicy(
            self.policies[caller, callee], timeout_s, self.retry() if self.chance("retries", 0.5) else None
        )

    def balance(self, callee: int) -> Balance:
        policy = self.rng.choice(POLICIES)
        params: dict[str, Any] = {}
        if policy == "power_of_two":
            params = {"choices": self.rng.randint(2, 3)}
        elif policy == "weighted_round_robin":
            params = {"weights": [self.rng.choice((1.0, 2.0, 5.0)) for _ in range(self.instances[callee])]}
        return Balance(policy, params)

    def retry(self) -> Retry:
        return Retry(
            attempts=self.rng.randint(2, 4),
            initial_s=self.on_grid(self.rng.uniform(0.005, 0.05)),
            factor=2.0 if self.grid else self.rng.uniform(1.0, 3.0),
            max_s=self.on_grid(self.rng.uniform(0.03, 0.2)),
            jitter=self.jitter(),
            on=FAILURES if self.rng.random() < 0.6 else tuple(self.rng.sample(FAILURES, self.rng.randint(1, 4))),
        )

    def jitter(self) -> Literal["none", "full", "equal"]:
        """Without latency, the requests that one crash resets would all be sent again at the same time."""
        one_time = "crash_instance" in self.features and "source_zone" not in self.features
        return self.rng.choice(("full", "equal") if one_time and not self.ties else ("none", "full", "equal"))

    # Traffic and faults

    def source(self, n: int) -> Source:
        policy = self.policy(-1 - n, callee=0)
        targets = tuple(Target("s0", f"e{e}", weight) for e, weight in enumerate(self.weights(self.endpoints[0])))
        if self.rng.random() < 0.3:
            targets = (Target("s1", "e0", 1.0),)
            policy = self.policy(-1 - n - 10, callee=1)
        zone = self.rng.choice(self.zones) if "source_zone" in self.features else None
        return Source(f"source-{n}", self.arrivals(n), targets, zone, policy)

    def arrivals(self, n: int) -> Arrivals:
        if self.chance("closed_users", 0.5):
            return Closed(self.rng.randint(1, 5), self.duration(0.2, constant=False))
        requests = self.rng.randint(20, 60)
        times_s = np.sort([self.on_grid(self.rng.uniform(0.0, self.duration_s - GRID_S)) for _ in range(requests)])
        if self.grid:  # each request on a grid of its own
            times_s += np.sort(self.rng.sample(range(1, 512), requests)) * GRID_S / 1024 + n * GRID_S / 2
        return Trace(times_s)

    def faults(self, services: tuple[Service, ...]) -> tuple[Fault, ...]:
        faults: list[Fault] = []
        instances = [instance.name for service in services for instance in service.instances]
        for _ in range(self.rng.randint(1, 3) if "crash_instance" in self.features else 0):
            faults += self.crashes(len(faults), "instance", self.rng.choice(instances))
        for _ in range(self.rng.randint(1, 2) if "crash_node" in self.features else 0):
            faults += self.crashes(len(faults), "node", f"node-{self.rng.randrange(self.nodes)}")
        if (self.seed < 20 if self.ties else self.seed >= FIRST_WITH_PAUSES) and self.own_rng.random() < 0.6:
            faults += self.pauses(faults, instances)
        return tuple(faults)

    def pauses(self, crashes: list[Fault], instances: list[str]) -> list[Fault]:
        """Pauses, some of what crashes meanwhile, and slowdowns among them."""
        rng = self.own_rng
        found: list[Fault] = []
        for number in range(len(crashes), len(crashes) + rng.randint(1, 4)):
            name = f"fault-{number}"
            once = Once(rng.uniform(0.05, 1.8), None if rng.random() < 0.05 else rng.uniform(0.01, 0.6))
            if crashes and rng.random() < 0.4:
                crash = rng.choice(crashes)
                assert isinstance(crash.when, Once)
                early = Once(crash.when.at_s - rng.uniform(0.0, 0.1), rng.uniform(0.1, 0.6))
                found.append(Pause(name, "pause", crash.target_kind, crash.target, early))
                continue
            match rng.choice(("process", "process", "host", "slow")):
                case "process":
                    found.append(Pause(name, "pause", "instance", rng.choice(instances), once))
                case "host":
                    found.append(Pause(name, "pause", "node", self.any_node(), once))
                case _:
                    found.append(Slow(name, "slow", "node", self.any_node(), once, rng.uniform(0.1, 0.9)))
        return found

    def any_node(self) -> str:
        return f"node-{self.own_rng.randrange(self.nodes)}"

    def crashes(self, first: int, kind: Literal["node", "instance"], target: str) -> list[Crash]:
        """One crash, at times a second one of the same target that overlaps it."""
        at_s, for_s = self.rng.uniform(0.1, 1.8), self.rng.uniform(0.02, 0.6)
        once = Once(at_s, None if self.rng.random() < 0.1 else for_s)
        one = Crash(f"fault-{first}", "crash", kind, target, once)
        if self.rng.random() < 0.6:
            return [one]
        again = replace(once, at_s=at_s + for_s * self.rng.uniform(0.1, 0.9))
        return [one, replace(one, name=f"fault-{first + 1}", when=again)]

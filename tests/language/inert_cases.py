"""A case for every key of the language: values that must make a difference, in a scenario where the key matters.

A case is found by the key's name in the inventory of `test_inert.py`: `RunForm.drain`, `distribution.uniform.low`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.failures import FAULT_FORMS
from sim.failures.form import TargetsForm

PLAIN = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {cpu: exponential(8ms)}
traffic:
  users: {to: api, arrivals: poisson(80/s)}
"""
"""One service on a host of its own."""
SYSTEM = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
nodes: {app: {count: 2, zones: [a, b], cores: 2}, far: {count: 2, zones: [b, c], cores: 2}}
network: {same_zone: {latency: 1ms}, across_zones: {latency: 4ms}}
services:
  api:
    nodes: app
    instances: 2
    concurrency: {threads: {workers: 3, queue: 5}}
    steps: [{cpu: exponential(4ms)}, {call: db}]
  db: {nodes: far, instances: 2, io: exponential(20ms), fail: 10%}
traffic:
  users: {to: api, from: {zone: a}, arrivals: poisson(150/s)}
failures:
  app fails: {at: 800ms, crash: app-2, for: 300ms}
"""
"""Two services that call over a network, overloaded, with failures of every kind."""
SLOWED = SYSTEM.replace("io: exponential(20ms)", "cpu: exponential(20ms)")


def entry(fault: str, text: str = SYSTEM) -> str:
    """The system, with one fault called `x`."""
    head, _, _ = text.rpartition("  app fails")
    return f"{head}  x: {{{fault}}}\n"


ROLLING = entry("rolling_restart: api, every: 500ms, at: 800ms, for: 200ms")
PARTITIONS = (
    "[{zone: a}, {zone: c}]",
    "[{source: users}, [{nodes: far}, {node: app-2}]]",
    "{from: {zone: a}, to: {zone: b}}",
)
ONE_WAY = entry("partition: {from: {zone: a}, to: {zone: b}}, at: 800ms")
SENDERS, RECEIVERS = ("{zone: c}", "{source: users}"), ("{zone: c}", "{node: app-2}")
LINK = entry("link_down: {between: [a, b]}, at: 800ms")
ONE_LINK = entry("link_down: {from: a, to: b}, at: 800ms")
LINKS = ("{between: [a, c]}", "{from: a, to: b}", "[{between: [a, b]}, {between: [b, c]}]")
DISKS = SYSTEM.replace("zones: [b, c], cores: 2", "zones: [b, c], cores: 2, disk: {access: 5ms}")
DISKS = DISKS.replace("io: exponential(20ms), fail: 10%", "steps: [{disk: 4kB}]")
FULL = SYSTEM.replace("fail: 10%", "fail: 10%, memory: {limit: 100MB, base: 20MB, per_request: 1MB}")
CHAOS = "{mix: {crash: 3, pause: 2}, every: exponential(100ms), lasting: exponential(50ms), seed: 7}"
CHAOTIC = SYSTEM[: SYSTEM.index("failures:")] + f"chaos: {CHAOS}\n"
SLOW_LINK = entry("link_slow: {between: [a, b]}, latency_factor: 3, at: 800ms")


COLD = "services.api.start={warm_up: {for: 300ms, speed: 0.1}}"
WRITING = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
nodes: {app: {disk: {access: 1ms, throughput: 1MB/s, fsync: exponential(6ms)}}}
services:
  api: {nodes: app, steps: [{disk: {bytes: 2kB, sync: true}}, {disk: 1kB}]}
traffic:
  users: {to: api, arrivals: poisson(60/s)}
"""
DRIFTING = SYSTEM.replace("zones: [a, b], cores: 2}", "zones: [a, b], cores: 2, clock: {drift: 50ppm}}", 1).replace(
    "{call: db}", "{call: db, timeout: 20ms}"
)
HOLDING = SYSTEM.replace("zones: [a, b], cores: 2}", "zones: [a, b], cores: 2, memory: 75MB}", 1).replace(
    "    instances: 2\n    conc", "    instances: 2\n    memory: {limit: 60MB, base: 10MB, per_request: 10MB}\n    conc"
)
CALLING = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {cores: 9, steps: [{call: db}]}
  db: {instances: 4, cpu: exponential(8ms), fail: 20%}
  log: {cpu: exponential(2ms)}
traffic:
  users: {to: api, arrivals: poisson(300/s)}
"""
"""Calls that fail often, to instances that are busy."""
RETRYING = CALLING.replace("{call: db}", "{call: db, retry: {attempts: 4, backoff: {initial: 40ms, max: 100ms}}}")
DRAWING = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {steps: [{call: db, timeout: 10ms, retry: {attempts: 3}}]}
  db: {instances: 2, steps: [STEP, {io: 4ms}]}
traffic:
  users: {to: api, arrivals: poisson(80/s)}
"""
"""A step that is drawn again, or not, when the call is tried again."""
BRANCHING = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {cores: 9, steps: [{parallel: {of: [{call: fast}, {call: slow}]}}, {cpu: 1ms}]}
  fast: {io: exponential(2ms), fail: 20%}
  slow: {cpu: exponential(6ms)}
traffic:
  users: {to: api, arrivals: poisson(120/s)}
"""
DEEP = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {cores: 9, steps: [{choose: [{weight: 70%, steps: [{call: api}]}, {weight: 30%, steps: [{cpu: 1ms}]}]}]}
traffic:
  users: {to: api, arrivals: poisson(50/s)}
"""
VARIED = PLAIN + "variants: {plain: {}, other: {services: {api: {instances: 2}}}}\n"
BEHAVING = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
services:
  api: {endpoints: {main: {behaviour: "inert_plugin:call_first", calls: [db]}}}
  db: {io: exponential(8ms)}
traffic:
  users: {to: api, arrivals: poisson(50/s)}
"""
NARROW = SYSTEM.replace("across_zones: {latency: 4ms}", "across_zones: {latency: 4ms, bandwidth: 2Mbps}")
"""Messages of a kilobyte take 4 ms to get on a link between zones."""
LOOKING = BEHAVING.replace("services:", "nodes: {app: {clock: {offset: 1ms}}}\nservices:").replace(
    'api: {endpoints: {main: {behaviour: "inert_plugin:call_first"',
    'api: {nodes: app, endpoints: {main: {behaviour: "inert_plugin:look_first"',
)
PLUGIN = """\
def call_first(request):
    yield request.call("db.main")

def look_first(request):
    yield request.timeout(request.clock.wall() % 0.004)
    yield request.call("db.main")

def wait_first(request):
    yield request.timeout(0.003)
    yield request.call("db.main")
"""


SET = LOOKING.replace("{app: {clock: {offset: 1ms}}}", "{app: {count: 2}}").replace(
    "{nodes: app,", "{nodes: app, instances: 2,"
)
SET_AT_RANDOM = SET + (
    "failures: {x: {clock_jump: app-1, by: 1500us, mtbf: exponential(300ms), mttr: exponential(200ms)}}\n"
)
SET += "failures: {x: {clock_jump: app-1, by: 1500us, at: 800ms, for: 300ms}}\n"


@dataclass(frozen=True)
class Case:
    """`text` with each of `values` at `key` in turn, and as it is where `as_is`: all of them are told apart.

    `shows` says where: in the numbers of a run, its recorded requests, or what `Scenario` offers by that name.
    `also` are settings that hold for all.
    """

    text: str
    key: str
    values: tuple[str, ...]
    as_is: bool = True
    shows: str = "numbers"
    also: tuple[str, ...] = ()


def case(text: str, key: str, *values: str, as_is: bool = True, shows: str = "numbers", also: str = "") -> Case:
    return Case(text, key, values, as_is, shows, tuple(also.split(";")) if also else ())


def schedule(form: str, fault: str, lasts: str = "null", text: str = SYSTEM) -> dict[str, Case]:
    """`at` and `for` of a fault; `lasts` is another `for` than the two that are tried."""
    on = entry(f"{fault}, at: 800ms, for: 300ms", text)
    return {
        f"{form}.at": case(on, "failures.x.at", "500ms", "1s"),
        f"{form}.for": case(on, "failures.x.for", lasts, "600ms"),
    }


def faults(form: str, fault: str, *others: str, text: str = SYSTEM, lasts: str = "null") -> dict[str, Case]:
    """Whom a fault strikes, with `others` instead, and when; with a shared cause where one of them is a list."""
    kind = next(kind for kind, cls in FAULT_FORMS.items() if cls.__name__ == form)
    at_random = entry(f"{fault}, mtbf: exponential(300ms), mttr: exponential(200ms)", text)
    found = {
        **schedule(form, fault, lasts, text),
        f"{form}.{kind}": case(entry(f"{fault}, at: 800ms, for: 300ms", text), f"failures.x.{kind}", *others),
        f"{form}.mtbf": case(at_random, "failures.x.mtbf", "exponential(400ms)", "200ms"),
        f"{form}.mttr": case(at_random, "failures.x.mttr", "exponential(300ms)", "100ms"),
    }
    if issubclass(FAULT_FORMS[kind], TargetsForm):
        several = f"failures.x.{kind}={next(other for other in others if other.startswith('['))}"
        found[f"{form}.common_cause"] = case(at_random, "failures.x.common_cause", "10%", "100%", also=several)
    return found


def ways(form: str, fault: str) -> dict[str, Case]:
    """Between which places messages suffer."""
    on = entry(f"{fault}, at: 800ms, for: 800ms")
    return {
        f"{form}.between": case(on, "failures.x.between", "[{zone: a}, {zone: b}]", "[{nodes: far}, {node: app-1}]"),
        f"{form}.from": case(on, "failures.x.from", "{zone: a}", "{source: users}"),
        f"{form}.to": case(on, "failures.x.to", "{zone: a}", "{source: users}"),
    }


def drawing(step: str) -> Case:
    return case(DRAWING.replace("STEP", step), "services.db.steps.0.draw", "attempt", "request", as_is=False)


def policy(form: str, text: str, place: str, *more: str) -> dict[str, Case]:
    """The keys that every kind of call policy has."""
    return {
        f"{form}.balance": case(text, f"{place}.balance", "random", "least_outstanding", *more),
        f"{form}.timeout": case(text, f"{place}.timeout", "5ms", "15ms"),
        f"{form}.retry": case(text, f"{place}.retry", "{attempts: 2}", "{attempts: 3}"),
    }


TEXTS = {
    f"ScenarioForm.{key}": case(PLAIN, key, "Why?", "[Why, not?]", shows="texts")
    for key in ("description", "question", "predict", "look_at")
}
FILE = {
    "ScenarioForm.scenario": case(PLAIN, "scenario", "t", shows="name"),
    "ScenarioForm.title": case(PLAIN, "title", "One", "Two", shows="title"),
    "ScenarioForm.run": case(PLAIN, "run", "{duration: 1s}", "{duration: 1s, warmup: 0s}"),
    "ScenarioForm.nodes": case(SYSTEM, "nodes", "{app: {count: 2, zones: [a, b]}, far: {}}"),
    "ScenarioForm.network": case(SYSTEM, "network", "null", "{across_zones: {latency: 9ms}}"),
    "ScenarioForm.defaults": case(CALLING, "defaults", "{calls: {timeout: 9ms}}"),
    "ScenarioForm.services": case(PLAIN, "services", "{api: {io: 8ms}}"),
    "ScenarioForm.traffic": case(PLAIN, "traffic", "{users: {to: api, arrivals: constant(9/s)}}"),
    "ScenarioForm.failures": case(SYSTEM, "failures", "null", "{x: {at: 1s, crash: db-1}}"),
}
RUN = {
    "RunForm.duration": case(PLAIN, "run.duration", "1s", "3s"),
    "RunForm.warmup": case(PLAIN, "run.warmup", "0s", "1s"),
    "RunForm.drain": case(PLAIN, "run.drain", "0s", "5ms", also="services.api.cpu=exponential(14ms)"),
    "RunForm.window": case(PLAIN, "run.window", "250ms", "1s"),
    "RunForm.seed": case(PLAIN, "run.seed", "2", "3"),
    "RunForm.replications": case(PLAIN, "run.replications", "1", "2", shows="replications"),
    "RunForm.record": case(PLAIN, "run.record", "none", "sample", "all", as_is=False, shows="requests"),
    "RecordForm.sample": case(PLAIN, "run.record", "{sample: 20%}", "{sample: 60%}", as_is=False, shows="requests"),
    "RunForm.max_in_flight": case(PLAIN, "run.max_in_flight", "20", "40", also="services.api.cpu=1s"),
    "RunForm.depth_limit": case(DEEP, "run.depth_limit", "2", "4"),
}
MACHINES = {
    "PoolForm.count": case(SYSTEM, "nodes.app.count", "3"),
    "PoolForm.zones": case(SYSTEM, "nodes.app.zones", "[a, c]", "[b, a]"),
    "PoolForm.cores": case(SYSTEM, "nodes.app.cores", "0.4", "0.6"),
    "PoolForm.clock": case(DRIFTING, "nodes.app.clock", "null", "{drift: 90ppm}"),
    "ClockForm.drift": case(DRIFTING, "nodes.app.clock.drift", "-50ppm", "100ppm"),
    "ClockForm.offset": case(LOOKING, "nodes.app.clock.offset", "2ms", "-1.5ms"),
    "PoolForm.memory": case(HOLDING, "nodes.app.memory", "40MB", "50MB"),
    "PoolForm.disk": case(WRITING, "nodes.app.disk", "{fsync: 3ms}", "{access: 2ms, fsync: 3ms}"),
    "PoolForm.speed": case(SYSTEM, "nodes.app.speed", "0.5", "2"),
    "NetworkForm.same_zone": case(SYSTEM, "network.same_zone", "null", "{latency: 9ms}"),
    "NetworkForm.across_zones": case(SYSTEM, "network.across_zones", "null", "{latency: 9ms}"),
    "NetworkForm.same_node": case(
        SYSTEM, "network.same_node", "{latency: 0s}", also="services.db.nodes=app;nodes.far=null"
    ),
    "NetworkForm.between": case(SYSTEM, "network.between", "[{zones: [a, b], latency: 9ms}]"),
    "LinkForm.latency": case(SYSTEM, "network.across_zones.latency", "5ms", "exponential(4ms)"),
    "BetweenForm.latency": case(
        SYSTEM, "network.between", "[{zones: [a, b], latency: 9ms}]", "[{zones: [a, b], latency: 8ms}]"
    ),
    "BetweenForm.zones": case(
        SYSTEM, "network.between", "[{zones: [a, b], latency: 9ms}]", "[{zones: [a, c], latency: 9ms}]"
    ),
    "BetweenForm.from": case(
        SYSTEM, "network.between", "[{from: a, to: b, latency: 9ms}]", "[{from: c, to: b, latency: 9ms}]"
    ),
    "BetweenForm.to": case(
        SYSTEM, "network.between", "[{from: a, to: b, latency: 9ms}]", "[{from: a, to: c, latency: 9ms}]"
    ),
}
FAULTS = {
    **faults("CrashForm", "crash: app-2", "db-1", "[app-2, db-1]", "{node: app-1}", "{instance: api-2}"),
    **faults("PauseForm", "pause: app-2", "db-1", "[app-2, db-1]", "{node: app-1}", "[{instance: db-1}, db-2]"),
    **faults("SlowForm", "slow: app-2, factor: 0.1", "app-1", "[app-2, app-1]", "{node: far-1}", text=SLOWED),
    "SlowForm.factor": case(entry("slow: app-2, factor: 0.1, at: 800ms", SLOWED), "failures.x.factor", "0.5", "0.05"),
    **faults("StressForm", "stress: far-2, cores: 2", "far-1", "[far-1, far-2]", "{node: app-1}", text=SLOWED),
    "StressForm.cores": case(entry("stress: far-2, cores: 2, at: 800ms", SLOWED), "failures.x.cores", "0.5", "0.8"),
    **faults("SlowDiskForm", "slow_disk: far-2, factor: 0.1", "far-1", "[far-1, far-2]", text=DISKS),
    "SlowDiskForm.factor": case(entry("slow_disk: far-2, factor: 0.1, at: 800ms", DISKS), "failures.x.factor", "0.5"),
    **faults("MemoryPressureForm", "bytes: 78MB, memory_pressure: db-2", "db-1", "[db-1, db-2]", text=FULL),
    "MemoryPressureForm.bytes": case(
        entry("memory_pressure: db-2, bytes: 78MB, at: 800ms", FULL), "failures.x.bytes", "70MB", "90MB"
    ),
    "ClockJumpForm.clock_jump": case(SET, "failures.x.clock_jump", "[app-1, app-2]", "app-2"),
    "ClockJumpForm.by": case(SET, "failures.x.by", "-500us", "2500us"),
    "ClockJumpForm.at": case(SET, "failures.x.at", "500ms", "1s"),
    "ClockJumpForm.for": case(SET, "failures.x.for", "null", "600ms"),
    "ClockJumpForm.mtbf": case(SET_AT_RANDOM, "failures.x.mtbf", "exponential(400ms)", "200ms"),
    "ClockJumpForm.mttr": case(SET_AT_RANDOM, "failures.x.mttr", "exponential(300ms)", "100ms"),
    "ClockJumpForm.common_cause": case(
        SET_AT_RANDOM, "failures.x.common_cause", "10%", "100%", also="failures.x.clock_jump=[app-1, app-2]"
    ),
    **faults("OutageForm", "outage: {zone: b}", "{zone: a}", "[{zone: b}, {zone: c}]"),
    **faults("RestartForm", "restart: api-1", "db-1", "[api-1, db-1]", "{instance: api-2}", lasts="200ms"),
    **schedule("RollingRestartForm", "rolling_restart: api, every: 500ms", "200ms"),
    "RollingRestartForm.rolling_restart": case(ROLLING, "failures.x.rolling_restart", "db"),
    "RollingRestartForm.every": case(ROLLING, "failures.x.every", "200ms", "300ms"),
    **faults("PartitionForm", "partition: [{zone: a}, {zone: b}]", *PARTITIONS),
    "OneWayForm.from": case(ONE_WAY, "failures.x.partition.from", *SENDERS),
    "OneWayForm.to": case(ONE_WAY, "failures.x.partition.to", *RECEIVERS),
    **faults("LossForm", "loss: 50%", "10%", "100%"),
    **ways("LossForm", "loss: 50%"),
    **faults("LatencyForm", "latency: 5ms", "50ms", "exponential(5ms)"),
    **ways("LatencyForm", "latency: 5ms"),
    **faults("LinkDownForm", "link_down: {between: [a, b]}", *LINKS),
    "LinkNameForm.between": case(LINK, "failures.x.link_down.between", "[b, c]", "[a, c]"),
    "LinkNameForm.from": case(ONE_LINK, "failures.x.link_down.from", "b", "c"),
    "LinkNameForm.to": case(ONE_LINK, "failures.x.link_down.to", "c", "a"),
    **faults("LinkSlowForm", "latency_factor: 3, link_slow: {between: [a, b]}", *LINKS),
    "ScenarioForm.chaos": case(SYSTEM, "chaos", CHAOS, also="failures=null"),
    "ChaosForm.mix": case(CHAOTIC, "chaos.mix", "fail_stop", "{crash: 3, pause: 1}", "{crash: 1, pause: 1}"),
    "ChaosForm.every": case(CHAOTIC, "chaos.every", "exponential(150ms)", "200ms"),
    "ChaosForm.lasting": case(CHAOTIC, "chaos.lasting", "exponential(60ms)", "200ms"),
    "ChaosForm.seed": case(CHAOTIC, "chaos.seed", "8", "9"),
    "ChaosForm.targets": case(CHAOTIC, "chaos.targets", "{zone: b}", "[{zone: c}, {node: app-1}]"),
    "LinkSlowForm.latency_factor": case(SLOW_LINK, "failures.x.latency_factor", "2", "4"),
    "LinkSlowForm.bandwidth_factor": case(
        SLOW_LINK,
        "failures.x.bandwidth_factor",
        "0.1",
        "0.5",
        also="network.across_zones={latency: 4ms, bandwidth: 10Mbps}",
    ),
}
SERVICES = {
    "ServiceForm.nodes": case(
        SYSTEM,
        "services.db.nodes",
        "app",
        "[app, far]",
        "null",
        also="services.api.nodes=[app, far];services.db.instances=3",
    ),
    "ServiceForm.zone": case(
        SYSTEM, "services.db.zone", "a", "b", also="services.db.nodes=null;services.api.nodes=[app, far]"
    ),
    "ServiceForm.instances": case(SYSTEM, "services.api.instances", "1", "3", also="failures=null"),
    "ServiceForm.cores": case(SYSTEM, "services.api.cores", "0.4", "0.5"),
    "ServiceForm.concurrency": case(SYSTEM, "services.api.concurrency", "goroutines", "event_loop"),
    "ThreadsForm.workers": case(SYSTEM, "services.api.concurrency.threads.workers", "2", "4"),
    "ThreadsForm.queue": case(SYSTEM, "services.api.concurrency.threads.queue", "null", "0", "2"),
    "ServiceForm.endpoints": case(
        PLAIN, "services.api", "{endpoints: {a: [{cpu: 1ms}]}}", "{endpoints: {a: [{io: 2ms}]}}"
    ),
    "ServiceForm.steps": case(PLAIN, "services.api", "{steps: [{cpu: 1ms}]}", "{steps: [{io: 2ms}]}"),
    "ServiceForm.cpu": case(PLAIN, "services.api.cpu", "exponential(4ms)", "8ms"),
    "ServiceForm.io": case(PLAIN, "services.api.io", "1ms", "exponential(1ms)"),
    "ServiceForm.fail": case(PLAIN, "services.api.fail", "10%", "50%"),
    "ServiceForm.memory": case(
        HOLDING, "services.api.memory", "{limit: 40MB, per_request: 12MB}", "{per_request: 30MB}"
    ),
    "MemoryForm.limit": case(HOLDING, "services.api.memory.limit", "40MB", "50MB", "null"),
    "MemoryForm.base": case(HOLDING, "services.api.memory.base", "20MB", "30MB", "null"),
    "MemoryForm.per_request": case(HOLDING, "services.api.memory.per_request", "15MB", "20MB", "null"),
    "ServiceForm.start": case(SYSTEM, "services.api.start", "{boot: 200ms}", "{warm_up: {for: 300ms, speed: 0.1}}"),
    "StartForm.boot": case(SYSTEM, "services.api.start.boot", "100ms", "exponential(200ms)", as_is=False),
    "StartForm.warm_up": case(
        SYSTEM, "services.api.start", "{boot: 100ms}", "{boot: 100ms, warm_up: {for: 300ms, speed: 0.1}}"
    ),
    "WarmUpForm.for": case(SYSTEM, "services.api.start.warm_up.for", "100ms", "600ms", also=COLD),
    "WarmUpForm.speed": case(SYSTEM, "services.api.start.warm_up.speed", "0.2", "0.05", also=COLD),
    "ServiceForm.calls": case(
        CALLING, "services.api.calls", "{default: {timeout: 9ms}}", "{db: {timeout: 8ms}}", "{db.main: {timeout: 7ms}}"
    ),
    "DefaultsForm.calls": case(CALLING, "defaults.calls", "{timeout: 9ms}", "{retry: {attempts: 2}}"),
    **policy("CallPolicyForm", CALLING, "services.api.calls.db", "round_robin", "power_of_two")
    | {"CallPolicyForm.balance": case(CALLING, "services.api.calls.db.balance", "random", "round_robin", as_is=False)},
    "RetryForm.attempts": case(RETRYING, "services.api.steps.0.retry.attempts", "2", "3"),
    "RetryForm.backoff": case(RETRYING, "services.api.steps.0.retry.backoff", "null", "{initial: 4ms}"),
    "RetryForm.on": case(RETRYING, "services.api.steps.0.retry.on", "[timeout]"),
    "BackoffForm.initial": case(RETRYING, "services.api.steps.0.retry.backoff.initial", "4ms", "80ms"),
    "BackoffForm.factor": case(
        RETRYING,
        "services.api.steps.0.retry.backoff.factor",
        "1",
        "3",
        also="services.api.steps.0.retry.backoff.max=1s",
    ),
    "BackoffForm.max": case(RETRYING, "services.api.steps.0.retry.backoff.max", "50ms", "60ms"),
    "BackoffForm.jitter": case(
        RETRYING, "services.api.steps.0.retry.backoff.jitter", "full", "equal", "none", as_is=False
    ),
    "FromForm.zone": case(SYSTEM, "traffic.users.from.zone", "b", "c"),
    "SloForm.latency": case(PLAIN, "traffic.users.slo.latency", "5ms", "20ms"),
    "SloForm.availability": case(PLAIN, "traffic.users.slo.availability", "90%", "99.9%", shows="availability"),
    "TrafficForm.to": case(CALLING, "traffic.users.to", "db", "{db: 50%, api: 50%}", "{db: 1, api: 3}"),
    "TrafficForm.arrivals": case(PLAIN, "traffic.users.arrivals", "constant(80/s)", "poisson(90/s)"),
    "TrafficForm.from": case(SYSTEM, "traffic.users.from", "null", "{zone: c}"),
    "TrafficForm.slo": case(PLAIN, "traffic.users.slo", "{latency: 5ms}", "{latency: 9ms}"),
    **policy("TrafficForm", CALLING, "traffic.users")
    | {"TrafficForm.balance": case(CALLING, "traffic.users.balance", "random", also="traffic.users.to=db")},
}
STEPS = {
    "DiskStepForm.disk": case(WRITING, "services.api.steps.1.disk", "sync", "9kB"),
    "DiskStepForm.draw": case(
        DRAWING.replace("STEP", "{disk: sync}").replace(
            "services:", "nodes: {app: {disk: {fsync: exponential(8ms)}}}\nservices:"
        ),
        "services.db.steps.0.draw",
        "attempt",
        "request",
        as_is=False,
        also="services.db.nodes=app",
    ),
    "OperationForm.bytes": case(WRITING, "services.api.steps.0.disk.bytes", "1kB", "9kB"),
    "OperationForm.sync": case(
        WRITING, "services.api.steps.0.disk.sync", "false", also="services.api.steps.1={disk: sync}"
    ),
    "DiskForm.access": case(WRITING, "nodes.app.disk.access", "2ms", "exponential(1ms)", "null"),
    "DiskForm.throughput": case(WRITING, "nodes.app.disk.throughput", "2MB/s", "500kB/s", "null"),
    "DiskForm.fsync": case(WRITING, "nodes.app.disk.fsync", "4ms", "exponential(8ms)"),
    "CpuForm.cpu": case(BRANCHING, "services.api.steps.1.cpu", "2ms", "exponential(1ms)"),
    "CpuForm.draw": drawing("{cpu: exponential(8ms)}"),
    "IoForm.io": case(BRANCHING, "services.api.steps.1", "{io: 2ms}", "{io: 3ms}"),
    "IoForm.draw": drawing("{io: exponential(8ms)}"),
    "FailForm.fail": case(BRANCHING, "services.api.steps.1", "{fail: 20%}", "{fail: 30%}"),
    "FailForm.draw": drawing("{fail: 40%}"),
    "CallForm.call": case(CALLING, "services.api.steps.0.call", "log"),
    "CallForm.optional": case(CALLING, "services.api.steps.0.optional", "true"),
    **policy("CallForm", CALLING, "services.api.steps.0"),
    "ChooseForm.choose": case(DEEP, "services.api.steps.0.choose", "[{weight: 1, steps: [{io: 1ms}]}]"),
    "ChooseForm.draw": drawing("{choose: [{weight: 50%, steps: [{io: 9ms}]}, {weight: 50%, steps: []}]}"),
    "OptionForm.weight": case(
        DEEP,
        "services.api.steps.0.choose.0.weight",
        "1",
        "2",
        as_is=False,
        also="services.api.steps.0.choose.1.weight=5",
    ),
    "OptionForm.steps": case(DEEP, "services.api.steps.0.choose.1.steps", "[]", "[{cpu: 2ms}]"),
    "RepeatForm.repeat": case(BRANCHING, "services.api.steps.1", "{repeat: {times: 2, steps: [{cpu: 2ms}]}}"),
    "TurnsForm.times": case(
        BRANCHING, "services.api.steps.1", *(f"{{repeat: {{times: {n}, steps: [{{cpu: 2ms}}]}}}}" for n in (1, 2, 3))
    ),
    "TurnsForm.steps": case(
        BRANCHING, "services.api.steps.1", *(f"{{repeat: {{times: 2, steps: [{{cpu: {n}ms}}]}}}}" for n in (1, 2, 3))
    ),
    "ParallelForm.parallel": case(
        BRANCHING, "services.api.steps.0.parallel", "[{call: fast}]", "[[{call: fast}, {call: slow}]]"
    ),
    "ParallelForm.optional": case(BRANCHING, "services.api.steps.0.optional", "true"),
    "BranchingForm.of": case(BRANCHING, "services.api.steps.0.parallel.of", "[{call: fast}]", "[{call: slow}]"),
    "BranchingForm.need": case(BRANCHING, "services.api.steps.0.parallel.need", "1"),
    "BranchingForm.rest": case(BRANCHING, "services.api.steps.0.parallel.rest", "cancel", "continue", as_is=False),
    "BehaviourForm.behaviour": case(BEHAVING, "services.api.endpoints.main.behaviour", "inert_plugin:wait_first"),
    "BehaviourForm.calls": case(BEHAVING, "services.api.endpoints.main.calls", "[{call: db, timeout: 5ms}]"),
}
SIZED = "{endpoints: {main: {steps: [{io: exponential(20ms)}], %s}}, nodes: far, instances: 2}"
TALKING = BEHAVING.replace("services:", "network: {same_zone: {latency: 1ms, bandwidth: 1Mbps}}\nservices:").replace(
    "to: api", "to: api, from: {zone: default}"
)
MESSAGES = {
    **{f"ServiceForm.{key}": case(NARROW, f"services.db.{key}", "5kB", "2KiB") for key in ("request", "response")},
    **{
        f"EndpointForm.{key}": case(NARROW, "services.db", SIZED % f"{key}: 5kB", SIZED % f"{key}: 100B")
        for key in ("request", "response")
    },
    "EndpointForm.steps": case(
        PLAIN, "services.api", *(f"{{endpoints: {{a: {{steps: [{{cpu: {n}ms}}]}}}}}}" for n in (1, 2))
    ),
    **{
        f"BehaviourForm.{key}": case(TALKING, f"services.api.endpoints.main.{key}", "3kB", "100B")
        for key in ("request", "response")
    },
}
FORM_CASES = TEXTS | FILE | RUN | MACHINES | FAULTS | SERVICES | STEPS | MESSAGES

LAWS: dict[str, tuple[tuple[dict[str, str], dict[str, str]], ...]] = {
    "constant": (({"value": "5ms"}, {"value": "6ms"}),),
    "exponential": (({"mean": "5ms"}, {"mean": "6ms"}),),
    "uniform": (({"low": "1ms", "high": "9ms"}, {"low": "2ms", "high": "8ms"}),),
    "normal": (({"mean": "5ms", "sd": "1ms"}, {"mean": "6ms", "sd": "2ms"}),),
    "lognormal": (({"mean": "5ms", "cv": "0.5"}, {"mean": "6ms", "cv": "80%"}),),
    "gamma": (({"mean": "5ms", "cv": "0.5"}, {"mean": "6ms", "cv": "2"}),),
    "erlang": (({"mean": "5ms", "stages": "2"}, {"mean": "6ms", "stages": "5"}),),
    "weibull": (({"mean": "5ms", "shape": "0.8"}, {"mean": "6ms", "shape": "1.5"}),),
    "pareto": (
        ({"mean": "5ms", "shape": "2"}, {"mean": "6ms", "shape": "3"}),
        ({"minimum": "2ms", "shape": "2"}, {"minimum": "3ms"}),
    ),
    "hyperexponential": (
        ({"mean": "5ms", "cv": "2"}, {"mean": "6ms", "cv": "3"}),
        (
            {"probabilities": "[50%, 50%]", "means": "[1ms, 9ms]"},
            {"probabilities": "[0.9, 0.1]", "means": "[2ms, 9ms]"},
        ),
    ),
    "bimodal": (({"low": "1ms", "high": "9ms", "share": "10%"}, {"low": "2ms", "high": "8ms", "share": "0.2"}),),
    "mixture": (
        (
            {"components": "[{weight: 50%, of: 1ms}, {weight: 50%, of: 9ms}]"},
            {
                "components": "[{weight: 1, of: 1ms}]",
                "components.weight": "[{weight: 60%, of: 1ms}, {weight: 40%, of: 9ms}]",
                "components.of": "[{weight: 50%, of: 1ms}, {weight: 50%, of: exponential(9ms)}]",
            },
        ),
    ),
    "shifted": (({"of": "exponential(4ms)", "plus": "1ms"}, {"of": "4ms", "plus": "2ms"}),),
    "scaled": (({"of": "exponential(4ms)", "times": "2"}, {"of": "4ms", "times": "150%"}),),
    **dict.fromkeys(
        ("empirical", "replay"),
        (
            ({"values": "[1ms, 5ms]"}, {"values": "[1ms, 6ms]"}),
            (
                {"file": "two.csv", "column": "wait", "unit": "ms"},
                {"file": "three.csv", "column": "work", "unit": "us"},
            ),
        ),
    ),
}
"""For each form of a distribution: its parameters, and another value for each."""
ARRIVALS: dict[str, tuple[tuple[dict[str, str], dict[str, str]], ...]] = {
    "poisson": (({"rate": "50/s"}, {"rate": "60/s"}),),
    "constant": (({"rate": "50/s"}, {"rate": "60/s"}),),
    "renewal": (({"gap": "exponential(20ms)"}, {"gap": "20ms"}),),
    "mmpp": (
        (
            {"states": "[{rate: 20/s, for: 100ms}, {rate: 90/s, for: 100ms}]"},
            {
                "states": "[{rate: 20/s, for: 100ms}, {rate: 90/s, for: 100ms}, {rate: 0/s, for: 1s}]",
                "states.rate": "[{rate: 20/s, for: 100ms}, {rate: 80/s, for: 100ms}]",
                "states.for": "[{rate: 20/s, for: 100ms}, {rate: 90/s, for: 200ms}]",
            },
        ),
    ),
    "steps": (
        (
            {"steps": "[{at: 0s, rate: 20/s}, {at: 1s, rate: 50/s}]"},
            {
                "steps": "[{at: 0s, rate: 20/s}]",
                "steps.at": "[{at: 0s, rate: 20/s}, {at: 1.5s, rate: 50/s}]",
                "steps.rate": "[{at: 0s, rate: 20/s}, {at: 1s, rate: 60/s}]",
            },
        ),
    ),
    "ramp": (
        (
            {"from": "10/s", "to": "90/s", "over": "1s", "at": "500ms"},
            {"from": "20/s", "to": "80/s", "over": "500ms", "at": "0s"},
        ),
    ),
    "spike": (
        (
            {"base": "10/s", "peak": "90/s", "at": "500ms", "for": "1s"},
            {"base": "20/s", "peak": "80/s", "at": "0s", "for": "500ms"},
        ),
    ),
    "diurnal": (
        (
            {"mean": "50/s", "amplitude": "50%", "period": "1s", "phase": "25%"},
            {"mean": "60/s", "amplitude": "0.9", "period": "2s", "phase": "75%"},
        ),
    ),
    "closed": (({"users": "3", "think": "exponential(20ms)"}, {"users": "4", "think": "30ms"}),),
    "trace": (
        (
            {"file": "two.csv", "column": "at", "unit": "ms", "from_zero": "true", "key": "who", "size": "bytes"},
            {
                "file": "three.csv",
                "column": "then",
                "unit": "s",
                "from_zero": "false",
                "key": "whose",
                "size": "kilobytes",
            },
        ),
        ({"file": "two.csv", "column": "at", "endpoint": "where"}, {"endpoint": "whither"}),
    ),
}
TABLES = {
    "two.csv": "wait,work,at,then,who,whose,bytes,kilobytes,where,whither\n"
    "5,3,0.1,0.2,1,2,10,1,api.main,db.main\n7,9,0.4,0.6,2,3,20,2,db.main,db.main\n",
    "three.csv": "wait,work,at,then,who,whose,bytes,kilobytes\n"
    "4,3,0.1,0.2,1,2,10,1\n5,3,0.2,0.3,1,2,10,1\n7,9,0.4,0.6,2,3,20,2\n",
}
"""Files that the recorded things read."""
POLICIES: dict[str, dict[str, tuple[str, str]]] = {
    "round_robin": {},
    "random": {},
    "least_outstanding": {},
    "power_of_two": {"choices": ("1", "3")},
    "weighted_round_robin": {"weights": ("[1, 1, 1, 1]", "[1, 2, 3, 4]")},
}
"""Two values for each parameter of a balancing policy."""

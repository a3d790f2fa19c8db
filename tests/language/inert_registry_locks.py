"""Cases for locks, what they protect, and the stores that keep them."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

LOCKED = """\
scenario: s
run: {duration: 12s, warmup: 0s, drain: 5s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  job:
    nodes: app
    instances: 2
    steps: [{lock: {store: locks, key: orders, lease: 2s, wait: 3s, steps: [{io: 400ms}, {call: ledger}]}}]
  ledger: {nodes: infra, instances: 1, steps: [{guard: {resource: ledger, fencing: true}}]}
stores:
  locks: {etcd: {nodes: infra}}
  others: {etcd: {nodes: infra, members: 1}}
traffic: {users: {to: job, from: {zone: default}, arrivals: constant(1.5/s)}}
failures:
  stops: {at: 2100ms, pause: job-1, for: 4s}
"""
UNUSED = "stores.others=null"
LOCK = "services.job.steps.0.lock"
GUARD = "services.ledger.steps.0.guard"
NESTED = LOCKED.replace("io: 400ms", "lock: {store: others, key: b, steps: [{io: 400ms}]}")
TWO = """\
scenario: s
run: {duration: 8s, warmup: 0s, drain: 5s, window: 500ms}
network: {same_zone: {latency: 1ms}}
services:
  job: {steps: [{lock: {store: locks, key: orders, steps: [{io: 300ms}, {call: ledger.write}]}}]}
  clerk: {steps: [{lock: {store: locks, key: stock, steps: [{io: 700ms}, {call: ledger.count}]}}]}
  ledger:
    endpoints:
      write: [{guard: {resource: ledger, fencing: true}}]
      count: [{guard: {resource: ledger, fencing: true}}]
stores: {locks: etcd}
traffic:
  jobs: {to: job, arrivals: constant(1/s)}
  counts: {to: clerk, arrivals: constant(0.9/s)}
"""
REDLOCK = """\
scenario: s
run: {duration: 12s, warmup: 0s, drain: 5s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 5}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  job:
    nodes: app
    instances: 2
    steps: [{lock: {store: locks, key: orders, lease: 2s, wait: 3s, steps: [{io: 400ms}]}}]
stores: {locks: {redlock: {nodes: infra}}}
traffic: {users: {to: job, from: {zone: default}, arrivals: constant(2/s)}}
failures:
  stops: {at: 2100ms, pause: job-1, for: 4s}
  silent: {at: 1s, crash: infra-2, for: 5s}
"""
STORE = "stores.locks.redlock"
ELECTED = """\
scenario: s
run: {duration: 12s, warmup: 0s, drain: 5s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  job:
    nodes: app
    instances: 2
    leader_elected: {store: locks, lease: 2s}
    io: 1ms
  clerk: {nodes: app, leader_elected: others, io: 1ms}
stores: {locks: {etcd: {nodes: infra}}, others: {etcd: {nodes: infra, members: 1}}}
traffic:
  users: {to: job, from: {zone: default}, arrivals: constant(5/s)}
  others: {to: clerk, from: {zone: default}, arrivals: constant(1/s)}
failures:
  one: {at: 2s, crash: job-1, for: 5s}
  two: {at: 7s, crash: job-2, for: 5s}
"""
LEADER = "services.job.leader_elected"

CASES: dict[str, Case] = {
    "ScenarioForm.stores": case(REDLOCK, "stores", "{locks: {redlock: {nodes: infra, members: 3}}}"),
    "LockForm.lock": case(LOCKED, LOCK, "{store: locks, key: a, steps: [{io: 1ms}, {call: ledger}]}", also=UNUSED),
    "HeldForm.store": case(NESTED, f"{LOCK}.store", "others"),
    "HeldForm.key": case(TWO, f"{LOCK}.key", "stock"),
    "HeldForm.lease": case(LOCKED, f"{LOCK}.lease", "5s", also=UNUSED),
    "HeldForm.wait": case(LOCKED, f"{LOCK}.wait", "500ms", also=UNUSED),
    "HeldForm.steps": case(LOCKED, f"{LOCK}.steps", "[{io: 100ms}, {call: ledger}]", also=UNUSED),
    "GuardForm.guard": case(LOCKED, GUARD, "{resource: ledger, fencing: false}", also=UNUSED),
    "ResourceForm.resource": case(TWO, "services.ledger.endpoints.write.0.guard.resource", "books"),
    "ResourceForm.fencing": case(LOCKED, f"{GUARD}.fencing", "false", also=UNUSED),
    "ServiceForm.leader_elected": case(ELECTED, LEADER, "{store: locks, lease: 5s}"),
    "ElectedForm.store": case(ELECTED, f"{LEADER}.store", "others"),
    "ElectedForm.lease": case(ELECTED, f"{LEADER}.lease", "5s"),
    "RedlockForm.members": case(REDLOCK, f"{STORE}.members", "3"),
    "RedlockForm.nodes": case(REDLOCK, f"{STORE}.nodes", "[app]", also="failures.silent=null"),
    "RedlockForm.request_timeout": case(REDLOCK, f"{STORE}.request_timeout", "10ms", "200ms"),
    "RedlockForm.drift": case(REDLOCK, f"{STORE}.drift", "99.9%"),
    "RedlockForm.retry_delay": case(REDLOCK, f"{STORE}.retry_delay", "50ms", "500ms"),
    "RedlockForm.retry_jitter": case(REDLOCK, f"{STORE}.retry_jitter", "0s", "200ms"),
}  # fmt: skip

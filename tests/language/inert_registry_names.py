"""Cases for what clients know without a registry of its own kind: names, health checks, graceful stops."""

from __future__ import annotations

from tests.language.inert_cases import Case, case
from tests.language.inert_registry_locks import LOCKED

NAMES = """\
scenario: s
run: {duration: 14s, warmup: 0s, drain: 1s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 2}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 2, io: exponential(5ms)}
registry:
  dns: {nodes: infra, ttl: 1500ms, negative_ttl: 400ms, health: {haproxy@2.6: {interval: 400ms}}}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(80/s)}}
failures:
  one: {at: 1s, crash: db-1, for: 4s}
  both: {at: 3s, crash: db-2, for: 2s}
  host: {at: 7s, crash: infra-1, for: 3s}
  client: {at: 7500ms, crash: api-1, for: 500ms}
  nobody answers: {at: 11s, dns_outage: db, for: 1s}
"""
DNS = "registry.dns"
PROBED = """\
scenario: s
run: {duration: 12s, warmup: 0s, drain: 1s, window: 500ms}
nodes: {app: {count: 2}}
network: {same_zone: {latency: 1ms}}
services:
  api:
    nodes: app
    instances: 2
    steps: [{call: db}]
    calls: {db: {health: {haproxy@2.6: {endpoint: main, interval: 500ms, timeout: 400ms}}}}
  db: {instances: 3, endpoints: {main: [{io: exponential(5ms)}], live: [{fail: 50%}]}}
traffic: {users: {to: api, arrivals: poisson(60/s)}}
failures:
  dies: {at: 2s, crash: db-1, for: 3s}
  stops: {at: 4s, pause: db-2, for: 3s}
"""
CHECK = "services.api.calls.db.health"
RULES = f"{CHECK}.haproxy@2.6"
STOPPED = """\
scenario: s
run: {duration: 4s, warmup: 0s, drain: 1s, window: 500ms}
services:
  api: {instances: 2, io: exponential(30ms), drain: 300ms}
traffic: {users: {to: api, arrivals: poisson(100/s)}}
failures:
  x: {at: 1s, restart: api-1, graceful: true, for: 500ms}
"""
ROLLED = STOPPED.replace("restart: api-1", "rolling_restart: api, every: 1s")

UNFENCED = LOCKED.replace("fencing: true", "fencing: false")
API_DIES = "failures.api={at: 5s, crash: api-1, for: 2s}"
STARTS = "services.api.drain=null;services.api.start={boot: 1s}"

CASES: dict[str, Case] = {
    "ScenarioForm.registry": case(NAMES, "registry", "dns", "static"),
    "ScenarioForm.checks": case(UNFENCED, "checks", "[fencing]", shows="violations", also="stores.others=null"),
    "ServiceForm.registry": case(NAMES, "services.db.registry", "static", also="failures.nobody answers=null"),
    "ServiceForm.drain": case(STOPPED, "services.api.drain", "100ms", "1s"),
    "RestartForm.graceful": case(STOPPED, "failures.x.graceful", "false", also=STARTS),
    "RollingRestartForm.graceful": case(ROLLED, "failures.x.graceful", "false", also=STARTS),
    "DnsForm.members": case(NAMES, f"{DNS}.members", "2"),
    "DnsForm.nodes": case(NAMES, f"{DNS}.nodes", "app"),
    "DnsForm.ttl": case(NAMES, f"{DNS}.ttl", "500ms", "4s"),
    "DnsForm.negative_ttl": case(NAMES, f"{DNS}.negative_ttl", "100ms", "1s"),
    "DnsForm.minimum_ttl": case(NAMES, f"{DNS}.minimum_ttl", "2s", "4s"),
    "DnsForm.cache": case(NAMES, f"{DNS}.cache", "shared"),
    "DnsForm.keep": case(NAMES, f"{DNS}.keep", "3s", "forever"),
    "DnsForm.negative_keep": case(NAMES, f"{DNS}.negative_keep", "300ms", "2s"),
    "DnsForm.health": case(NAMES, f"{DNS}.health", "nginx-plus@r31", "{haproxy@2.6: {interval: 400ms, fall: 1}}"),
    "DnsForm.operator": case(NAMES, f"{DNS}.operator", "300ms", "2s"),
    "CallPolicyForm.health": case(PROBED, CHECK, "none", "nginx-plus@r31", "{haproxy@2.6: {interval: 500ms}}"),
    "CallForm.health": case(PROBED, "services.api.steps.0.health", "none", "nginx-plus@r31"),
    "TrafficForm.health": case(PROBED, "traffic.users.health", "{haproxy@2.6: {interval: 300ms}}", also=API_DIES),
    "HealthForm.interval": case(PROBED, f"{RULES}.interval", "300ms", "1s"),
    "HealthForm.fast_interval": case(PROBED, f"{RULES}.fast_interval", "100ms", "1s"),
    "HealthForm.down_interval": case(PROBED, f"{RULES}.down_interval", "100ms", "1s"),
    "HealthForm.timeout": case(PROBED, f"{RULES}.timeout", "100ms", "1s"),
    "HealthForm.fall": case(PROBED, f"{RULES}.fall", "1", "2"),
    "HealthForm.rise": case(PROBED, f"{RULES}.rise", "1", "4"),
    "HealthForm.endpoint": case(PROBED, f"{RULES}.endpoint", "live", "null"),
}  # fmt: skip

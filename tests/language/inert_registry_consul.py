"""Cases for what is found through Consul."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 40s, warmup: 0s, drain: 1s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 2, io: exponential(5ms)}
registry:
  consul: {nodes: infra, interval: 2s, timeout: 1s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  silent: {at: 1s, pause: db-2, for: 8s}
  dies: {at: 14500ms, crash: db-1, for: 15s}
  leads: {at: 14s, crash: consul-1, for: 17s}
  client: {at: 22s, crash: api-1, for: 1s}
"""
WIDE = FOUND.replace("app: {count: 2}", "app: {count: 4}").replace("instances: 2, steps", "instances: 4, steps")
LONG = (
    FOUND.replace("duration: 40s", "duration: 120s")
    .replace("at: 22s, crash: api-1", "at: 100s, restart: db-2, graceful: true")
    .replace("for: 15s}", "for: 100s}")
    .replace("timeout: 1s}", "timeout: 1s, deregister_critical_after: 1min}")
)
CONSUL = "registry.consul"

UNTIMED = f"{CONSUL}.interval=null;{CONSUL}.timeout=null"
CASES: dict[str, Case] = {
    "ConsulForm.servers": case(FOUND, f"{CONSUL}.servers", "1", "5"),
    "ConsulForm.nodes": case(FOUND, f"{CONSUL}.nodes", "[app]"),
    "ConsulForm.check": case(FOUND, f"{CONSUL}.check", "false", also=UNTIMED),
    "ConsulForm.interval": case(FOUND, f"{CONSUL}.interval", "1s", "3s"),
    "ConsulForm.timeout": case(FOUND, f"{CONSUL}.timeout", "500ms", "3s"),
    "ConsulForm.success_before_passing": case(FOUND, f"{CONSUL}.success_before_passing", "2", "3"),
    "ConsulForm.failures_before_critical": case(FOUND, f"{CONSUL}.failures_before_critical", "2", "3"),
    "ConsulForm.deregister_critical_after": case(LONG, f"{CONSUL}.deregister_critical_after", "80s", "none"),
    "ConsulForm.consistency": case(WIDE, f"{CONSUL}.consistency", "stale", "consistent"),
    "ConsulForm.wait": case(FOUND, f"{CONSUL}.wait", "1s", "4s", also=f"{CONSUL}.servers=1"),
    "ConsulForm.raft_multiplier": case(FOUND, f"{CONSUL}.raft_multiplier", "1", "2"),
    "ConsulForm.sync_interval": case(LONG, f"{CONSUL}.sync_interval", "5s", "20s"),
    "ConsulForm.reap_interval": case(LONG, f"{CONSUL}.reap_interval", "1s", "7s"),
}

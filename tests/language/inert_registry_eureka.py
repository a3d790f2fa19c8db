"""Cases for what is found through Eureka."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 30s, warmup: 0s, drain: 1s, window: 1s}
nodes: {app: {count: 2}, infra: {count: 2}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 8, io: exponential(5ms)}
registry:
  eureka: {nodes: infra, servers: 2, renew: 1s, lease: 2s, fetch: 1s, register_after: 800ms, balancer_refresh: 1s,
    evict: 2s, response_cache: 1s, expected_renewal: 1s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  dies: {at: 1s, crash: db-1, for: 15s}
  client: {at: 24s, crash: api-1, for: 1s}
"""
KEPT = (
    FOUND.replace("duration: 30s", "duration: 100s")
    .replace("lease: 2s", "lease: 40s")
    .replace("crash: db-1, for: 15s", "crash: [db-1, db-2]")
)
"""Two of eight are too many, if the servers have counted a minute of it before their leases are over."""
ALONE = (
    FOUND.replace("servers: 2", "servers: 1, wait_when_empty: 2s, threshold_update: 3s")
    .replace("at: 1s, crash: db-1, for: 15s", "at: 10s, crash: db-1")
    .replace("at: 24s, crash: api-1", "at: 4s, crash: eureka-1")
    .replace("duration: 30s", "duration: 90s")
)
"""A server that starts with nothing expects nobody until it has counted."""
EUREKA = "registry.eureka"

CASES: dict[str, Case] = {
    "EurekaForm.servers": case(FOUND, f"{EUREKA}.servers", "1", "3"),
    "EurekaForm.nodes": case(FOUND, f"{EUREKA}.nodes", "[app]", also="failures.silent={at: 22s, crash: app-2}"),
    "EurekaForm.renew": case(FOUND, f"{EUREKA}.renew", "500ms", "1500ms"),
    "EurekaForm.lease": case(FOUND, f"{EUREKA}.lease", "1500ms", "4s"),
    "EurekaForm.fetch": case(FOUND, f"{EUREKA}.fetch", "4s", "8s"),
    "EurekaForm.register_after": case(FOUND, f"{EUREKA}.register_after", "0s", "400ms"),
    "EurekaForm.balancer_refresh": case(FOUND, f"{EUREKA}.balancer_refresh", "2s", "4s"),
    "EurekaForm.evict": case(FOUND, f"{EUREKA}.evict", "1s", "4s"),
    "EurekaForm.response_cache": case(FOUND, f"{EUREKA}.response_cache", "none", "3s"),
    "EurekaForm.self_preservation": case(KEPT, f"{EUREKA}.self_preservation", "false"),
    "EurekaForm.threshold": case(KEPT, f"{EUREKA}.threshold", "50%"),
    "EurekaForm.threshold_update": case(ALONE, f"{EUREKA}.threshold_update", "1h"),
    "EurekaForm.expected_renewal": case(KEPT, f"{EUREKA}.expected_renewal", "2s"),
    "EurekaForm.wait_when_empty": case(ALONE, f"{EUREKA}.wait_when_empty", "0s", "82s"),
}

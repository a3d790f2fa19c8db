"""Cases for what is found through go-micro's registry."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 30s, warmup: 0s, drain: 1s, window: 1s}
nodes: {app: {count: 2}, infra: {count: 1}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 4, io: exponential(5ms)}
registry:
  go_micro: {nodes: infra, ttl: 3s, interval: 1s, cache: 2s, retry: 1s, timeout: 1s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  dies: {at: 1s, crash: db-1, for: 7s}
  also dies: {at: 12500ms, crash: db-2, for: 14s}
  registry: {at: 14s, crash: infra-1, for: 5s}
  client: {at: 18s, crash: api-1, for: 500ms}
"""
MICRO = "registry.go_micro"

CASES: dict[str, Case] = {
    "GoMicroForm.nodes": case(
        FOUND, f"{MICRO}.nodes", "[app]", also="failures.registry={at: 14s, crash: app-1, for: 5s}"
    ),
    "GoMicroForm.ttl": case(FOUND, f"{MICRO}.ttl", "1500ms", "6s"),
    "GoMicroForm.interval": case(FOUND, f"{MICRO}.interval", "500ms", "2s"),
    "GoMicroForm.cache": case(FOUND, f"{MICRO}.cache", "1s", "5s"),
    "GoMicroForm.retry": case(FOUND, f"{MICRO}.retry", "300ms", "3s"),
    "GoMicroForm.timeout": case(FOUND, f"{MICRO}.timeout", "500ms", "3s"),
    "GoMicroForm.expiry_events": case(FOUND, f"{MICRO}.expiry_events", "true"),
}

"""Cases for what is kept in Redis."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 30s, warmup: 0s, drain: 1s, window: 1s}
nodes: {app: {count: 2}, infra: {count: 4}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 4, io: exponential(5ms)}
registry:
  redis: {nodes: infra, servers: 4, ttl: 1500ms, refresh: 1s, poll: 500ms, down_after: 1s, failover_timeout: 5s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  dies: {at: 1s, crash: db-1, for: 5s}
  primary: {at: 10s, crash: infra-1, for: 10s}
"""
VOTELESS = FOUND.replace("infra-1, for: 10s", "redis-1").replace(
    "  dies:", "  few: {at: 9s, crash: [redis-sentinel-2, redis-sentinel-3], for: 8s}\n  dies:"
)
"""Nobody can be elected at first, and the next try takes its time."""
REDIS = "registry.redis"

CASES: dict[str, Case] = {
    "RedisForm.servers": case(FOUND, f"{REDIS}.servers", "1", "2"),
    "RedisForm.nodes": case(FOUND, f"{REDIS}.nodes", "[app]", also=f"{REDIS}.sentinel_nodes=infra"),
    "RedisForm.sentinels": case(FOUND, f"{REDIS}.sentinels", "2", "5"),
    "RedisForm.sentinel_nodes": case(FOUND, f"{REDIS}.sentinel_nodes", "[app]", "[app, infra]"),
    "RedisForm.quorum": case(FOUND, f"{REDIS}.quorum", "1", "3"),
    "RedisForm.down_after": case(FOUND, f"{REDIS}.down_after", "500ms", "2s"),
    "RedisForm.failover_timeout": case(VOTELESS, f"{REDIS}.failover_timeout", "2s", "20s", also=f"{REDIS}.quorum=1"),
    "RedisForm.parallel_syncs": case(FOUND, f"{REDIS}.parallel_syncs", "2", also=f"{REDIS}.read_from=replica"),
    "RedisForm.ttl": case(FOUND, f"{REDIS}.ttl", "1100ms", "3s"),
    "RedisForm.refresh": case(FOUND, f"{REDIS}.refresh", "500ms", "1400ms"),
    "RedisForm.poll": case(FOUND, f"{REDIS}.poll", "1s", "3s"),
    "RedisForm.timeout": case(FOUND, f"{REDIS}.timeout", "500ms", "4s"),
    "RedisForm.read_from": case(FOUND, f"{REDIS}.read_from", "replica"),
}

"""Cases for what is kept in etcd."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 30s, warmup: 0s, drain: 1s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {instances: 2, io: exponential(5ms)}
registry:
  etcd: {nodes: infra, lease: 4s, keep_alive: 1s, request_timeout: 2s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  dies: {at: 1s, crash: db-1, for: 8s}
  leads: {at: 3s, crash: infra-1, for: 17s}
  quorum: {at: 10s, crash: infra-2, for: 10s}
  client: {at: 12s, crash: api-1, for: 1s}
  instance: {at: 13s, crash: db-2, for: 1s}
"""
SILENT = """\
scenario: s
run: {duration: 20s, warmup: 0s, drain: 1s, window: 500ms}
nodes: {app: {count: 2}, infra: {count: 3}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  api: {nodes: app, instances: 6, steps: [{call: db}]}
  db: {instances: 2, io: exponential(5ms)}
registry:
  etcd: {nodes: infra, lease: 2s, keep_alive: 1s, keep_alive_timeout: 4s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  silent: {at: 1s, crash: infra-3}
  dies: {at: 2s, crash: db-1}
"""
ETCD = "registry.etcd"
NO_HOST = "failures.silent=null"

CASES: dict[str, Case] = {
    "EtcdForm.members": case(FOUND, f"{ETCD}.members", "1", "5"),
    "EtcdForm.nodes": case(SILENT, f"{ETCD}.nodes", "[app]", also=NO_HOST),
    "EtcdForm.lease": case(FOUND, f"{ETCD}.lease", "2s", "10s"),
    "EtcdForm.heartbeat": case(FOUND, f"{ETCD}.heartbeat", "50ms", "200ms"),
    "EtcdForm.election": case(FOUND, f"{ETCD}.election", "500ms", "2s"),
    "EtcdForm.pre_vote": case(FOUND, f"{ETCD}.pre_vote", "false"),
    "EtcdForm.reads": case(FOUND, f"{ETCD}.reads", "serializable"),
    "EtcdForm.keep_alive": case(SILENT, f"{ETCD}.keep_alive", "2s", "none"),
    "EtcdForm.keep_alive_timeout": case(SILENT, f"{ETCD}.keep_alive_timeout", "1s", "3s"),
    "EtcdForm.request_timeout": case(FOUND, f"{ETCD}.request_timeout", "500ms", "3s"),
    "EtcdForm.retry": case(FOUND, f"{ETCD}.retry", "300ms", "2s"),
}

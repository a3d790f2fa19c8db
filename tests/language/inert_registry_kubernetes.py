"""Cases for what is found through Kubernetes."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

FOUND = """\
scenario: s
run: {duration: 60s, warmup: 0s, drain: 1s, window: 1s}
nodes: {app: {count: 2}, data: {count: 4}, infra: {count: 2}}
network: {same_zone: {latency: 1ms}, same_node: {latency: 100us}}
services:
  api: {nodes: app, instances: 2, steps: [{call: db}]}
  db: {nodes: data, instances: 8, io: exponential(5ms)}
registry:
  kubernetes: {nodes: infra, servers: 2, period: 1s, timeout: 500ms, failures: 2, grace: 4s, lease: 1s, monitor: 1s}
traffic: {users: {to: api, from: {zone: default}, arrivals: poisson(20/s)}}
failures:
  silent: {at: 1s, pause: [db-1, db-2, db-3], for: 4s}
  host: {at: 10s, crash: data-4, for: 8s}
  server: {at: 19s, crash: kubernetes-2, for: 3s}
  dies: {at: 20s, crash: [db-1, db-2, db-3], for: 4s}
  servers: {at: 30s, crash: [kubernetes-1, kubernetes-2], for: 2s}
  unseen: {at: 29s, crash: [db-4, db-5], for: 25s}
"""
KUBERNETES = "registry.kubernetes"

CASES: dict[str, Case] = {
    "KubernetesForm.servers": case(FOUND, f"{KUBERNETES}.servers", "3", "4"),
    "KubernetesForm.nodes": case(FOUND, f"{KUBERNETES}.nodes", "[data]", also="failures.late={at: 40s, crash: data-2}"),
    "KubernetesForm.period": case(FOUND, f"{KUBERNETES}.period", "500ms", "2s"),
    "KubernetesForm.timeout": case(FOUND, f"{KUBERNETES}.timeout", "100ms", "900ms"),
    "KubernetesForm.failures": case(FOUND, f"{KUBERNETES}.failures", "1", "3"),
    "KubernetesForm.successes": case(FOUND, f"{KUBERNETES}.successes", "2", "3"),
    "KubernetesForm.relist": case(FOUND, f"{KUBERNETES}.relist", "500ms", "200ms"),
    "KubernetesForm.status_sync": case(FOUND, f"{KUBERNETES}.status_sync", "30s", "1h"),
    "KubernetesForm.lease": case(FOUND, f"{KUBERNETES}.lease", "500ms", "3500ms"),
    "KubernetesForm.monitor": case(FOUND, f"{KUBERNETES}.monitor", "500ms", "3s"),
    "KubernetesForm.grace": case(FOUND, f"{KUBERNETES}.grace", "2s", "6s"),
    "KubernetesForm.endpoint_batch": case(FOUND, f"{KUBERNETES}.endpoint_batch", "500ms", "2s"),
    "KubernetesForm.proxy_sync": case(FOUND, f"{KUBERNETES}.proxy_sync", "0s", "4s"),
}

"""Cases for the keys of transports: links that lose and are narrow, servers that die and come back."""

from __future__ import annotations

from tests.language.inert_cases import Case, case

WIRED = """\
scenario: s
run: {duration: 4s, warmup: 400ms, drain: 2s, window: 500ms}
nodes: {app: {count: 2, zones: [a, b], cores: 2}, far: {count: 2, zones: [b, c], cores: 2}}
network: {same_zone: {latency: 1ms}, across_zones: {latency: 10ms, loss: 3%, bandwidth: 20Mbps}, transport: TRANSPORT}
services:
  api: {nodes: app, instances: 2, steps: [{cpu: exponential(1ms)}, {call: db}]}
  db: {nodes: far, instances: 2, io: exponential(5ms), request: 1kB, response: 30kB}
traffic:
  users: {to: api, from: {zone: a}, arrivals: poisson(60/s), timeout: 1s}
  rare: {to: db, from: {zone: a}, arrivals: poisson(1/s), timeout: 3s}
failures:
  host: {at: 800ms, crash: far-2, for: 900ms}
"""


def wired(transport: str) -> str:
    return WIRED.replace("TRANSPORT", transport)


TCP = {
    "streams": ("2", "100"),
    "max_connections": ("1", "2"),
    "max_idle": ("0", "1"),
    "idle_timeout": ("1ms", "200ms"),
    "connect_timeout": ("15ms", "50ms"),
    "tls": ("true", "false"),
    "segment": ("500B", "3kB"),
    "initial_window": ("2", "20"),
    "receive_window": ("4kB", "12kB"),
    "rto_min": ("50ms", "400ms"),
    "rto_initial": ("100ms", "500ms"),
    "rto_max": ("1s", "1100ms"),
    "retries": ("0", "1"),
    "dial_retries": ("0", "1"),
}
ALSO = {"rto_max": "defaults.calls.timeout=none;traffic.users.timeout=none;network.across_zones.loss=30%"}
PLACE = "network.transport"
TRANSPORT: dict[str, Case] = {
    "NetworkForm.transport": case(wired("tcp"), PLACE, "udp", "go-net-http@1.22", "{grpc-go@1.60: {tls: true}}"),
    "CallPolicyForm.transport": case(wired("ideal"), "defaults.calls.transport", "udp", "tcp"),
    "TrafficForm.transport": case(wired("ideal"), "traffic.users.transport", "udp", "tcp"),
    "IdealForm.resend": case(wired("ideal"), PLACE, "{ideal: {resend: 100ms}}", "{ideal: {resend: 50ms}}"),
    "UdpForm.datagram": case(wired("udp"), PLACE, "{udp: {datagram: 500B}}", "{udp: {datagram: 9kB}}"),
    **{
        f"TcpForm.{key}": case(
            wired("tcp"),
            PLACE,
            *(f"{{tcp: {{{key}: {value}}}}}" for value in values),
            as_is=key not in ("tls", "dial_retries"),
            also=ALSO.get(key, ""),
        )
        for key, values in TCP.items()
    },
}

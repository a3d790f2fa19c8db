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
    "keep_alive": ("100ms", "400ms"),
}
LONGER = "services.db.io=300ms;run.duration=6s;failures.host.for=4s;network.across_zones.loss=null;"
LONGER += "traffic.users.timeout=none"
PROBING = {
    "keep_alive_every": ("keep_alive_every: 50ms", "keep_alive_every: 200ms"),
    "keep_alive_probes": (
        "keep_alive_every: 50ms, keep_alive_probes: 1",
        "keep_alive_every: 50ms, keep_alive_probes: 4",
    ),
}
ALSO = {"rto_max": "defaults.calls.timeout=none;traffic.users.timeout=none;network.across_zones.loss=30%"}
PLACE = "network.transport"
DIALLING = WIRED.replace("TRANSPORT", "{tcp: {max_idle: 0}}").rpartition("  host:")[0]
RESOLVED = DIALLING + "  x: {at: 800ms, dns_outage: db, for: 1s}\n"
AT_RANDOM = DIALLING + "  x: {dns_outage: [db, api], mtbf: 500ms, mttr: 6s, common_cause: 50%}\n"
TRANSPORT: dict[str, Case] = {
    "CallForm.transport": case(
        wired("ideal"), "services.api.steps", *(f"[{{call: db, transport: {name}}}]" for name in ("udp", "tcp"))
    ),
    "DnsOutageForm.at": case(RESOLVED, "failures.x.at", "500ms", "1200ms"),
    "DnsOutageForm.for": case(RESOLVED, "failures.x.for", "6s", "7s"),
    "DnsOutageForm.dns_outage": case(RESOLVED, "failures.x.dns_outage", "api", "[api, db]"),
    "DnsOutageForm.mtbf": case(AT_RANDOM, "failures.x.mtbf", "300ms", "exponential(1s)"),
    "DnsOutageForm.mttr": case(AT_RANDOM, "failures.x.mttr", "300ms", "7s", also="run.duration=12s"),
    "DnsOutageForm.common_cause": case(AT_RANDOM, "failures.x.common_cause", "10%", "100%", also="run.duration=12s"),
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
    **{
        f"TcpForm.{key}": case(
            wired("tcp"),
            PLACE,
            *(f"{{tcp: {{keep_alive: 100ms, {value}}}}}" for value in values),
            as_is=False,
            also=LONGER,
        )
        for key, values in PROBING.items()
    },
}

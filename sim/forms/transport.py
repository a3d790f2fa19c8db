"""How messages travel: `transport`, of the network or of some calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.forms.base import (
    Form,
    Mistake,
    MistakeError,
    MistakesError,
    inside,
    not_one,
    read_as,
    schema_of,
    show,
    unknown,
)
from sim.forms.fields import Count, Duration, Flag, Size, TimeoutField, Whole
from sim.model import Ideal, Tcp, Transport, Udp
from sim.units import format_duration

TLS_ROUND_TRIPS = 1
"""Of TLS 1.3 (RFC 8446, section 2) without resumption."""
PRESETS: dict[str, Tcp] = {
    "go-net-http@1.22": Tcp(
        max_idle=2, idle_timeout_s=90.0, connect_timeout_s=30.0, keep_alive_s=15.0, keep_alive_every_s=15.0
    ),
    "grpc-go@1.60": Tcp(streams=100, max_connections=1, max_idle=1, idle_timeout_s=1800.0, connect_timeout_s=20.0),
    "haproxy@2.8": Tcp(idle_timeout_s=5.0),
    "nginx@1.24": Tcp(max_idle=0, idle_timeout_s=60.0, connect_timeout_s=60.0),
}
"""Clients as they come.

Go: `http.DefaultTransport` (two idle connections a host, kept for 90 s; dials for 30 s; probes
after 15 s, every 15 s; HTTP/1.1 without TLS). gRPC: an
HTTP/2 connection a server, 100 streams at once (what clients assume until a server tells them), least connect timeout
20 s, idle after 30 min. HAProxy: `http-reuse safe`, `pool-purge-delay 5s`, `timeout connect` unset. nginx:
`proxy_connect_timeout 60s`, no `keepalive` to upstreams.
"""


class IdealForm(Form):
    shape = "a mapping such as {resend: 200ms}"

    resend: Duration | None = Field(None, examples=["200ms"])

    def transport(self) -> Ideal:
        return Ideal() if self.resend is None else Ideal(self.resend)


class UdpForm(Form):
    shape = "a mapping such as {datagram: 1472B}"

    datagram: Size | None = Field(None, examples=["1472B"])

    def transport(self) -> Udp:
        return Udp() if self.datagram is None else Udp(self.datagram)


class TcpForm(Form):
    """Keys left out keep the values of what it starts from: plain TCP, or a preset."""

    shape = "a mapping such as {max_idle: 2, connect_timeout: 1s}"

    streams: Count | None = Field(None, examples=[100])
    max_connections: Count | None = Field(None, examples=[10])
    max_idle: Whole | None = Field(None, examples=[2])
    idle_timeout: Duration | None = Field(None, examples=["90s"])
    connect_timeout: TimeoutField = Field(None, examples=["1s"])
    tls: Flag | None = Field(None, examples=["true"])
    segment: Size | None = Field(None, examples=["1460B"])
    initial_window: Count | None = Field(None, examples=[10])
    receive_window: Size | None = Field(None, examples=["64KiB"])
    rto_min: Duration | None = Field(None, examples=["200ms"])
    rto_initial: Duration | None = Field(None, examples=["1s"])
    rto_max: Duration | None = Field(None, examples=["120s"])
    retries: Whole | None = Field(None, examples=[15])
    dial_retries: Whole | None = Field(None, examples=[6])
    keep_alive: TimeoutField = Field(None, examples=["15s"])
    keep_alive_every: Duration | None = Field(None, examples=["15s"])
    keep_alive_probes: Count | None = Field(None, examples=[9])

    def problems(self) -> Iterator[Mistake]:
        tcp = self.transport(Tcp())
        if tcp.receive_window_bytes < tcp.segment_bytes:
            text = f"got {tcp.receive_window_bytes:g} B; must hold a segment of {tcp.segment_bytes:g} B"
            yield Mistake(("receive_window",), f"{text}; write e.g. receive_window: 64KiB")
        for key, low, high in (
            ("rto_min", tcp.rto_min_s, tcp.rto_max_s),
            ("rto_initial", tcp.rto_initial_s, tcp.rto_max_s),
        ):
            if low > high:
                text = f"got {format_duration(low)} with rto_max {format_duration(high)}; must be at most rto_max"
                yield Mistake((key,), f"{text}; raise rto_max")

    def transport(self, start: Tcp) -> Tcp:
        """What it makes of a plain TCP or a preset."""
        names = {
            "idle_timeout": "idle_timeout_s",
            "connect_timeout": "connect_timeout_s",
            "segment": "segment_bytes",
            "receive_window": "receive_window_bytes",
            "rto_min": "rto_min_s",
            "rto_initial": "rto_initial_s",
            "rto_max": "rto_max_s",
            "keep_alive": "keep_alive_s",
            "keep_alive_every": "keep_alive_every_s",
        }
        given = {names.get(key, key): getattr(self, key) for key in self.model_fields_set - {"tls"}}
        if self.tls is not None:
            given["tls_round_trips"] = TLS_ROUND_TRIPS if self.tls else 0
        if "initial_window" in given:
            given["initial_window"] = float(given["initial_window"])
        return replace(start, **given)


def read_transport(value: Any, info: ValidationInfo) -> Transport:
    """`tcp`, a preset's name, or one of them with parameters."""
    if isinstance(value, str):
        return _build(value, {}, info.context)
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MistakeError(not_one(value, "one transport such as tcp"))
    [(name, given)] = value.items()
    with inside(name):
        if not isinstance(given, Mapping):
            raise MistakeError(f"got {show(given)}; must be {TcpForm.shape}")
        return _build(name, given, info.context)


def _build(name: str, given: Mapping[str, Any], context: Any) -> Transport:
    if name == "ideal":
        ideal: Ideal = read_as(IdealForm, given, context).transport()
        return ideal
    if name == "udp":
        udp: Udp = read_as(UdpForm, given, context).transport()
        return udp
    if name != "tcp" and name not in PRESETS:
        raise MistakeError(unknown("transport", name, ["ideal", "tcp", "udp", *PRESETS]))
    tcp: Tcp = read_as(TcpForm, given, context).transport(PRESETS.get(name, Tcp()))
    idle = [key for key in ("keep_alive_every", "keep_alive_probes") if key in given and tcp.keep_alive_s is None]
    if idle:
        text = "changes nothing without keep_alive; add keep_alive: 15s, or remove it"
        raise MistakesError([Mistake((key,), text) for key in idle])
    return tcp


TransportField = Annotated[Transport, PlainValidator(read_transport), WithJsonSchema(schema_of("Transport"))]

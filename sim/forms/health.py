"""How a client probes its servers: `health`, of a call policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from sim.forms.base import Form, MistakeError, inside, not_one, read_as, schema_of, show, unknown
from sim.forms.fields import Count, Duration, Identifier
from sim.model import HealthCheck

CHECKERS: dict[str, Mapping[str, Any]] = {
    "haproxy@2.6": {"interval": 2.0, "fall": 3, "rise": 2},
    "nginx-plus@r31": {"interval": 5.0, "fall": 1, "rise": 1, "timeout": 60.0},
    "route53@2024": {"interval": 30.0, "fall": 3, "rise": 3, "timeout": 4.0},
}
"""Who probes, with their defaults in seconds.

HAProxy: `inter`, `fall`, `rise` of a `server` line with `check`; `fastinter` and `downinter` are `inter` where they are
not set, and so is the time for a whole check without `timeout check` (configuration manual, section 5.2; `srv_getinter`
and `process_chk_conn` in its check.c). nginx Plus: `interval`, `fails`, `passes` of `health_check`, and
`proxy_connect_timeout` and `proxy_read_timeout` (ngx_http_upstream_hc_module, ngx_http_proxy_module). Amazon Route 53:
request interval, failure threshold, 4 s for a connection (Developer Guide, Values that you specify when you create or
update health checks); here it is one checker, not a majority of many.
"""
PACED = ("haproxy@2.6",)
"""Who probes at another pace while a change is being counted, and while a server is out."""


class HealthForm(Form):
    """Keys left out are the system's defaults."""

    shape = "a mapping such as {interval: 1s, fall: 2}"

    interval: Duration | None = Field(None, examples=["2s"])
    fast_interval: Duration | None = Field(None, examples=["500ms"])
    down_interval: Duration | None = Field(None, examples=["5s"])
    timeout: Duration | None = Field(None, examples=["1s"])
    fall: Count | None = Field(None, examples=[3])
    rise: Count | None = Field(None, examples=[2])
    endpoint: Identifier | None = Field(None, examples=["health"])

    def check(self, system: str) -> HealthCheck:
        """With the defaults of a system; what it has none for follows the interval."""
        given = {key: getattr(self, key) for key in HealthForm.model_fields}
        value = {key: item for key, item in given.items() if item is not None}
        value = {**CHECKERS[system], **value}
        interval_s = value["interval"]
        return HealthCheck(
            system=system,
            interval_s=interval_s,
            fast_interval_s=value.get("fast_interval", interval_s),
            down_interval_s=value.get("down_interval", interval_s),
            timeout_s=value.get("timeout", interval_s),
            fall=value["fall"],
            rise=value["rise"],
            endpoint=value.get("endpoint"),
        )


def read_health(value: Any, info: ValidationInfo) -> HealthCheck | None:
    """A system that probes, alone or with other settings than its defaults; or none."""
    if value == "none":
        return None
    if isinstance(value, str):
        return _build(value, {}, info.context)
    if isinstance(value, Mapping) and set(value) & set(HealthForm.model_fields):
        example = (
            f"{{{next(iter(CHECKERS))}: {{{', '.join(f'{key}: {show(value[key])}' for key in list(value)[:1])}}}}}"
        )
        raise MistakeError(f"got settings, but not whose rules they change; write e.g. {example}")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise MistakeError(not_one(value, "none, or one system that probes, such as haproxy@2.6"))
    [(name, given)] = value.items()
    with inside(name):
        if not isinstance(given, Mapping):
            raise MistakeError(f"got {show(given)}; must be {HealthForm.shape}")
        return _build(name, given, info.context)


def _build(name: str, given: Mapping[str, Any], context: Any) -> HealthCheck:
    if name not in CHECKERS:
        raise MistakeError(unknown("system that probes", name, CHECKERS))
    form: HealthForm = read_as(HealthForm, given, context)
    for key in ("fast_interval", "down_interval"):
        if name not in PACED and getattr(form, key) is not None:
            with inside(key):
                raise MistakeError(f"got {show(given[key])}, but {name} has one interval for all; write interval: 2s")
    return form.check(name)


HealthField = Annotated[HealthCheck | None, PlainValidator(read_health), WithJsonSchema(schema_of("Health"))]

"""Quantities as people write them: `250ms`, `400/s`, `99.9%`, `10k`, `2kB`, `10Gbps` — and back.

Parsing is exact: the decimal number that was written is scaled as a decimal number and rounded to a float once, so
that `8ms` is the float nearest to 0.008. `format_*` without `digits` is exact too: parsing what it wrote gives the
same float. Parsers take text only; a bare number has no unit and is the caller's mistake to explain.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from decimal import Decimal

from sim.errors import DsimError

DURATIONS: dict[str, Decimal] = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
"""Seconds per unit."""
PREFIXES: dict[str, Decimal] = {"": Decimal(1), "k": Decimal(1000), "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}
RATES: dict[str, Decimal] = {
    f"{prefix}/{unit}": factor / DURATIONS[unit]
    for prefix, factor in PREFIXES.items()
    for unit in ("s", "min", "h", "d")
}
"""Per second, per unit; `/min` and slower are rounded to 28 digits before the one rounding to a float."""
SHARES: dict[str, Decimal] = {"%": Decimal("0.01")}
DRIFTS: dict[str, Decimal] = {"ppm": Decimal(10) ** -6}
"""Seconds per second, per unit."""
SIZES: dict[str, Decimal] = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB"))},
    "KB": Decimal(1000),
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
}
"""Bytes per unit. `KB` is 1000 bytes, as in most documents of today; 1024 bytes are a `KiB`."""
BYTE_RATES: dict[str, Decimal] = {f"{unit}/s": factor for unit, factor in SIZES.items()}
"""Bytes per second, per unit."""
BIT_RATES: dict[str, Decimal] = {
    unit: Decimal(1000) ** power for power, unit in enumerate(("bps", "kbps", "Mbps", "Gbps", "Tbps"))
}
"""Bits per second, per unit."""

_QUANTITY = re.compile(
    r"\s*([+-]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*(.*?)\s*", re.DOTALL
)
_HABITS = {
    "m": ("min", "ms"),
    "sec": ("s",),
    "secs": ("s",),
    "second": ("s",),
    "seconds": ("s",),
    "msec": ("ms",),
    "millis": ("ms",),
    "usec": ("us",),
    "μs": ("us",),  # the Greek letter; the sign µ of the table is another character
    "mins": ("min",),
    "minute": ("min",),
    "minutes": ("min",),
    "hr": ("h",),
    "hour": ("h",),
    "hours": ("h",),
    "day": ("d",),
    "days": ("d",),
    "rps": ("/s",),
    "qps": ("/s",),
    "Hz": ("/s",),
    "/sec": ("/s",),
    "/m": ("/min",),
    "/ms": ("k/s",),
    "K/s": ("k/s",),
    "byte": ("B",),
    "bytes": ("B",),
    **{prefix: (f"{prefix}B", f"{prefix}iB") for prefix in ("K", "M", "G", "T")},
    **{f"{prefix}i": (f"{prefix}iB",) for prefix in ("K", "M", "G", "T")},
    **{
        f"{prefix}{bits}": (f"{prefix}bps",)
        for prefix in ("", "k", "M", "G", "T")
        for bits in ("b/s", "bit/s", "bit", "bits/s")
    },
}
"""What people write, and what they mean."""


class UnitError(DsimError):
    """A quantity that cannot be read; its text starts with what was given."""


def parse_duration(text: str) -> float:
    """Seconds. Raises UnitError; the sign and the size are the caller's to judge."""
    return _parse(text, DURATIONS, "a time", "250ms", "ns, us, ms, s, min, h or d")


def parse_rate(text: str) -> float:
    """Events per second."""
    return _parse(text, RATES, "a rate", "400/s", "/s, /min, /h or /d (10k/s, 2M/s for large ones)")


def parse_share(text: str) -> float:
    """A percentage as a share: `99.9%` is 0.999."""
    return _parse(text, SHARES, "a percentage", "99.9%", "%")


def parse_drift(text: str) -> float:
    """How much faster than time a clock runs, in seconds per second."""
    return _parse(text, DRIFTS, "a drift", "50ppm", "ppm (parts per million)")


def parse_count(text: str) -> int:
    """A whole number, with `k`, `M` or `G` if it is large."""
    value = _decimal(text, PREFIXES, "a number", "10k", "k, M or G")
    if value != value.to_integral_value():
        raise UnitError(f"got {text.strip()}; must be a whole number such as 10k")
    return int(value)


def parse_size(text: str) -> float:
    """Bytes."""
    return _parse(text, SIZES, "a size", "2kB", "B, kB, MB, GB or TB, or in KiB, MiB, GiB or TiB")


def parse_byte_rate(text: str) -> float:
    """Bytes per second."""
    return _parse(text, BYTE_RATES, "a throughput", "500MB/s", "B/s, kB/s, MB/s, GB/s or TB/s")


def parse_bit_rate(text: str) -> float:
    """Bits per second."""
    return _parse(text, BIT_RATES, "a bandwidth", "10Gbps", "bps, kbps, Mbps, Gbps or Tbps (bits; a byte has 8)")


def format_duration(seconds: float, digits: int | None = None) -> str:
    """`8ms`, `1.5s`, `2min`; with `digits`, rounded to so many significant digits."""
    if not math.isfinite(seconds):
        return "for ever" if seconds > 0 else str(seconds)
    value = _decimal_of(seconds, None)
    for unit in ("d", "h", "min"):
        if DURATIONS[unit] <= abs(value) < 10**9 and value % DURATIONS[unit] == 0:
            return _plain(value / DURATIONS[unit]) + unit
    value = _decimal_of(seconds, digits)
    if value == 0:
        return "0s"
    for unit in ("s", "ms", "µs"):
        if abs(value) >= DURATIONS[unit]:
            return _plain(value / DURATIONS[unit]) + unit
    return _plain(value / DURATIONS["ns"]) + "ns"


def format_rate(per_second: float, digits: int | None = None) -> str:
    """`400/s`, `10k/s`."""
    return _prefixed(_decimal_of(per_second, digits)) + "/s" if math.isfinite(per_second) else f"{per_second}/s"


def format_share(share: float, digits: int | None = None) -> str:
    """`99.9%`."""
    return _plain(_decimal_of(share, digits) * 100) + "%" if math.isfinite(share) else str(share)


def format_count(count: int) -> str:
    """`100k` where that is exact, the plain number otherwise."""
    return _prefixed(Decimal(count))


def format_size(size_bytes: float, digits: int | None = None) -> str:
    """`2kB`, `1.5MB`."""
    return _in_largest(size_bytes, SIZES, ("TB", "GB", "MB", "kB", "B"), digits)


def format_bit_rate(bits_per_s: float, digits: int | None = None) -> str:
    """`10Gbps`."""
    return _in_largest(bits_per_s, BIT_RATES, ("Tbps", "Gbps", "Mbps", "kbps", "bps"), digits)


def nearest_units(unit: str, known: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The units that somebody who wrote `unit` may have meant."""
    meant = tuple(name for name in _HABITS.get(unit, ()) if name in known)
    by_case = {known[name]: name for name in reversed(tuple(known)) if name and name.lower() == unit.lower()}
    return meant or tuple(by_case.values()) or tuple(difflib.get_close_matches(unit, known, 1))


def _parse(text: str, units: Mapping[str, Decimal], kind: str, example: str, allowed: str) -> float:
    value = float(_decimal(text, units, kind, example, allowed))
    if math.isinf(value):
        raise UnitError(f"got {_shown(text)}, which is too large; must be {kind} such as {example}")
    return value


def _decimal(text: str, units: Mapping[str, Decimal], kind: str, example: str, allowed: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"got {_shown(text)}; must be {kind} such as {example}")
    number, unit = match.groups()
    if unit in units:
        return Decimal(number) * units[unit]
    if not unit:
        raise UnitError(f"got {_shown(text)}, which has no unit; must be {kind} such as {example}")
    meant = nearest_units(unit, units)
    hint = f"did you mean {' or '.join(number + name for name in meant)}?" if meant else f"write e.g. {example}"
    raise UnitError(f"got {_shown(text)}, with the unknown unit {_shown(unit)}; must be {kind} in {allowed}; {hint}")


def _shown(text: str) -> str:
    shown = text.strip()
    shown = shown if len(shown) <= 40 else shown[:37] + "…"
    return shown if shown.isprintable() and shown and " " not in shown else ascii(shown)


def _decimal_of(value: float, digits: int | None) -> Decimal:
    exact = Decimal(repr(float(value)))
    if digits is None or exact == 0:
        return exact
    return exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1))


def _prefixed(value: Decimal) -> str:
    for prefix in ("G", "M", "k"):
        scaled = value / PREFIXES[prefix]
        if abs(scaled) >= 1 and scaled == scaled.quantize(Decimal("0.001")):
            return _plain(scaled) + prefix
    return _plain(value)


def _in_largest(value: float, units: Mapping[str, Decimal], names: tuple[str, ...], digits: int | None) -> str:
    """In the first of some units, from the largest to the smallest, of which there is a whole one."""
    if not math.isfinite(value):
        return f"{value}{names[-1]}"
    exact = _decimal_of(value, digits)
    unit = next((name for name in names if abs(exact) >= units[name]), names[-1])
    return _plain(exact / units[unit]) + unit


def _plain(value: Decimal) -> str:
    """Without an exponent where that stays readable, and without trailing zeros."""
    if value == 0:
        return "0"
    reduced = value.normalize()
    return f"{reduced:f}" if -9 <= reduced.adjusted() <= 15 else f"{reduced}"

"""Quantities: what parses to what, round trips, and what is said about the rest."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.units import (
    UnitError,
    format_bit_rate,
    format_count,
    format_duration,
    format_rate,
    format_share,
    format_size,
    parse_bit_rate,
    parse_count,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
)

MAGNITUDES = st.floats(min_value=1e-12, max_value=1e9, allow_nan=False)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("8ms", 0.008),
        ("0.25ms", 0.00025),
        ("100ns", 1e-7),
        ("2.5us", 2.5e-6),
        ("2.5µs", 2.5e-6),
        ("1.5s", 1.5),
        ("2min", 120.0),
        ("1h", 3600.0),
        ("1d", 86400.0),
        (" 3 s ", 3.0),
        ("1e3ms", 1.0),
        (".5s", 0.5),
        ("1_000ms", 1.0),
        ("-3s", -3.0),
        ("0.1ms", 1e-4),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text, per_second", [("400/s", 400.0), ("10k/s", 1e4), ("2.5M/s", 2.5e6), ("30/min", 0.5), ("36/h", 0.01)]
)
def test_rates(text: str, per_second: float) -> None:
    assert parse_rate(text) == per_second


@pytest.mark.parametrize("text, share", [("99.9%", 0.999), ("0.1%", 0.001), ("100 %", 1.0), ("1e-3%", 1e-5)])
def test_shares(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text, count", [("3", 3), ("100k", 100_000), ("1.5k", 1500), ("2M", 2_000_000)])
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@given(MAGNITUDES)
def test_durations_round_trip(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(MAGNITUDES)
def test_rates_round_trip(rate: float) -> None:
    assert parse_rate(format_rate(rate)) == rate


@given(st.floats(min_value=0, max_value=1, allow_nan=False))
def test_shares_round_trip(share: float) -> None:
    assert parse_share(format_share(share)) == share


@given(st.integers(min_value=0, max_value=10**15))
def test_counts_round_trip(count: int) -> None:
    assert parse_count(format_count(count)) == count


@given(MAGNITUDES, st.integers(min_value=1, max_value=6))
def test_rounding_keeps_the_digits_asked_for(seconds: float, digits: int) -> None:
    rounded = parse_duration(format_duration(seconds, digits))
    assert math.isclose(rounded, seconds, rel_tol=0.51 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    "seconds, text",
    [(0.0, "0s"), (0.008, "8ms"), (60.0, "1min"), (90.0, "90s"), (7200.0, "2h"), (172800.0, "2d"), (2.5e-6, "2.5µs")],
)
def test_durations_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_rates_shares_and_counts_are_written_as_people_write_them() -> None:
    assert format_rate(400.0) == "400/s"
    assert format_rate(10_000.0) == "10k/s"
    assert format_rate(123456.78, 3) == "123k/s"
    assert format_share(0.999) == "99.9%"
    assert format_count(100_000) == "100k"
    assert format_count(1_234_567) == "1234.567k"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("250", "got 250, which has no unit; must be a time such as 250ms"),
        ("5m", "got 5m, with the unknown unit m; must be a time in …; did you mean 5min or 5ms?"),
        ("5 secs", "got '5 secs', with the unknown unit secs; must be a time in …; did you mean 5s?"),
        ("5MS", "got 5MS, with the unknown unit MS; must be a time in …; did you mean 5ms?"),
        ("5 parsecs", "got '5 parsecs', with the unknown unit parsecs; must be a time in …; write e.g. 250ms"),
        ("soon", "got soon; must be a time such as 250ms"),
        ("", "got ''; must be a time such as 250ms"),
        ("1e999s", "got 1e999s, which is too large; must be a time such as 250ms"),
        ("nan", "got nan; must be a time such as 250ms"),
        ("1:30", "got 1:30, with the unknown unit :30; must be a time in …; write e.g. 250ms"),
    ],
)
def test_what_is_said_about_durations(text: str, sentence: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_duration(text)
    assert str(caught.value) == sentence.replace("…", "ns, us, ms, s, min, h or d")


def test_what_is_said_about_rates_and_shares() -> None:
    with pytest.raises(UnitError, match=r"unknown unit rps.*did you mean 9/s"):
        parse_rate("9 rps")
    with pytest.raises(UnitError, match=r"has no unit; must be a percentage such as 99\.9%"):
        parse_share("0.5")
    with pytest.raises(UnitError, match="must be a whole number"):
        parse_count("1.2345k")


@given(st.text(max_size=40))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (parse_duration, parse_rate, parse_share, parse_count, parse_size, parse_bit_rate):
        with contextlib.suppress(UnitError):
            assert math.isfinite(parse(text))


@pytest.mark.parametrize(
    "text, size_bytes",
    [("2kB", 2000.0), ("2KB", 2000.0), ("1.5MB", 1.5e6), ("4KiB", 4096.0), ("1GiB", 2.0**30), ("100 B", 100.0)],
)
def test_sizes(text: str, size_bytes: float) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text, bits_per_s", [("10Gbps", 1e10), ("100kbps", 1e5), ("2.5Mbps", 2.5e6), ("9600bps", 9600.0)]
)
def test_bit_rates(text: str, bits_per_s: float) -> None:
    assert parse_bit_rate(text) == bits_per_s


@given(MAGNITUDES)
def test_sizes_and_bit_rates_round_trip(value: float) -> None:
    assert parse_size(format_size(value)) == value
    assert parse_bit_rate(format_bit_rate(value)) == value


def test_sizes_and_bit_rates_are_written_as_people_write_them() -> None:
    assert [format_size(size) for size in (1.0, 1000.0, 2.5e6, 2048.0)] == ["1B", "1kB", "2.5MB", "2.048kB"]
    assert [format_bit_rate(rate) for rate in (9600.0, 1e8, 1e10)] == ["9.6kbps", "100Mbps", "10Gbps"]


@pytest.mark.parametrize(
    "text, hint",
    [
        ("2kb", "did you mean 2kB?"),
        ("2M", "did you mean 2MB or 2MiB?"),
        ("2Gi", "did you mean 2GiB?"),
        ("2bytes", "2B?"),
    ],
)
def test_what_is_said_about_sizes(text: str, hint: str) -> None:
    with pytest.raises(UnitError, match=r"must be a size in B, kB, .*; ") as caught:
        parse_size(text)
    assert str(caught.value).endswith(hint)


def test_what_is_said_about_bit_rates() -> None:
    """A byte is not a bit: no suggestion where one was meant for the other."""
    for text, hint in (("2Gbit/s", "did you mean 2Gbps?"), ("5 Mb/s", "did you mean 5Mbps?"), ("9MB/s", "e.g. 10Gbps")):
        with pytest.raises(UnitError, match="must be a bandwidth in bps") as caught:
            parse_bit_rate(text)
        assert str(caught.value).endswith(hint)

"""Faults on a schedule that may overlap: crashes nest, and what outlasts a crash is felt."""

from __future__ import annotations

import pytest

from tests.failures.recorder import model_with


@pytest.mark.parametrize(
    "one, other",
    [
        ("{at: 5s, crash: api-1, for: 1s}", "{at: 4s, crash: app-1, for: 3s}"),
        ("{at: 5s, crash: api-1, for: 1s}", "{at: 4s, crash: api-1, for: 3s}"),
        ("{at: 5s, pause: api-1, for: 9s}", "{at: 4s, crash: app-1, for: 3s}"),
        ("{at: 3s, restart: api-1, for: 9s}", "{at: 4s, crash: app-1, for: 3s}"),
        ("{at: 7s, restart: api-1, for: 9s}", "{at: 4s, crash: app-1, for: 3s}"),
        ("{at: 5s, slow: [app-1, app-2], factor: 0.5, for: 1s}", "{at: 4s, crash: app-3, for: 3s}"),
        ("{restart: api-1, mtbf: 5s, mttr: 1s}", "{at: 4s, crash: app-1}"),
        ("{at: 5s, link_slow: {between: [a, b]}, latency_factor: 5}", "{at: 4s, link_down: {from: a, to: b}}"),
    ],
)
def test_these_may_overlap(one: str, other: str) -> None:
    assert model_with(one, other).faults

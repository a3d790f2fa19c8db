"""Faults from Python: the example of docs/language.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.scenario import load_text

TEXT = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
SHOP = """
scenario: shop
run: {duration: 10s, warmup: 0s}
nodes: {app: {count: 3}}
network: {same_zone: {latency: 1ms}, transport: udp}
services:
  api: {nodes: app, instances: 1, steps: [{call: db, timeout: 100ms}]}
  db: {nodes: app, instances: 1, cpu: 1ms}
  web: {nodes: app, instances: 1, cpu: 1ms}
traffic:
  callers: {to: api, arrivals: constant(10/s), timeout: 1s}
  readers: {to: web, arrivals: constant(10/s), timeout: 100ms}
"""
"""api-1 on app-1 calls db-1 on app-2; web-1 stands alone on app-3."""


def test_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.setattr(sim, "load", lambda path: load_text(SHOP, path))
    names: dict[str, Any] = {}
    exec(example, names)
    run = names["run"]
    assert run.faults == [("storm", 5.0, 7.0)]
    assert run.scope("source", "readers").total.outcomes["timeout"] == pytest.approx(20, abs=1)
    assert run.scope("source", "callers").total.outcomes["error"] == pytest.approx(20, abs=1)
    assert run.scope("source", "callers").total.outcomes["ok"] == pytest.approx(80, abs=1)

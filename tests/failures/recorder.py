"""A cluster that only writes down what it is told to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any

from sim.model import Fault, Model
from sim.scenario import load_text

SHOP = """
scenario: shop
nodes: {app: {count: 3, zones: [a, b, c], cores: 4}, db: {zones: [a], cores: 4, disk: {access: 1ms}, memory: 4GB}}
network: {across_zones: {latency: 1ms}, transport: tcp}
services:
  api: {nodes: app, instances: 3, steps: [{cpu: 1ms}, {call: db}]}
  db: {nodes: db, memory: {base: 1GB}, steps: [{cpu: 1ms}, {disk: 4kB}]}
traffic:
  users: {to: api, from: {zone: a}, arrivals: poisson(100/s)}
failures:
"""
"""Three zones, with the data in the first."""


def model_with(*entries: str, base: str = SHOP) -> Model:
    """The shop, with entries of `failures` called f1, f2 …"""
    lines = "".join(f"  f{number}: {entry}\n" for number, entry in enumerate(entries, 1))
    return load_text(base + lines, "f.yaml").resolve("baseline")


class Recorder:
    """Stands in for `sim.engine.cluster.Cluster`; acts that give handles count them from 1."""

    def __init__(self) -> None:
        self.acts: list[tuple[Any, ...]] = []
        self.kept: dict[str, list[int]] = {}
        self._handles = count(1)

    def hold(self, owner: str, handles: Iterable[int]) -> None:
        self.kept.setdefault(owner, []).extend(handles)

    def release(self, owner: str) -> list[int]:
        return self.kept.pop(owner)

    def clock(self, node: str) -> SimpleNamespace:
        return SimpleNamespace(jump=lambda by_s: self.acts.append(("jump", node, by_s)))

    def __getattr__(self, act: str) -> Callable[..., int | None]:
        def record(*what: Any, **how: Any) -> int | None:
            named = [tuple(sorted(item)) if isinstance(item, frozenset) else item for item in what]
            self.acts.append((act, *named, *([how] if how else [])))
            return next(self._handles) if act in ("impair", "change_link") else None

        return record


def acts_of(fault: Fault) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What a fault does when it strikes, and when it ends."""
    cluster = Recorder()
    fault.start(cluster)
    begun = len(cluster.acts)
    fault.stop(cluster)
    assert not cluster.kept
    return cluster.acts[:begun], cluster.acts[begun:]

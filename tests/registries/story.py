"""Runs of one system under a registry, and what the control plane's log says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from sim.engine import Simulation
from sim.model import Model
from sim.scenario import load_text

SYSTEM = """
scenario: story
run: {{duration: {duration}, warmup: 0s, drain: 1s, window: {duration}, seed: {seed}}}
nodes:
  app: {{count: 10}}
  front: {{count: {clients}}}
  control: {{count: 5}}
network: {{same_zone: {{latency: 0.1ms}}}}
services:
  web: {{nodes: front, instances: {clients}, registry: static, steps: [{{call: api}}]}}
  api: {{nodes: app, instances: 10, cpu: 1ms}}
registry: {registry}
traffic:
  users: {{to: web, arrivals: constant(0.01/s)}}
failures:
{failures}
"""
"""Three clients by default, `web-1` …, each of which knows ten instances, `api-1` … at hosts of their own."""


def model_of(registry: str, *failures: str, duration: str = "8min", seed: int = 1, clients: int = 3) -> Model:
    listed = "\n".join(f"  f{number}: {fault}" for number, fault in enumerate(failures))
    text = SYSTEM.format(registry=registry, failures=listed, duration=duration, seed=seed, clients=clients)
    return load_text(text if failures else text.replace("failures:\n", ""), "story.yaml").resolve("baseline")


class Story:
    """The log of one run."""

    def __init__(self, model: Model, letters: list[Any] | None = None) -> None:
        """`letters` gets all messages of the control plane."""
        self.simulation = Simulation(model)
        self.simulation.cluster.mail.trace = letters
        self.run = self.simulation.run()
        self.log: pd.DataFrame = self.run.control

    @property
    def cluster(self) -> Any:
        return self.simulation.cluster

    def times(self, event: str, subject: str | None = None) -> list[float]:
        found = self.log[self.log["event"] == event]
        return list(found["time_s"] if subject is None else found.loc[found["subject"] == subject, "time_s"])

    def events(self, *components: str) -> list[tuple[str, str]]:
        found = self.log[self.log["component"].isin(components)]
        return list(zip(found["event"], found["subject"], strict=True))

    def views(self) -> Iterator[tuple[float, str, set[str]]]:
        """When a client got which view."""
        for row in self.log[self.log["event"] == "view"].itertuples():
            yield row.time_s, row.subject, set(row.detail.partition(":")[2].split())

    def without(self, instance: str, after_s: float) -> dict[str, float]:
        """When each client no longer knew an instance for the first time."""
        found: dict[str, float] = {}
        for time_s, client, known in self.views():
            if time_s > after_s and instance not in known:
                found.setdefault(client, time_s)
        return found

    def knowing(self, instance: str, after_s: float) -> dict[str, float]:
        """When each client got a view with an instance for the first time."""
        found: dict[str, float] = {}
        for time_s, client, known in self.views():
            if time_s > after_s and instance in known:
                found.setdefault(client, time_s)
        return found


def stories(model: Model, count: int) -> Iterator[Story]:
    """The same with other random numbers."""
    for seed in range(count):
        yield Story(replace(model, run=replace(model.run, seed=model.run.seed + seed)))

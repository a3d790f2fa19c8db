"""What the reference reports: a row per request, counters per call edge and per instance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Row:
    """One request. `outcome` is `unfinished` and `finished_s` None until it has ended."""

    source: str
    index: int
    endpoint: str
    """Service and endpoint: `cart.read`."""
    intended_s: float
    finished_s: float | None = None
    outcome: str = "unfinished"
    attempts: int = 0


@dataclass
class Edge:
    """The calls made from one place: a `call` step (named by its path) or a source, to one endpoint."""

    calls_started: int = 0
    calls_open: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """Ended calls by outcome."""
    attempts_started: int = 0
    attempts_open: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    """Requests put on the network: every attempt but those that found no instance."""

    def call_begins(self) -> None:
        self.calls_started += 1
        self.calls_open += 1

    def call_ends(self, outcome: str) -> None:
        self.calls_open -= 1
        self.calls[outcome] += 1

    def attempt_begins(self) -> None:
        self.attempts_started += 1
        self.attempts_open += 1

    def attempt_ends(self, outcome: str) -> None:
        self.attempts_open -= 1
        self.attempts[outcome] += 1


@dataclass
class Arrivals:
    """What one instance saw."""

    lost: int = 0
    """Messages that met a dead host."""
    refused: int = 0
    """Messages that met a dead process."""
    tasks_started: int = 0
    tasks_open: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    """Ended tasks as `ok`, `error`, `shed`, `killed`, `cancelled`."""

    def task_begins(self) -> None:
        self.tasks_started += 1
        self.tasks_open += 1

    def task_ends(self, how: str) -> None:
        self.tasks_open -= 1
        self.tasks[how] += 1


@dataclass
class Report:
    rows: list[Row] = field(default_factory=list)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    """By (source or path of the call step, endpoint called)."""
    instances: dict[str, Arrivals] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    """Rare happenings by name: what a test of the generator's coverage asks for."""

    def edge(self, caller: str, callee: str) -> Edge:
        return self.edges.setdefault((caller, callee), Edge())


def assert_conserved(report: Report) -> None:
    """Every call, attempt, message and task ends once, or is open at the end."""
    for name, edge in report.edges.items():
        assert edge.calls_started == edge.calls.total() + edge.calls_open, name
        assert edge.attempts_started == edge.attempts.total() + edge.attempts_open, name
        assert edge.messages == edge.attempts_started - edge.attempts["unavailable"], name
        assert edge.calls_open >= edge.attempts_open >= 0, name
    for name, instance in report.instances.items():
        assert instance.tasks_started == instance.tasks.total() + instance.tasks_open, name
    arrived = sum(i.lost + i.refused + i.tasks_started for i in report.instances.values())
    sent = sum(edge.messages for edge in report.edges.values())
    assert arrived + report.seen["requests in flight at the end"] == sent
    assert len({(row.source, row.index) for row in report.rows}) == len(report.rows)

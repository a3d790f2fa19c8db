"""What must add up in the measurements of a run: nothing is lost, nothing is counted twice (contract 1)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.engine import Simulation
from sim.engine.run import Counts, Run, Scope
from sim.kernel.codes import FLYING, NONE
from sim.kernel.histogram import bin_edges
from tests.swarm.snapshot import ROUNDING, Snapshot

CLIENT_KINDS = ("source", "request", "call")


@dataclass
class Accounts:
    """A finished run, its recorded requests (all of them), and the tables as they stand at its end."""

    simulation: Simulation
    run: Run
    rows: pd.DataFrame
    tables: Snapshot

    def of(self, kind: str) -> dict[str, Scope]:
        return {scope.name: scope for scope in self.run.scopes if scope.kind == kind}


def counts(a: Accounts) -> Iterator[str]:
    """Everywhere: offered = outcomes + unfinished, the cohort is a part of the whole, attempts end as calls do."""
    for scope in a.run.scopes:
        where = f"{scope.kind} {scope.name}"
        for which, of in (("cohort", scope.cohort), ("total", scope.total)):
            if of.unfinished < 0 or min(of.outcomes.values()) < 0:
                yield f"{where}: more ends than beginnings in {which}: {of}"
            if of.offered != sum(of.outcomes.values()) + of.unfinished:
                yield f"{where}: {which} does not add up: {of}"
            if not 0 <= of.good <= of.outcomes["ok"]:
                yield f"{where}: {of.good} good of {of.outcomes['ok']} ok"
        yield from (f"{where}: cohort above total in {name}" for name in larger(scope.cohort, scope.total))
        if scope.kind in CLIENT_KINDS:
            ended = Counter({name: n for name, n in scope.attempts.items() if name not in ("started", "unfinished")})
            if scope.attempts["started"] != sum(ended.values()) + scope.attempts["unfinished"]:
                yield f"{where}: attempts do not add up: {scope.attempts}"
            if scope.attempts["started"] < scope.total.offered or ended["ok"] != scope.total.outcomes["ok"]:
                yield f"{where}: attempts {scope.attempts}, calls {scope.total}"


def larger(part: Counts, whole: Counts) -> Iterator[str]:
    pairs = {name: (part.outcomes[name], whole.outcomes[name]) for name in part.outcomes}
    pairs |= {name: (getattr(part, name), getattr(whole, name)) for name in ("offered", "unfinished", "good")}
    return (name for name, (few, many) in pairs.items() if few > many)


def sums(a: Accounts) -> Iterator[str]:
    """Sources are the sum of their requests, services of their endpoints and of their instances, …"""
    model = a.simulation.model
    node_of = {instance.name: instance.node for service in model.services for instance in service.instances}
    service_of = {instance.name: service.name for service in model.services for instance in service.instances}
    yield from add_up(a, "request", "source", lambda name: name.partition(" → ")[0])
    yield from add_up(a, "endpoint", "service", lambda name: name.partition(".")[0])
    yield from add_up(a, "instance", "service", service_of.__getitem__)
    yield from add_up(a, "instance", "node", node_of.__getitem__)


def add_up(a: Accounts, parts: str, wholes: str, whole_of: Callable[[str], str]) -> Iterator[str]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, scope in a.of(parts).items():
        found[whole_of(name)].update({"offered": scope.total.offered, **scope.total.outcomes})
    for name, scope in a.of(wholes).items():
        told = Counter({"offered": scope.total.offered, **scope.total.outcomes})
        if +told != +found[name]:
            yield f"{wholes} {name}: {dict(+told)}, its {parts}s add up to {dict(+found[name])}"


def unfinished(a: Accounts) -> Iterator[str]:
    """What is counted as unfinished is still in the tables."""
    t = a.tables
    calls: Counter[int] = Counter()
    attempts: Counter[int] = Counter()
    for row in t.call.where(t.is_call):
        calls[t.call.edge[row]] += 1
        attempts[t.call.edge[row]] += t.call.attempt_task[row] != NONE
    edges = a.simulation.tables.edges
    for kind, is_root in (("request", True), ("call", False)):
        for name, scope in a.of(kind).items():
            (row,) = [row for row, edge in enumerate(edges) if edge.name == name and edge.is_root == is_root]
            if scope.total.unfinished != calls[row] or scope.attempts["unfinished"] != attempts[row]:
                yield f"{kind} {name}: {calls[row]} calls and {attempts[row]} attempts are under way, not {scope}"
    for row, name in enumerate(a.simulation.tables.instance_row):
        present = sum(t.is_root(task) for task in t.present[row])
        if name in a.of("instance") and a.of("instance")[name].total.unfinished != present:
            yield f"instance {name}: {present} tasks present, {a.of('instance')[name].total.unfinished} unfinished"


def edges_and_endpoints(a: Accounts) -> Iterator[str]:
    """Attempts that were sent = requests that arrived + those on the wire; answers were given before they are had."""
    flying: Counter[str] = Counter()
    edges = a.simulation.tables.edges
    for row in a.tables.task.where(lambda row: a.tables.task.state[row] == FLYING):
        edge = edges[a.tables.task.edge[row]]
        flying[f"{edge.service}.{edge.endpoint}"] += 1
    sent: Counter[str] = Counter()
    had: dict[str, Counter[str]] = defaultdict(Counter)
    for kind in ("request", "call"):
        for name, scope in a.of(kind).items():
            (edge,) = [edge for edge in edges if edge.name == name and edge.is_root == (kind == "request")]
            endpoint = f"{edge.service}.{edge.endpoint}"
            sent[endpoint] += scope.attempts["started"] - scope.attempts["unavailable"] - scope.attempts["too_deep"]
            had[endpoint].update(scope.attempts)
    for name, scope in a.of("endpoint").items():
        lost = sent[name] - scope.total.offered - flying[name]
        if lost < 0 or (lost and not a.tables.is_wired):
            yield f"endpoint {name}: {sent[name]} sent, {scope.total.offered} arrived, {flying[name]} on the wire"
        answers = {"ok": "ok", "error": "error", "shed": "shed"}
        if not a.tables.is_wired:  # there, hosts refuse and reset without the process
            answers |= {"refused": "refused", "reset": "killed"}
        for here, there in answers.items():
            if had[name][here] > scope.total.outcomes[there]:
                yield f"endpoint {name}: callers had {had[name][here]} {here}, it gave {scope.total.outcomes[there]}"


def recorded(a: Accounts) -> Iterator[str]:
    """One row for each request that ended, with the outcome, the attempts and the latency that were measured."""
    for name, scope in a.of("source").items():
        rows = a.rows[a.rows["source"] == name]
        if len(rows) != scope.total.offered - scope.total.unfinished or rows["index"].duplicated().any():
            yield f"source {name}: {len(rows)} rows, {scope.total}"
        told = Counter(rows["outcome"])
        if told != +Counter(scope.total.outcomes):
            yield f"source {name}: rows say {dict(told)}, counts {scope.total.outcomes}"
        if not len(rows) <= rows["attempts"].sum() <= scope.attempts["started"]:
            yield f"source {name}: {rows['attempts'].sum()} attempts in {len(rows)} rows, {scope.attempts}"
        yield from latencies(a, name, scope, rows)


def latencies(a: Accounts, name: str, scope: Scope, rows: pd.DataFrame) -> Iterator[str]:
    intended = rows["intended_s"]
    if (rows["latency_s"] < 0).any() or not np.isfinite(rows["latency_s"]).all():
        yield f"source {name}: a latency that cannot be"
    measured = rows[(intended >= a.run.warmup_s) & (intended <= a.run.duration_s)]
    if len(measured) != scope.cohort.offered - scope.cohort.unfinished:
        yield f"source {name}: {len(measured)} rows of the cohort, {scope.cohort}"
    ok = measured.loc[measured["outcome"] == "ok", "latency_s"].to_numpy()
    told = scope.latency
    if told.count != len(ok) or int(told.histogram.sum()) != len(ok):
        yield f"source {name}: {len(ok)} ok rows, {told.count} latencies, {int(told.histogram.sum())} in the histogram"
    elif len(ok):
        close = [(told.mean_s, ok.mean()), (told.min_s, ok.min()), (told.max_s, ok.max())]
        if len(ok) > 1:
            close.append((told.variance_s2, ok.var(ddof=1)))
        if any(abs(x - y) > ROUNDING * abs(y) + 1e-15 for x, y in close):
            yield f"source {name}: moments {close}"
        if not np.array_equal(np.histogram(ok, [*bin_edges()[:-1], np.inf])[0], told.histogram):
            yield f"source {name}: the histogram is not that of the rows"


def series(a: Accounts) -> Iterator[str]:
    """Windows add up to the whole of what began and ended before the end."""
    table = a.run.series
    for kind in ("source", "call"):
        for name, scope in a.of(kind).items():
            rows = table[(table["kind"] == kind) & (table["name"] == name)]
            if (rows["offered"] < 0).any() or rows["offered"].sum() > scope.total.offered:
                yield f"series of {kind} {name}: {rows['offered'].sum()} offered, {scope.total.offered} in all"
            if rows["ok"].sum() > scope.total.outcomes["ok"] or (rows["failed"] < 0).any():
                yield f"series of {kind} {name}: {rows['ok'].sum()} ok, {scope.total.outcomes['ok']} in all"
    for name, scope in a.of("source").items():
        begun = (a.rows["source"] == name) & (a.rows["intended_s"] <= a.run.duration_s)
        rows = table[(table["kind"] == "source") & (table["name"] == name)]
        if a.run.stopped is None and not begun.sum() <= rows["offered"].sum() <= begun.sum() + scope.total.unfinished:
            yield f"series of source {name}: {rows['offered'].sum()} offered, {begun.sum()} rows"


def gauges(a: Accounts) -> Iterator[str]:
    """Averages are finite, nobody is busier than possible, those who wait are present."""
    model = a.simulation.model
    loops = {i.name for s in model.services if type(s.concurrency).__name__ == "EventLoop" for i in s.instances}
    for gauge in a.run.gauges:
        values = (gauge.in_system_mean, gauge.queue_mean, gauge.busy_cores_mean, gauge.utilization)
        where = f"{gauge.kind} {gauge.name}"
        if a.run.stopped_at_s > a.run.warmup_s and not all(math.isfinite(v) and v >= 0.0 for v in values):
            yield f"{where}: {gauge}"
        if gauge.utilization > 1.0 + ROUNDING:
            yield f"{where}: utilization {gauge.utilization}"
        if gauge.kind == "instance" and gauge.name not in loops and gauge.queue_mean > gauge.in_system_mean + ROUNDING:
            yield f"{where}: {gauge.queue_mean} wait of {gauge.in_system_mean} present"


CHECKS: tuple[Callable[[Accounts], Iterator[str]], ...] = (
    counts,
    sums,
    unfinished,
    edges_and_endpoints,
    recorded,
    series,
    gauges,
)


def rows_of(run: Run) -> pd.DataFrame:
    """Recorded requests, texts as plain texts."""
    rows = pd.read_parquet(run.requests)
    return rows.astype({name: object for name in rows if rows[name].dtype == "category"})


def accounts_of(simulation: Simulation, run: Run) -> Accounts:
    """Of a run that has recorded all its requests."""
    assert run.requests is not None and simulation.model.run.record == "all"
    return Accounts(simulation, run, rows_of(run), Snapshot(simulation.tables))


def unbalanced(accounts: Accounts) -> list[str]:
    """A sentence for each thing that does not add up."""
    return [f"{check.__name__}: {sentence}" for check in CHECKS for sentence in check(accounts)]

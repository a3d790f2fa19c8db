"""The summary that `dsim run` prints: sources, then services and nodes, then what happened, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console

from sim.experiment import Results
from sim.experiment.measures import each_gauge, service_estimates
from sim.report.availability import availability_grids
from sim.report.faults import fault_sentences
from sim.report.grid import Grid, to_rich
from sim.report.knowledge import knowledge_grids, violation_sentences
from sim.report.numbers import percentage, time_unit, with_interval
from sim.report.unheard import unheard_sentences
from sim.statistics import Estimate

NOTED = {
    "latency_mean_s": "mean",
    "latency_p50_s": "p50",
    "latency_p99_s": "p99",
    "latency_p99_ok_s": "p99 ok",
    "availability": "available",
}
"""Metrics whose reasons are printed, with their columns."""
PLACES_SHOWN = 12
"""Rows of the table of services and nodes, a variant."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    variant: str
    source: str
    estimates: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class PlaceRow:
    variant: str
    kind: str
    name: str
    estimates: dict[str, Estimate]


def print_summary(results: Results, console: Console) -> None:
    sources = list(source_rows(results))
    console.print(to_rich(sources_grid(sources)))
    for note in notes(sources):
        console.print(note, highlight=False)
    for variant in results.variants:
        console.print(to_rich(places_grid(results, variant)))
    grids, sentences = availability_grids(results)
    known, of_knowledge = knowledge_grids(results)
    for grid in (*grids, *known):
        console.print(to_rich(grid))
    for sentence in (*sentences, *of_knowledge, *remarks(results)):
        console.print(sentence, highlight=False)


def source_rows(results: Results) -> Iterator[SourceRow]:
    for variant, model in results.models.items():
        for source in model.sources:
            yield SourceRow(variant, source.name, results.estimates(variant, source.name))


def place_rows(results: Results, variant: str) -> list[PlaceRow]:
    """Services, nodes, disks and links with a bandwidth, the busiest first."""
    runs, model, caveat = results.of(variant), results.models[variant], results.caveat
    services = [(s.name, service_estimates(runs, s, caveat=caveat)) for s in model.services]
    rows = [PlaceRow(variant, "service", *of) for of in services]
    for kind in ("node", "disk", "link"):
        rows += [PlaceRow(variant, kind, *of) for of in each_gauge(runs, kind, caveat=caveat).items()]
    return sorted(rows, key=lambda row: -row.estimates["utilization"].value)


def sources_grid(rows: list[SourceRow]) -> Grid:
    unit, scale = time_unit([row.estimates["latency_mean_s"].value for row in rows])
    several = len({row.variant for row in rows}) > 1
    names = ("variant", "source") if several else ("source",)
    columns = ("offered /s", "ok /s", f"mean {unit}", f"p50 {unit}", f"p99 {unit}", f"p99 ok {unit}", "available %")
    cells = []
    for row in rows:
        rates = [with_interval(row.estimates[m]) for m in ("offered_per_s", "throughput_per_s")]
        metrics = ("latency_mean_s", "latency_p50_s", "latency_p99_s", "latency_p99_ok_s")
        latencies = [with_interval(row.estimates[m], scale) for m in metrics]
        name = (row.variant, row.source) if several else (row.source,)
        cells.append([*name, *rates, *latencies, percentage(row.estimates["availability"])])
    return Grid("Traffic: values and 95 % intervals", [*names, *columns], cells, len(names))


def places_grid(results: Results, variant: str) -> Grid:
    rows = place_rows(results, variant)
    hidden = len(rows) - PLACES_SHOWN
    cells = []
    for row in rows[:PLACES_SHOWN]:
        utilization = with_interval(row.estimates["utilization"], 0.01)
        counts = [with_interval(row.estimates[metric]) for metric in ("in_system_mean", "queue_mean")]
        cells.append([row.kind, row.name, utilization, *counts])
    return Grid(
        f"Services and nodes{_of(results, variant)}, the busiest first",
        ["kind", "name", "utilization %", "in system", "waiting"],
        cells,
        names=2,
        caption=f"and {hidden} less busy ones" if hidden > 0 else "",
    )


def notes(rows: list[SourceRow]) -> list[str]:
    """Why numbers or their intervals are missing: each reason once, with the columns and the sources it concerns."""
    missing = [
        (row.estimates[metric].reason, label, _name(row, rows)) for row in rows for metric, label in NOTED.items()
    ]
    return grouped(missing, columns=len(NOTED), places=len(rows))


def grouped(missing: Iterable[tuple[str, str, str]], columns: int, places: int) -> list[str]:
    """Each reason once, after the columns and the places that it concerns: `p99, p95 of users; p50 of robots: …`.

    Args:
        missing: reasons (an empty one is none), each with a column and a place.
        columns, places: how many there are; more than half of the columns, and all places, are not listed.
    """
    concerned: dict[str, dict[str, dict[str, None]]] = {}
    for reason, column, place in missing:
        if reason:
            concerned.setdefault(reason, {}).setdefault(column, {})[place] = None
    return [f"{_concerned(places_of, columns, places)}{reason}" for reason, places_of in concerned.items()]


def _concerned(places_of: dict[str, dict[str, None]], columns: int, places: int) -> str:
    """Columns that concern the same places stand together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for column, found in places_of.items():
        together.setdefault(tuple(found), []).append(column)
    parts = []
    for names, labels in together.items():
        what = "" if len(labels) > columns // 2 else ", ".join(labels)
        where = "" if len(names) == places else f" of {', '.join(names)}"
        parts.append(f"{what}{where}".removeprefix(" of "))
    text = "; ".join(part for part in parts if part)
    return f"{text}: " if text else ""


def _name(row: SourceRow, rows: list[SourceRow]) -> str:
    return f"{row.variant}/{row.source}" if len({row.variant for row in rows}) > 1 else row.source


def _of(results: Results, variant: str) -> str:
    """Which variant, where there are several."""
    return f" of {variant}" if len(results.variants) > 1 else ""


def stop_sentences(results: Results) -> list[str]:
    sentences = []
    for variant, sentence in results.unstable().items():
        runs = results.of(variant)
        stopped = sum(run.stopped is not None for run in runs)
        sentences.append(
            f"Unstable{_of(results, variant)}: {sentence.rstrip('.')}. "
            f"This ended {stopped} of {len(runs)} replications; the numbers reach up to there."
        )
    return sentences


def remarks(results: Results) -> list[str]:
    """Fates, faults, wasted work, limits, broken rules, and what was measured."""
    return [
        *(f"{fates.sentence}." for fates in results.fates()),
        *fault_sentences(results),
        *unheard_sentences(results),
        *stop_sentences(results),
        *violation_sentences(results),
        measured_sentence(results),
        *(f"{note}." for note in results.origin.notes),
    ]


def measured_sentence(results: Results) -> str:
    """From when to when requests were counted."""
    if results.warmup is not None:
        return f"{results.warmup.sentence[:1].upper()}{results.warmup.sentence[1:]}."
    spans: dict[tuple[float, float], list[str]] = {}
    for variant, model in results.models.items():
        spans.setdefault((model.run.warmup_s, model.run.duration_s), []).append(variant)
    parts = [
        f"from {start_s:.6g} to {end_s:.6g} s" + (f" in {', '.join(of)}" if len(spans) > 1 else "")
        for (start_s, end_s), of in spans.items()
    ]
    before = "; before that is warm-up" if any(start_s for start_s, _ in spans) else ""
    return f"Measured: requests that arrive {', '.join(parts)}{before}."

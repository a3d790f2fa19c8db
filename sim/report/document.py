"""The machine-readable documents of `dsim run --json` and `dsim compare --json`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from sim.experiment import Results
from sim.experiment.comparison import Comparison, Difference
from sim.experiment.registry import is_logged
from sim.report.availability import is_told
from sim.report.faults import fault_sentences
from sim.report.summary import place_rows
from sim.report.unheard import unheard_sentences
from sim.statistics import Estimate


def document(results: Results) -> dict[str, Any]:
    """Numbers are null where they are withheld or infinite; then `reason` is a sentence."""
    first = results.runs[0]
    return {
        "scenario": first.scenario,
        "seed": first.seed,
        "versions": dict(results.origin.versions),
        "wall_s": results.wall_s,
        "directory": None if results.directory is None else str(results.directory),
        "variants": {variant: _variant(results, variant) for variant in results.variants},
        "warmup": None if results.warmup is None else asdict(results.warmup),
        "fates": [asdict(fates) for fates in results.fates()],
        "faults": fault_sentences(results),
        "work_for_nobody": unheard_sentences(results),
        **_availability(results),
        **_knowledge(results),
        "violations": results.violations(),
        "notes": list(results.origin.notes),
    }


def _availability(results: Results) -> dict[str, Any]:
    """Accounts and blast radii as tables of rows, where there is anything to account for."""
    if not is_told(results):
        return {}
    tables = {"availability": results.availability().reset_index(), "blast_radius": results.blast_radius()}
    return {name: [_row(row) for row in table.to_dict("records")] for name, table in tables.items()}


def _knowledge(results: Results) -> dict[str, Any]:
    """What clients knew as a table of rows, where a registry told them anything."""
    if not is_logged(results):
        return {}
    table = results.registry().reset_index().astype({"seen": object, "unseen": object})
    return {"registry": [_row(row) for row in table.where(table.notna(), None).to_dict("records")]}


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    return {key: _number(value) if isinstance(value, float) else value for key, value in row.items()}


def comparison_document(results: Results, comparison: Comparison) -> dict[str, Any]:
    """The document of the results, and `comparison`: every difference of a variant from the baseline."""
    return {
        **document(results),
        "comparison": {
            "baseline": comparison.baseline,
            "replications": comparison.replications,
            "differences": [_difference(difference) for difference in comparison.differences],
            "notes": list(comparison.notes),
        },
    }


def _difference(of: Difference) -> dict[str, Any]:
    estimates = ("base", "other", "difference", "unpaired")
    numbers = ("correlation", "p_value", "adjusted_p", "margin")
    names = ("variant", "source", "metric", "primary", "verdict", "more_replications", "sentence")
    return {
        **{name: getattr(of, name) for name in names},
        **{name: _estimate(getattr(of, name)) for name in estimates},
        **{name: _number(getattr(of, name)) for name in numbers},
    }


def _variant(results: Results, variant: str) -> dict[str, Any]:
    runs, model = results.of(variant), results.models[variant]
    rows = place_rows(results, variant)
    return {
        "replications": len(runs),
        "stopped": [run.stopped for run in runs],
        "sources": {s.name: _estimates(results.estimates(variant, s.name)) for s in model.sources},
        "services": {row.name: _estimates(row.estimates) for row in rows if row.kind == "service"},
        "nodes": {row.name: _estimates(row.estimates) for row in rows if row.kind == "node"},
        "disks": {row.name: _estimates(row.estimates) for row in rows if row.kind == "disk"},
        "links": {row.name: _estimates(row.estimates) for row in rows if row.kind == "link"},
    }


def _estimates(estimates: dict[str, Estimate]) -> dict[str, Any]:
    return {metric: _estimate(estimate) for metric, estimate in estimates.items()}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": _number(estimate.value),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "reason": estimate.reason or None,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

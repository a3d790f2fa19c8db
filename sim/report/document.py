"""The machine-readable document of `dsim run --json`."""

from __future__ import annotations

import math
from typing import Any

from sim.experiment import Results
from sim.report.faults import fault_sentences
from sim.report.summary import place_rows
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
        "faults": fault_sentences(results),
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
    }


def _estimates(estimates: dict[str, Estimate]) -> dict[str, Any]:
    return {
        metric: {
            "value": _number(estimate.value),
            "low": _number(estimate.low),
            "high": _number(estimate.high),
            "reason": estimate.reason or None,
        }
        for metric, estimate in estimates.items()
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Results on disk: a folder with a manifest and Parquet tables, from which everything can be read again.

manifest.json        what was run, with what, and a line a replication
metrics.parquet      variant, replication, kind, name, metric, value
histograms.parquet   variant, replication, kind, name, bin, count: latencies of the ok ones of the cohort
timeseries.parquet   variant, replication, window_start_s, kind, name, …
control.parquet      variant, replication, time_s, component, event, subject, detail: the control plane's log
requests/            a file a replication, where requests were recorded
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment import tidy
from sim.experiment.origin import Origin
from sim.experiment.outline import outline
from sim.experiment.results import Results
from sim.experiment.tables import read_table
from sim.experiment.warmup import Warmup

FORMAT = 4
"""Of the folder. It grows with every change that an older reader would misread."""
MANIFEST = "manifest.json"
TABLES = {
    "metrics": tidy.METRICS,
    "histograms": tidy.HISTOGRAMS,
    "timeseries": ("variant", "replication"),
    "control": tidy.CONTROL,
}
"""Tables, and columns that each must have."""
REPAIR = "copy the whole folder again, or run the scenario again"


def save(results: Results, folder: Path) -> None:
    """Write everything but the recorded requests, which the runs wrote themselves to `folder`/requests."""
    for name, table in tidy.tables_of(results.runs).items():
        table.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    text = json.dumps(manifest(results), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def manifest(results: Results) -> dict[str, Any]:
    """What was run, with what. A fault that lasts until the end has no `end_s`."""
    first, origin = results.runs[0], results.origin
    return {
        "format": FORMAT,
        "scenario": first.scenario,
        "texts": dict(origin.texts),
        "files": dict(origin.files),
        "overrides": list(origin.overrides),
        "variants": results.variants,
        "replications": len(results.of(results.variants[0])),
        "seed": first.seed,
        "versions": dict(origin.versions),
        "wall_s": results.wall_s,
        "events": sum(run.events for run in results.runs),
        "unstable": results.unstable(),
        "warmup": None if results.warmup is None else asdict(results.warmup),
        "runs": [_run_facts(run) for run in results.runs],
        "notes": list(origin.notes),
        "models": dict(origin.models),
    }


def load_results(directory: str | Path) -> Results:
    """The results that a run wrote to a folder; they offer everything that fresh ones do, with equal numbers.

    Raises: DsimError where the folder is none of results, is incomplete or damaged, or of another format.
    """
    folder = Path(directory)
    facts = _read_manifest(folder)
    tables = {name: read_table(folder / f"{name}.parquet", columns) for name, columns in TABLES.items()}
    try:
        keys = [(of["variant"], of["replication"]) for of in facts["runs"]]
        measured = tidy.measured(tables, keys)
        runs = [_run(folder, facts, of, measured[key]) for of, key in zip(facts["runs"], keys, strict=True)]
        models = {variant: outline(facts["models"][variant]) for variant in facts["variants"]}
        origin = Origin(
            facts["files"],
            facts["texts"],
            tuple(facts["overrides"]),
            facts["models"],
            tuple(facts["notes"]),
            facts["versions"],
        )
        warmup = None if facts["warmup"] is None else Warmup(**facts["warmup"])
        return Results(models, runs, facts["wall_s"], folder, origin=origin, warmup=warmup)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DsimError(f"{folder}: its manifest and its tables do not fit together ({error!r}); {REPAIR}") from error


def is_results(path: Path) -> bool:
    """Is it a folder that a run wrote?"""
    return (path / MANIFEST).is_file()


def _run_facts(run: Run) -> dict[str, Any]:
    faults = [{"name": n, "start_s": s, "end_s": e if math.isfinite(e) else None} for n, s, e in run.faults]
    return {
        "variant": run.variant,
        "replication": run.replication,
        "warmup_s": run.warmup_s,
        "duration_s": run.duration_s,
        "stopped": run.stopped,
        "stopped_at_s": run.stopped_at_s,
        "events": run.events,
        "wall_s": run.wall_s,
        "requests": None if run.requests is None else run.requests.name,
        "faults": faults,
        "violations": run.violations,
    }


def _run(folder: Path, facts: Mapping[str, Any], of: Mapping[str, Any], measured: tidy.Measured) -> Run:
    return Run(
        facts["scenario"],
        of["variant"],
        of["replication"],
        facts["seed"],
        of["warmup_s"],
        of["duration_s"],
        of["stopped"],
        of["stopped_at_s"],
        measured.scopes,
        measured.gauges,
        measured.series,
        None if of["requests"] is None else folder / "requests" / of["requests"],
        of["events"],
        of["wall_s"],
        [(f["name"], f["start_s"], math.inf if f["end_s"] is None else f["end_s"]) for f in of["faults"]],
        measured.control,
        of["violations"],
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    _check_folder(folder)
    path = folder / MANIFEST
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        written, by = int(facts["format"]), facts["versions"]["dsim"]
    except OSError as error:
        raise DsimError(f"{path}: cannot be read: {error.strerror}; give a folder that can") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DsimError(f"{path}: is damaged, or not a manifest of dsim ({error!r}); {REPAIR}") from error
    if written > FORMAT:
        raise DsimError(
            f"{folder}: was written by a newer dsim ({by}, format {written}); this one reads format {FORMAT}; "
            "install that version or a later one"
        )
    if written < FORMAT:
        raise DsimError(
            f"{folder}: was written by an older dsim ({by}, format {written}); this one reads format {FORMAT}; "
            f"run the scenario again: it stands in {path}"
        )
    return dict(facts)


def _check_folder(folder: Path) -> None:
    what = "give a folder that `dsim run --out` wrote"
    if not folder.exists():
        raise DsimError(f"{folder}: there is no such folder; {what}")
    if not folder.is_dir():
        raise DsimError(f"{folder}: is a file; {what}")
    if not is_results(folder):
        inside = sorted(entry for entry in folder.iterdir() if is_results(entry))
        hint = f", such as {inside[-1]}" if inside else ""
        raise DsimError(f"{folder}: holds no {MANIFEST}, so it is no folder of results; {what}{hint}")

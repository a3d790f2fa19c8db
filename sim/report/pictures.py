"""The pictures of a comparison as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from sim.errors import DsimError
from sim.experiment import Results
from sim.experiment.comparison import Comparison
from sim.report import plots, style
from sim.report.elections import variants_with_elections
from sim.report.views import variants_with_views


def write_pictures(results: Results, comparison: Comparison, folder: Path) -> list[Path]:
    """Latency and differences, the course through time where something broke, what clients' views said where a registry
    told them, and who led when where there were elections. Each is written beside its place
    first, so that none is ever half there; older ones of the same name are replaced.

    Raises: DsimError where the folder cannot be written to.
    """
    drawings: dict[str, Callable[[], Figure]] = {
        "latency.png": lambda: plots.latency_ccdf(results),
        "differences.png": lambda: plots.forest(comparison),
    }
    if any(run.faults for run in results.runs):
        drawings["time.png"] = lambda: plots.time_series(results)
    for variant in variants_with_views(results):
        drawings[f"views-{variant}.png"] = partial(plots.views, results, variant)
    for variant in variants_with_elections(results):
        drawings[f"elections-{variant}.png"] = partial(plots.elections, results, variant)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(draw(), folder / name) for name, draw in drawings.items()]
    except OSError as error:
        raise DsimError(f"{folder}: cannot write pictures there: {error.strerror}; choose another folder") from error


def _write(figure: Figure, path: Path) -> Path:
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        figure.savefig(partial, dpi=style.DPI)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path

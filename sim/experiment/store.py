"""Results on disk: a folder with a manifest and Parquet tables that appears whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sim
from sim.errors import DsimError
from sim.experiment.results import Results

FORMAT = 1
PACKAGES = ("numba", "numpy", "pandas", "pyarrow", "scipy", "simpy")


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A hidden folder to write into, which takes the name `target` when the block ends well and vanishes otherwise.

    It lies on the target's file system, so that the renaming is atomic.
    Raises: DsimError where the target is a file or a folder with something in it.
    """
    check_free(target)
    ancestor = next(parent for parent in target.absolute().parents if parent.is_dir())
    try:
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=ancestor))
    except OSError as error:
        raise DsimError(f"{target}: cannot write results there: {error.strerror}; choose another folder") from error
    try:
        yield partial
        partial.chmod(0o755)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial, target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_free(target: Path) -> None:
    """Raises: DsimError unless results may be written to `target`."""
    if target.is_dir():
        if any(target.iterdir()):
            raise DsimError(f"{target}: already holds something; results never overwrite, choose another folder")
    elif target.exists():
        raise DsimError(f"{target}: is a file; give the path of a new folder for the results")


def write_tables(results: Results, folder: Path) -> None:
    """scopes, gauges, timeseries and summary as Parquet."""
    results.scopes().to_parquet(folder / "scopes.parquet", index=False)
    results.gauges().to_parquet(folder / "gauges.parquet", index=False)
    results.timeseries().to_parquet(folder / "timeseries.parquet", index=False)
    results.summary().reset_index().to_parquet(folder / "summary.parquet", index=False)


def write_manifest(results: Results, folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest(results, text), indent=2, ensure_ascii=False) + "\n")


def manifest(results: Results, text: str) -> dict[str, Any]:
    """What was run, with what. `text` is the scenario file."""
    first = results.runs[0]
    return {
        "format": FORMAT,
        "scenario": first.scenario,
        "text": text,
        "variants": results.variants,
        "replications": len(results.of(results.variants[0])),
        "seed": first.seed,
        "versions": versions(),
        "wall_s": results.wall_s,
        "events": sum(run.events for run in results.runs),
        "unstable": results.unstable(),
    }


def versions() -> dict[str, str]:
    """Of dsim, Python and the packages that the numbers depend on."""
    return {
        "dsim": sim.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }

"""`dsim run`: simulate a scenario and print its summary."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.errors import Status, exit_status
from sim.cli.interrupt import Interrupts

if TYPE_CHECKING:
    from sim.experiment import Results
    from sim.scenario import Scenario

PIPED_WIDTH = 140
"""Columns of the tables where the output is not a terminal."""


def run(
    file: Annotated[Path, typer.Argument(help="The scenario file.", show_default=False)],
    variant: Annotated[list[str] | None, typer.Option(help="Run this variant only; may be repeated.")] = None,
    replications: Annotated[int | None, typer.Option(help="Instead of the scenario's own number.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's own.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default as many as pay.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE to change; may be repeated.")] = None,
    plugin: Annotated[list[Path] | None, typer.Option(help="A Python file to load; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the results.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")] = False,
) -> None:
    """Run a scenario and print throughput, latency and availability."""
    with exit_status():
        scenario = _load(file, set_ or [], plugin or [])
        results = _simulate(scenario, variant, replications, seed, workers, out, quiet)
        if as_json:
            _print_document(results)
        elif not quiet:
            _print_summary(scenario, results)
        if results.unstable():
            raise typer.Exit(Status.STOPPED)


def _load(file: Path, changes: list[str], plugins: list[Path]) -> Scenario:
    from sim.scenario import load

    return load(file, changes, plugins=plugins)


def _simulate(
    scenario: Scenario,
    variants: list[str] | None,
    replications: int | None,
    seed: int | None,
    workers: int | None,
    out: Path | None,
    quiet: bool,
) -> Results:
    from sim.cli.progress import ProgressBar
    from sim.experiment import Progress, run_scenario

    def progress(reached: Progress) -> None:
        interrupts.check()
        bar(reached)

    with Interrupts() as interrupts, ProgressBar(enabled=not quiet) as bar:
        return run_scenario(
            scenario,
            variants=variants,
            replications=replications,
            seed=seed,
            workers=workers,
            progress=progress,
            directory=out or _folder_for_requests(scenario),
        )


def _folder_for_requests(scenario: Scenario) -> Path | None:
    """Recorded requests are kept even when no folder was named."""
    if scenario.records:
        return Path("runs") / f"{scenario.name}-{datetime.now():%Y%m%d-%H%M%S}"
    return None


def _print_document(results: Results) -> None:
    from sim.report import document

    json.dump(document(results), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    print()


def _print_summary(scenario: Scenario, results: Results) -> None:
    from rich.console import Console

    from sim.report import print_summary

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    with console.capture() as captured:  # by itself, rich would end the program when the reader has gone
        print_summary(results, console)
    print(captured.get(), end="")

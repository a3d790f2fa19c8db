"""`dsim run`: simulate a scenario and print its summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.errors import Status, exit_status
from sim.cli.options import AsJson, Changes, Out, Plugins, Quiet, Replications, Seed, Workers
from sim.cli.output import print_json, print_rich
from sim.cli.simulate import Plan, load_scenario, simulate

if TYPE_CHECKING:
    from rich.console import Console

    from sim.experiment import Results


def run(
    file: Annotated[Path, typer.Argument(help="The scenario file.", show_default=False, metavar="FILE")],
    variant: Annotated[
        list[str] | None, typer.Option(help="Run this variant only; may be repeated.", metavar="NAME")
    ] = None,
    replications: Replications = None,
    seed: Seed = None,
    workers: Workers = None,
    changes: Changes = None,
    plugins: Plugins = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario and print throughput, latency and availability."""
    with exit_status() as stage:
        scenario = load_scenario(file, changes, plugins)
        results = simulate(scenario, variant, Plan(replications, seed, workers, out, quiet), stage)
        if as_json:
            from sim.report import document

            print_json(document(results))
        elif not quiet:
            print_rich(lambda console: _print(results, console))
        if results.violations():
            raise typer.Exit(Status.VIOLATED)
        if results.unstable():
            raise typer.Exit(Status.STOPPED)


def _print(results: Results, console: Console) -> None:
    from sim.report import print_summary

    print_summary(results, console)
    if results.directory is not None:
        console.print(f"Results are in {results.directory}.", highlight=False, soft_wrap=True)

"""`dsim compare`: variants side by side, what their differences mean, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.errors import Stage, Status, exit_status
from sim.cli.options import AsJson, Changes, Out, Plugins, Quiet, Replications, Seed, Workers
from sim.cli.output import print_json, print_rich
from sim.cli.simulate import Plan, load_scenario, simulate
from sim.errors import DsimError

if TYPE_CHECKING:
    from rich.console import Console

    from sim.experiment import Results
    from sim.experiment.comparison import Comparison

PLOTS = "plots"
"""The folder of pictures in a folder of results."""


def compare(
    file: Annotated[
        Path, typer.Argument(help="The scenario file, or a folder of results.", show_default=False, metavar="FILE")
    ],
    variant: Annotated[
        list[str] | None,
        typer.Option(help="Compare only this one with the baseline; may be repeated.", metavar="NAME"),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="The variant to compare with; by default the scenario's.", metavar="NAME"),
    ] = None,
    margin: Annotated[
        str, typer.Option(help="Differences within this share of the baseline's value are equal.", metavar="SHARE")
    ] = "5%",
    replications: Replications = None,
    seed: Seed = None,
    workers: Workers = None,
    changes: Changes = None,
    plugins: Plugins = None,
    out: Out = None,
    plots: Annotated[
        Path | None,
        typer.Option(help="A folder for the pictures; by default DIR/plots of --out.", metavar="DIR"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare the variants of a scenario: values side by side, verdicts with intervals, pictures."""
    with exit_status() as stage:
        share = _margin(margin)
        plan = Plan(replications, seed, workers, out, quiet)
        wanted = _Wanted(file, variant, baseline)
        results = (
            _load(wanted, plan, [*(changes or ()), *(plugins or ())])
            if file.is_dir()
            else _run(wanted, plan, changes, plugins, stage)
        )
        comparison = results.compare(results.variants[0], margin=share)
        folder = plots or (out / PLOTS if out else None)
        pictures = _draw(results, comparison, folder) if folder else []
        if as_json:
            _print_document(results, comparison, pictures)
        elif not quiet:
            print_rich(lambda console: _print(results, comparison, pictures, console))
        if results.violations():
            raise typer.Exit(Status.VIOLATED)
        if results.unstable():
            raise typer.Exit(Status.STOPPED)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to compare; None is all, and the scenario's own baseline."""

    file: Path
    variants: Sequence[str] | None
    baseline: str | None

    def choose(self, known: Sequence[str]) -> list[str]:
        """The variants to compare, the baseline first. Raises: DsimError unless there are two of those known."""
        from sim.forms import unknown

        for option, name in [("--baseline", self.baseline), *(("--variant", name) for name in self.variants or ())]:
            if name is not None and name not in known:
                raise DsimError(f"{option}: {unknown('variant', name, known)}")
        if len(known) < 2:
            raise DsimError(
                f"{self.file}: has one variant, {known[0]}, and a comparison needs two; add them, e.g. "
                "variants: {before: {}, after: {services: {api: {instances: 2}}}}"
            )
        first = self.baseline or known[0]
        others = [name for name in self.variants or known if name != first]
        if not others:
            rest = ", ".join(name for name in known if name != first)
            raise DsimError(f"--variant {first}: is the baseline itself; name another one to compare with it: {rest}")
        return [first, *dict.fromkeys(others)]


def _run(
    wanted: _Wanted, plan: Plan, changes: Sequence[str] | None, plugins: Sequence[Path] | None, stage: Stage
) -> Results:
    scenario = load_scenario(wanted.file, changes, plugins)
    return simulate(scenario, wanted.choose(scenario.variants), plan, stage)


def _load(wanted: _Wanted, plan: Plan, changes: Sequence[object]) -> Results:
    from sim.experiment import load_results

    results = load_results(wanted.file)
    given = {
        "--replications": plan.replications, "--seed": plan.seed, "--workers": plan.workers, "--out": plan.out,
        "--set or --plugin": changes or None,
    }  # fmt: skip
    for option, value in given.items():
        if value is not None:
            raise DsimError(f"{wanted.file}: holds results, which are not run again; leave out {option}")
    return results.only(wanted.choose(results.variants))


def _margin(text: str) -> float:
    from sim.units import UnitError, parse_share

    try:
        share = parse_share(text)
    except UnitError as error:
        raise DsimError(f"--margin: {error}; for what counts as equal write e.g. --margin 5%") from error
    if not 0 <= share < 1:
        raise DsimError(f"--margin: got {text}; must be at least 0% and below 100%, e.g. --margin 5%")
    return share


def _draw(results: Results, comparison: Comparison, folder: Path) -> list[Path]:
    from sim.report.pictures import write_pictures

    return write_pictures(results, comparison, folder)


def _print_document(results: Results, comparison: Comparison, pictures: Sequence[Path]) -> None:
    from sim.report import comparison_document

    print_json(comparison_document(results, comparison) | {"pictures": [str(path) for path in pictures]})


def _print(results: Results, comparison: Comparison, pictures: Sequence[Path], console: Console) -> None:
    from sim.report import print_comparison

    print_comparison(results, comparison, console)
    if results.directory is not None:
        console.print(f"Results are in {results.directory}.", highlight=False, soft_wrap=True)
    if pictures:
        console.print(f"Pictures: {', '.join(map(str, pictures))}.", highlight=False, soft_wrap=True)

"""`dsim explain`: what will run, and where its load ends, without simulating."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.errors import exit_status
from sim.cli.options import AsJson, Changes, Plugins
from sim.cli.output import PIPED_WIDTH, finite, print_json, print_rich

if TYPE_CHECKING:
    from rich.console import Console

    from sim.analysis import Explanation
    from sim.scenario import Scenario

PICTURES = (".png", ".svg", ".pdf")


def explain(
    file: Annotated[Path, typer.Argument(help="The scenario file.", show_default=False, metavar="FILE")],
    variant: Annotated[
        str | None, typer.Option(help="Explain this variant; by default the baseline.", metavar="NAME")
    ] = None,
    changes: Changes = None,
    plugins: Plugins = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the machine model instead: everything explicit, as YAML.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the topology into this file: .png, .svg or .pdf.", metavar="FILE")
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="Draw the network into this file: .png, .svg or .pdf.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what will run and where its load ends, without simulating.

    It prints demands and utilizations per station, the bottleneck, the load at
    which throughput flattens, latencies at no contention, and where every
    instance landed.
    """
    with exit_status():
        _check_picture("--picture", picture)
        _check_picture("--network", network)
        from sim.scenario import load

        scenario = load(file, changes or [], plugins=plugins or [])
        name = variant or scenario.baseline
        model = scenario.resolve(name)
        if picture is not None:
            _draw("topology", model, picture)
        if network is not None:
            _draw("network", model, network)
        if resolved:
            _print_resolved(model, as_json)
        elif as_json:
            print_json(finite(_document(scenario, variant)))
        else:
            print_rich(lambda console: _print(scenario, name, variant is None, console))
        if picture is not None:
            print(f"The topology is in {picture}.", file=sys.stderr)
        if network is not None:
            print(f"The network is in {network}.", file=sys.stderr)


def _print(scenario: Scenario, name: str, others: bool, console: Console) -> None:
    from sim.analysis import explain_scenario
    from sim.analysis.text import print_explanation

    print_explanation(explain_scenario(scenario, name), console)
    rest = [other for other in scenario.variants if other != name] if others else []
    if rest:
        console.print("\nThe other variants (--variant NAME explains one)", style="italic", highlight=False)
    for other in rest:
        found = explain_scenario(scenario, other)
        console.print(f"{other}: {_in_short(found)}", highlight=False, markup=False)


def _in_short(found: Explanation) -> str:
    return " ".join(found.verdict[:2])


def _document(scenario: Scenario, variant: str | None) -> dict[str, Any]:
    """Every variant, or the one that was asked for."""
    from sim.analysis import explain_scenario

    names = scenario.variants if variant is None else (variant,)
    found = {name: explain_scenario(scenario, name).to_dict() for name in names}
    return {"scenario": scenario.name, "baseline": scenario.baseline, "variants": found}


def _print_resolved(model: Any, as_json: bool) -> None:
    from sim.scenario.resolved import plain

    if as_json:
        print_json(finite(plain(model)))
        return
    from ruamel.yaml import YAML

    yaml = YAML(pure=True)
    yaml.width = PIPED_WIDTH
    yaml.representer.ignore_aliases = lambda data: True
    yaml.dump(plain(model), sys.stdout)


def _check_picture(option: str, picture: Path | None) -> None:
    from sim.errors import DsimError

    if picture is None:
        return
    if picture.suffix.lower() not in PICTURES:
        example = f"{option} {option.strip('-')}.png"
        raise DsimError(f"{option} {picture}: must end in .png, .svg or .pdf; write e.g. {example}")
    if not picture.absolute().parent.is_dir():
        raise DsimError(f"{option} {picture}: there is no folder {picture.parent}; create it first")


def _draw(what: Literal["topology", "network"], model: Any, picture: Path) -> None:
    """Write the picture next to its place first, so that it is never half there."""
    from sim.report import plots, style

    draw = {"topology": plots.topology, "network": plots.network}[what]
    partial = picture.with_name(f".{picture.stem}.partial{picture.suffix}")
    try:
        draw(model).savefig(partial, dpi=style.DPI)
        os.replace(partial, picture)
    finally:
        partial.unlink(missing_ok=True)

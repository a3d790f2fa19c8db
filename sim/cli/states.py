"""`dsim states`: which states random faults bring a system into, without simulating a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.errors import exit_status
from sim.cli.options import AsJson, Changes, Plugins, Seed
from sim.cli.output import finite, print_json, print_rich

if TYPE_CHECKING:
    from rich.console import Console

    from sim.experiment.state_runs import WeightedStates
    from sim.experiment.states import States


def states(
    file: Annotated[Path, typer.Argument(help="The scenario file.", show_default=False, metavar="FILE")],
    variant: Annotated[
        str | None, typer.Option(help="By default the baseline.", metavar="NAME", show_default=False)
    ] = None,
    years: Annotated[
        float | None,
        typer.Option(help="In each replication; by default about a million fault episodes in all.", metavar="N"),
    ] = None,
    replications: Annotated[int, typer.Option(help="Of the faults.", metavar="N")] = 20,
    requests: Annotated[
        bool, typer.Option("--requests", help="Also run requests in each state, and weigh what they see.")
    ] = False,
    seed: Seed = None,
    changes: Changes = None,
    plugins: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """Simulate the random faults alone: how often how many instances of each service are up."""
    with exit_status():
        from sim.experiment.state_runs import weigh
        from sim.experiment.states import failure_states
        from sim.scenario import load

        scenario = load(file, changes or (), plugins=plugins or ())
        found = failure_states(scenario, variant, years=years, replications=replications, seed=seed)
        weighted = weigh(found) if requests else None
        if as_json:
            print_json(finite(_document(found, weighted)))
        else:
            print_rich(lambda console: _print(found, weighted, console))


def _print(found: States, weighted: WeightedStates | None, console: Console) -> None:
    from sim.report.grid import to_rich
    from sim.report.states import states_grid, states_sentences

    console.print(to_rich(states_grid(found, weighted)))
    for sentence in states_sentences(found, weighted):
        console.print(sentence, highlight=False)


def _document(found: States, weighted: WeightedStates | None) -> dict[str, object]:
    from sim.report.states import states_sentences

    document: dict[str, object] = {
        "scenario": found.model.scenario,
        "variant": found.model.variant,
        "seed": found.seed,
        "replications": found.replications,
        "duration_s": found.duration_s,
        "instances": dict(found.instances),
        "states": found.to_frame().to_dict("records"),
        "notes": states_sentences(found, weighted),
    }
    if weighted is not None:
        document["requests"] = weighted.to_frame().to_dict("records")
    return document

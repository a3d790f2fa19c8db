"""Failure states as a table, for a terminal and for notebooks."""

from __future__ import annotations

from sim.experiment.state_runs import WeightedStates
from sim.experiment.states import YEAR_S, State, States
from sim.report.grid import Grid, to_html
from sim.report.html import paragraph
from sim.report.numbers import percentage, plain, with_interval
from sim.statistics import Estimate

STATES_SHOWN = 24


def states_grid(states: States, weighted: WeightedStates | None = None) -> Grid:
    """A row a state, the most probable first; with what requests saw in it, and a last row over all."""
    found = states.states[:STATES_SHOWN]
    services = list(states.instances)
    sources = [] if weighted is None else list(weighted.available)
    headers = [*(f"{name} up" for name in services), "% of the time", "lasts s", "times a year"]
    headers += [f"{name} available %" for name in sources]
    runs = {} if weighted is None else {run.state.label: run for run in weighted.runs}
    rows = [
        [
            *(f"{state.up[name]} of {states.instances[name]}" for name in services), _small(state.probability),
            with_interval(state.mean_duration_s), _yearly(states, state),
            *(percentage(runs[state.label].available[name]) if state.label in runs else "–" for name in sources),
        ]
        for state in found
    ]  # fmt: skip
    if weighted is not None:
        rows.append(["all", *[""] * (len(services) - 1), "100", "", "", *map(percentage, weighted.available.values())])
    hidden = len(states.states) - len(found)
    return Grid(
        f"States that random faults make, of {states.model.variant}",
        headers,
        rows,
        names=len(services),
        caption=f"and {hidden} rarer ones" if hidden > 0 else "",
        lines=() if weighted is None else (len(rows) - 2,),
    )


def states_sentences(states: States, weighted: WeightedStates | None = None) -> list[str]:
    """How much was simulated, what was never seen, and what is left out."""
    episodes = sum(state.visits for state in states.states)
    years = states.total_s / YEAR_S
    notes = states.notes if weighted is None else weighted.notes
    return [
        f"Faults alone over {plain(years, 3)} years in {states.replications} replications: {episodes:,} visits to "
        f"{len(states.states):,} states.",
        *_never(states),
        *notes,
    ]


def states_html(states: States) -> str:
    return to_html(states_grid(states)) + paragraph(states_sentences(states))


def _never(states: States) -> list[str]:
    """The smallest number of instances that each service was never seen below."""
    found = []
    for name, total in states.instances.items():
        fewest = min(state.up[name] for state in states.states)
        if fewest > 0:
            bound = states.at_least(name, fewest)
            found.append(
                f"{name} never had fewer than {fewest} of {total} instances up: less than "
                f"{plain(100 * (1.0 - bound.low), 2)} % of the time, with 95 % confidence."
            )
    return found


def _small(probability: Estimate) -> str:
    """A share in %, down to shares of which a decimal fraction would be all zeros."""
    value = 100 * probability.value
    if value >= 1e-3 or value == 0.0:
        return percentage(probability)
    return f"{value:.1e} ({100 * probability.low:.1e} to {100 * probability.high:.1e})"


def _yearly(states: States, state: State) -> str:
    per_year = state.visits * YEAR_S / states.total_s
    return f"{per_year:,.0f}" if per_year >= 100 else plain(per_year, 3)

"""Availability accounts and blast radii as tables, for the summary and for notebooks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sim.analysis import words
from sim.experiment import Results
from sim.experiment.availability import Account, accounts
from sim.experiment.blast import OVERLAPPED, Blast, blasts, impacts
from sim.experiment.downtime import DOWN_BELOW
from sim.forms import listed
from sim.report.grid import Grid
from sim.report.numbers import MISSING, decimals_for, percentage, plain, with_interval
from sim.statistics import Estimate
from sim.units import format_duration

SERVICES_SHOWN = 8
"""Services that were down; more are counted in the caption."""
BLASTS_SHOWN = 12
EPISODES_TOLD = 10_000
"""Above this the summary would take seconds for its blast radii."""
CAUSES_SHOWN = 2
UNEVEN = 1.5
"""Ratio of an interval's two halves from which on its ends are written."""


def is_told(results: Results) -> bool:
    """Is there anything to account for: a fault that struck, or an objective?"""
    objectives = (source.slo_availability for model in results.models.values() for source in model.sources)
    return any(run.faults for run in results.runs) or any(of is not None for of in objectives)


def availability_grids(results: Results) -> tuple[list[Grid], list[str]]:
    """Accounts and, where faults struck, their blast radii; with what is to be known of them. Nothing where there is
    neither a fault nor an objective."""
    if not is_told(results):
        return [], []
    found = accounts(results)
    grids = [_accounts_grid(results, found)]
    sentences = [down_sentence(results), *_notes(found)]
    replications = {variant: len(results.of(variant)) for variant in results.variants}
    episodes = sum(len(run.faults) for run in results.runs) * len(results.sources)
    if episodes > EPISODES_TOLD:
        sentences.append(f"Blast radius: {episodes:,} episodes and classes; results.blast_radius() has them.")
    elif struck := blasts(impacts(results), replications):
        grids.append(_blasts_grid(results, struck))
        sentences += _overlapped(struck)
    return grids, sentences


def down_sentence(results: Results) -> str:
    """What counts as down in these tables."""
    lengths = {model.run.window_s for model in results.models.values()}
    window = f"a window of {format_duration(min(lengths))}" if len(lengths) == 1 else "a window (run.window)"
    return (
        f"Down: {window} in which more than {100 * (1 - DOWN_BELOW):g} % of the requests that ended were not good; "
        "times are known to a window."
    )


def _accounts_grid(results: Results, found: Sequence[Account]) -> Grid:
    sources = [of for of in found if of.kind == "source"]
    services = sorted((of for of in found if of.kind == "service" and of.downtimes), key=lambda of: of.good_share.value)
    shown = [*sources, *services[:SERVICES_SHOWN]]
    several = len(results.variants) > 1
    budgets = any(of.objective is not None for of in shown)
    headers = [*(["variant"] if several else []), "of", "good %", "nines"]
    if budgets:
        headers += ["budget used %", f"worst burn rate in {_burn_window(shown)}"]
    headers += ["downtimes", "MTTR s", "MTBF s", "struck then"]
    rows = []
    for of in sorted(shown, key=lambda of: results.variants.index(of.variant)):
        cells = [*([of.variant] if several else []), of.name if of.kind == "source" else f"service {of.name}"]
        cells += [percentage(of.good_share), _bounded(of.nines)]
        if budgets:
            cells += [with_interval(of.budget_used, 0.01), with_interval(of.worst_burn_rate)]
        each = of.downtimes / of.replications
        cells += [plain(each, 3) if each else "0", with_interval(of.mttr_s), _bounded(of.mtbf_s), _causes(of)]
        rows.append(cells)
    hidden = len(services) - SERVICES_SHOWN
    return Grid(
        "Availability: good requests, and downtimes a replication",
        headers,
        rows,
        names=2 if several else 1,
        caption=f"and {hidden} more services that were down" if hidden > 0 else "",
    )


def _blasts_grid(results: Results, found: Sequence[Blast]) -> Grid:
    several = len(results.variants) > 1
    ranked = sorted(found, key=lambda of: (results.variants.index(of.variant), -of.failed.value))
    rows = [
        [
            *([of.variant] if several else []), of.cause, of.name, f"{of.episodes:,}", with_interval(of.failed),
            _share(of.failed_share), with_interval(of.beyond_s), f"{of.not_recovered:,}" if of.not_recovered else "–",
        ]
        for of in ranked[:BLASTS_SHOWN]
    ]  # fmt: skip
    names = [*(["variant"] if several else []), "fault", "requests of"]
    hidden = len(found) - BLASTS_SHOWN
    return Grid(
        "Blast radius: what an episode of each fault cost, beyond the level before it",
        [*names, "episodes", "failed", "% of them", "s beyond it", "not over"],
        rows,
        len(names),
        caption=f"and {hidden} more: results.blast_radius()" if hidden > 0 else "",
    )


def _overlapped(found: Sequence[Blast]) -> list[str]:
    """Faults whose failures cannot be told from those of others."""
    causes = list(dict.fromkeys(of.cause for of in found if of.overlapping == of.episodes))
    return [f"Blast radius of {words.first_few(causes)}: {OVERLAPPED}."] if causes else []


def _burn_window(found: Iterable[Account]) -> str:
    lengths = [of.burn_window_s for of in found]
    return format_duration(float(f"{max(lengths):.3g}"))


def _bounded(estimate: Estimate) -> str:
    """A lower bound where the value is infinite, and both ends where they lie unevenly."""
    if math.isinf(estimate.value) and estimate.has_interval:
        return f"≥ {plain(estimate.low, 3)}"
    if estimate.has_interval and estimate.high - estimate.value > UNEVEN * (estimate.value - estimate.low):
        low, value, high = (plain(number, 3) for number in (estimate.low, estimate.value, estimate.high))
        return f"{value} ({low} to {high})"
    return with_interval(estimate)


def _share(estimate: Estimate) -> str:
    if estimate.value == 0.0:
        return "0"
    if estimate.has_interval and estimate.half_width > 0.0 and decimals_for(100 * estimate.half_width) > 4:
        return plain(100 * estimate.value, 2)
    return with_interval(estimate, 0.01)


def _causes(account: Account) -> str:
    if not account.causes:
        return MISSING
    ranked = sorted(account.causes, key=lambda cause: -account.causes[cause])
    more = len(ranked) - CAUSES_SHOWN
    return ", ".join(ranked[:CAUSES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _notes(found: Sequence[Account]) -> list[str]:
    """Why numbers are missing, and what they leave out; each once, with whom it concerns."""
    concerned: dict[str, dict[str, list[str]]] = {}
    for of in found:
        if of.kind == "source" or of.downtimes:
            scheduled = [f"MTBF: {of.mtbf_s.reason}"] if of.downtimes and of.mtbf_s.reason else []
            for text in (*of.notes, *scheduled):
                concerned.setdefault(text, {}).setdefault(of.name, []).append(of.variant)
    variants = {of.variant for of in found}
    return [f"{', '.join(_whose(names, len(variants)))}: {text}." for text, names in concerned.items()]


def _whose(variants_by_name: Mapping[str, Sequence[str]], all_variants: int) -> Iterator[str]:
    """Names, with their variants where it does not concern all."""
    for name, variants in variants_by_name.items():
        distinct = list(dict.fromkeys(variants))
        yield name if len(distinct) == all_variants else f"{name} of {listed(distinct)}"

"""What `dsim compare` prints: the variants side by side, what their differences mean, and what to know of them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from sim.experiment import Results
from sim.experiment.comparison import Comparison, Difference
from sim.report.grid import Grid, to_html, to_rich, within
from sim.report.html import paragraph
from sim.report.knowledge import knowledge_grids
from sim.report.meaning import Meaning, meaning_of
from sim.report.metrics import Unit, kind_of, name_of, unit_of
from sim.report.numbers import MINUS, MISSING, percentage, plain, signed, time_unit, with_interval
from sim.report.summary import grouped, remarks
from sim.statistics import Estimate

COLOURS: dict[Meaning, str] = {
    "better": "bold blue", "worse": "bold red", "differs": "bold", "equal": "", "undecided": "dim",
}  # fmt: skip
SENTENCE_WIDTH = 110
PAIRING_READS = "× 0.2 means: the interval of the difference is 0.2 times as wide as independent runs would give."
PLAINER = {"goodput_per_s": "throughput_per_s", "good_share": "availability"}
"""Metrics that equal another one where no source has an objective."""


def print_comparison(results: Results, comparison: Comparison, console: Console) -> None:
    console.print(results.title, style="bold", highlight=False, markup=False)
    _say(console, results.origin.texts.get("question", ""), hang="")
    for source in sources_of(comparison):
        console.print()
        for grid in within(side_by_side(comparison, source), console.width, repeated=2):
            console.print(to_rich(grid))
    for note in notes(comparison):
        _say(console, note)
    _print_verdicts(comparison, console)
    _print_exploratory(comparison, console)
    console.print()
    console.print(to_rich(pairing(comparison)))
    _say(console, PAIRING_READS)
    known, of_knowledge = knowledge_grids(results)
    for grid in known:
        console.print(to_rich(grid))
    for sentence in (*of_knowledge, *comparison.notes, *remarks(results)):
        _say(console, sentence)


def sources_of(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(difference.source for difference in comparison.differences))


def variants_of(comparison: Comparison) -> list[str]:
    """Without the baseline."""
    return list(dict.fromkeys(difference.variant for difference in comparison.differences))


def side_by_side(comparison: Comparison, source: str) -> Grid:
    """A row a metric, the primary ones first; a column a variant, the baseline first."""
    of_source = [difference for difference in comparison.differences if difference.source == source]
    cells = {(d.metric, d.variant): d.other for d in of_source}
    cells |= {(d.metric, comparison.baseline): d.base for d in of_source}
    metrics = _metrics(of_source)
    variants = [comparison.baseline, *(v for v in variants_of(comparison) if any(d.variant == v for d in of_source))]
    units = _units(cells)
    rows = [
        [units[metric].heading(metric), *(_cell(cells.get((metric, variant)), units[metric]) for variant in variants)]
        for metric in metrics
    ]
    primary = sum(any(d.primary for d in of_source if d.metric == metric) for metric in metrics)
    return Grid(
        f"{source}: values with 95 % intervals",
        ["", f"{comparison.baseline} (baseline)", *variants[1:]],
        rows,
        lines=[primary - 1],
    )


def _metrics(differences: Sequence[Difference]) -> list[str]:
    """The primary ones first; without those that say the same of every variant as another one: where nothing fails,
    `p99 ok` is p99."""
    ordered = sorted(differences, key=lambda difference: not difference.primary)
    seen: dict[str, list[tuple[str, Estimate, Estimate]]] = {}
    for of in ordered:
        seen.setdefault(of.metric, []).append((of.variant, of.base, of.other))
    plainer = {metric: PLAINER.get(metric, metric.replace("_ok_s", "_s")) for metric in seen}
    return [metric for metric, values in seen.items() if plainer[metric] == metric or seen[plainer[metric]] != values]


def _units(cells: dict[tuple[str, str], Estimate]) -> dict[str, Unit]:
    """Of each metric; all latencies have the same one."""
    latencies = [estimate.value for (metric, _), estimate in cells.items() if kind_of(metric) == "time"]
    time = Unit(*time_unit(latencies))
    return {metric: time if kind_of(metric) == "time" else unit_of(metric, ()) for metric, _ in cells}


def _cell(estimate: Estimate | None, unit: Unit) -> str:
    if estimate is None:
        return MISSING
    return percentage(estimate) if unit.symbol == "%" else with_interval(estimate, unit.scale)


def notes(comparison: Comparison) -> list[str]:
    """Why numbers or their intervals are missing in the tables."""
    shown = [
        difference
        for source in sources_of(comparison)
        for of_source in [[d for d in comparison.differences if d.source == source]]
        for difference in of_source
        if difference.metric in _metrics(of_source)
    ]
    places = [(comparison.baseline, d.base, d) for d in shown] + [(d.variant, d.other, d) for d in shown]
    missing = [(e.reason, name_of(d.metric), _place(comparison, variant, d.source)) for variant, e, d in places]
    columns = len({difference.metric for difference in shown})
    return grouped(missing, columns, places=len({place for _, _, place in missing}))


def _print_verdicts(comparison: Comparison, console: Console) -> None:
    pairs = f"{comparison.replications} replications in pairs, 95 % for all of these together"
    if comparison.replications == 1:
        pairs = "one replication shows no spread, so there are none; run at least two"
    console.print(f"\nVerdicts against {comparison.baseline}: {pairs}", style="bold", highlight=False)
    table = Table.grid(padding=(0, 2))
    for difference in comparison.differences:
        if difference.primary:
            meaning = meaning_of(difference)
            table.add_row("", f"[{COLOURS[meaning]}]{meaning}[/]" if COLOURS[meaning] else meaning, difference.sentence)
    console.print(table, highlight=False)


def _print_exploratory(comparison: Comparison, console: Console) -> None:
    found = list(exploratory(comparison))
    if found:
        console.print("\nExploratory: each 95 % by itself, so that one in twenty may differ by chance", highlight=False)
    for sentence in found:
        _say(console, sentence, indent="  ")


def exploratory(comparison: Comparison) -> Iterable[str]:
    """Of each variant and source, the other metrics that differ."""
    for (variant, source), differences in _by_pair(comparison).items():
        shown = _metrics([d for d in comparison.differences if d.source == source])
        differing = [d for d in differences if not d.primary and d.verdict == "differs" and d.metric in shown]
        if differing:
            yield f"{_place(comparison, variant, source)}: {', '.join(map(_in_short, differing))}"


def _by_pair(comparison: Comparison) -> dict[tuple[str, str], list[Difference]]:
    """Differences by variant and source."""
    found: dict[tuple[str, str], list[Difference]] = {}
    for difference in comparison.differences:
        found.setdefault((difference.variant, difference.source), []).append(difference)
    return found


def _place(comparison: Comparison, variant: str, source: str) -> str:
    return f"{variant}/{source}" if len(sources_of(comparison)) > 1 else variant


def _in_short(difference: Difference) -> str:
    """`p50 +4.0 ms`."""
    unit = unit_of(difference.metric, [difference.base.value, difference.other.value])
    symbol = "points" if unit.symbol == "%" else unit.symbol
    return f"{name_of(difference.metric)} {signed(difference.difference, unit.scale)} {symbol}"


def pairing(comparison: Comparison) -> Grid:
    """What common random numbers achieved."""
    pairs = _by_pair(comparison)
    metrics = list(dict.fromkeys(d.metric for d in comparison.differences if d.primary))
    rows = []
    for (variant, source), differences in pairs.items():
        by_metric = {difference.metric: difference for difference in differences}
        rows.append([_place(comparison, variant, source), *(_pairing(by_metric.get(metric)) for metric in metrics)])
    return Grid(
        f"Correlation with {comparison.baseline} by common random numbers",
        ["", *map(name_of, metrics)],
        rows,
    )


def _pairing(difference: Difference | None) -> str:
    """`0.98 (× 0.14)`: the correlation, and the width of the interval as a part of that of independent runs."""
    if difference is None or not math.isfinite(difference.correlation):
        return MISSING
    correlation = f"{difference.correlation:.2f}".replace("-", MINUS)
    paired, unpaired = difference.difference.half_width, difference.unpaired.half_width
    return f"{correlation} (× {plain(paired / unpaired, 2)})" if unpaired > 0 and paired > 0 else correlation


def comparison_html(comparison: Comparison) -> str:
    """For a notebook: the variants side by side, and the verdicts."""
    tables = [to_html(side_by_side(comparison, source)) for source in sources_of(comparison)]
    verdicts = [[meaning_of(d), d.sentence] for d in comparison.differences if d.primary]
    title = f"Verdicts against {comparison.baseline}: 95 % for all of these together"
    sentences = [
        *notes(comparison),
        *(f"Exploratory: {sentence}" for sentence in exploratory(comparison)),
        *comparison.notes,
        *(fates.sentence for fates in comparison.fates),
    ]
    tables += [to_html(Grid(title, ["", ""], verdicts, names=2)), to_html(pairing(comparison))]
    tables.append(f"<div>{PAIRING_READS}</div>")
    return f"{''.join(tables)}{paragraph(sentences)}"


def _say(console: Console, text: str, indent: str = "", hang: str = "  ") -> None:
    """A paragraph, narrow enough to be read."""
    width = min(console.width, SENTENCE_WIDTH)
    for line in text.splitlines():
        filled = textwrap.fill(line, width, initial_indent=indent, subsequent_indent=indent + hang)
        console.print(filled, highlight=False, markup=False, soft_wrap=True)

"""When what broke, in which variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.experiment import Results

MOST_TOLD = 3
"""Episodes of one fault, and faults of one entry of `failures`, that are told one by one."""
CHAOS = "chaos"


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault of the first replications, and the variants that it struck. `end_s` is at most the end of the run."""

    name: str
    """What it is told as: the fault itself, the entry of `failures` where that has many, or `chaos`."""
    start_s: float
    end_s: float
    variants: tuple[str, ...]
    lasts: bool
    """Until the end."""
    fault: str


def episodes(results: Results) -> list[Episode]:
    """In order of time, the same fault of several variants once."""
    struck: dict[tuple[str, str, float, float, bool], list[str]] = {}
    for variant in results.variants:
        first, told_as = results.of(variant)[0], _told_as(results.origin.models.get(variant, {}))
        for fault, start_s, end_s in first.faults:
            lasts = end_s >= first.stopped_at_s
            end = min(end_s, first.duration_s, first.stopped_at_s) if lasts else end_s
            struck.setdefault((told_as.get(fault, fault), fault, start_s, end, lasts), []).append(variant)
    found = [
        Episode(name, start_s, end, tuple(variants), lasts, fault)
        for (name, fault, start_s, end, lasts), variants in struck.items()
    ]
    return sorted(found, key=lambda episode: episode.start_s)


def _told_as(model: Mapping[str, Any]) -> dict[str, str]:
    """Names of faults, and what stands for them."""
    drawn = {name for name, _ in (model.get("chaos") or {"entries": ()})["entries"]}
    causes = {fault["name"]: fault["cause"] for of in model.get("faults", ()) for fault in of.values()}
    many = {cause for cause, count in Counter(causes.values()).items() if count > MOST_TOLD}
    return {name: CHAOS if name in drawn else cause for name, cause in causes.items() if name in drawn or cause in many}


def in_which(episode: Episode, results: Results) -> str:
    """`, in two_zones`; nothing where it struck all."""
    return "" if list(episode.variants) == results.variants else f", in {', '.join(episode.variants)}"


def fault_sentences(results: Results) -> list[str]:
    """One sentence an episode; one for all of a fault that strikes often."""
    by_fault: dict[tuple[str, tuple[str, ...]], list[Episode]] = {}
    for episode in episodes(results):
        by_fault.setdefault((episode.name, episode.variants), []).append(episode)
    told: list[tuple[float, str]] = []
    for those in by_fault.values():
        scheduled = all(_is_scheduled(episode, results) for episode in those)
        if scheduled and len(those) <= MOST_TOLD and those[0].name != CHAOS:
            sentences = [_sentence(episode, results) for episode in those]
        else:
            by_clock = scheduled and not _declared_at_random(those[0], results)
            sentences = [_several(those, results) if by_clock else _often(those, results)]
        told += zip((e.start_s for e in those), sentences, strict=False)
    return [sentence for _, sentence in sorted(told)] + _spared(results)


def at_random(results: Results) -> bool:
    """Do faults strike one replication otherwise than another?"""
    return any(
        run.faults != results.of(variant)[0].faults for variant in results.variants for run in results.of(variant)
    )


def _spared(results: Results) -> list[str]:
    """A sentence for each declared fault that never struck: what it would have done is not in the numbers."""
    spared: dict[str, list[str]] = {}
    for variant in results.variants:
        runs = results.of(variant)
        struck = {name for run in runs for name, _, _ in run.faults}
        declared = [
            of["name"] for fault in results.origin.models.get(variant, {}).get("faults", ()) for of in fault.values()
        ]
        for name in declared:
            if name not in struck:
                spared.setdefault(name, []).append(variant)
    return [
        f"Fault “{name}”: struck in no replication" + ("." if of == results.variants else f" of {', '.join(of)}.")
        for name, of in spared.items()
    ]


def _is_scheduled(episode: Episode, results: Results) -> bool:
    """Does it strike every replication at this time?"""
    runs = [run for variant in episode.variants for run in results.of(variant)]
    return all((episode.fault, episode.start_s) in [(name, start_s) for name, start_s, _ in run.faults] for run in runs)


def _declared_at_random(episode: Episode, results: Results) -> bool:
    model = results.origin.models.get(episode.variants[0], {})
    declared = [fault for of in model.get("faults", ()) for fault in of.values()]
    return any(fault["name"] == episode.fault and "renewal" in fault["when"] for fault in declared)


def _sentence(episode: Episode, results: Results) -> str:
    end = "the end" if episode.lasts else f"{episode.end_s:.6g} s"
    when = (
        f"at {episode.start_s:.6g} s" if episode.end_s == episode.start_s else f"from {episode.start_s:.6g} s to {end}"
    )
    return f"Fault “{episode.name}”: {when}{in_which(episode, results)}."


def _several(those: list[Episode], results: Results) -> str:
    """Episodes that strike every replication: those of one entry, or what chaos drew."""
    struck_s = sum(episode.end_s - episode.start_s for episode in those)
    first, last_s = those[0], max(episode.end_s for episode in those)
    many = f"{len(those):,} episodes from {first.start_s:.6g} s to {last_s:.6g} s, {struck_s:.3g} s in all"
    return f"{_what(those, results)}: {many}{in_which(first, results)}."


def _what(those: list[Episode], results: Results) -> str:
    """`Fault “app dies”`, or `Chaos with seed 7 (3 crash, 1 pause)`."""
    chaos = (results.origin.models.get(those[0].variants[0], {}).get("chaos") or {}) if those[0].name == CHAOS else {}
    if not chaos:
        return f"Fault “{those[0].name}”"
    kinds = Counter(episode.fault.rpartition(", ")[2] for episode in those)
    return f"Chaos with seed {chaos['seed']} ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common())})"


def _often(those: list[Episode], results: Results) -> str:
    """Episodes at random differ from one replication to the next."""
    struck_s = sum(episode.end_s - episode.start_s for episode in those)
    many = f"{len(those):,} episode{'s' if len(those) > 1 else ''} in the first replication, {struck_s:.3g} s in all"
    return f"Fault “{those[0].name}”: {many}, the first at {those[0].start_s:.6g} s{in_which(those[0], results)}."

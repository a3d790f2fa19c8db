"""When what broke, in which variants."""

from __future__ import annotations

from dataclasses import dataclass

from sim.experiment import Results

MOST_TOLD = 3
"""Episodes of one fault that are told one by one."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault of the first replications, and the variants that it struck. `end_s` is at most the end of the run."""

    name: str
    start_s: float
    end_s: float
    variants: tuple[str, ...]
    lasts: bool
    """Until the end."""


def episodes(results: Results) -> list[Episode]:
    """In order of time, the same fault of several variants once."""
    struck: dict[tuple[str, float, float, bool], list[str]] = {}
    for variant in results.variants:
        first = results.of(variant)[0]
        for name, start_s, end_s in first.faults:
            lasts = end_s >= first.stopped_at_s
            end = min(end_s, first.duration_s, first.stopped_at_s) if lasts else end_s
            struck.setdefault((name, start_s, end, lasts), []).append(variant)
    found = [
        Episode(name, start_s, end, tuple(variants), lasts) for (name, start_s, end, lasts), variants in struck.items()
    ]
    return sorted(found, key=lambda episode: episode.start_s)


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
        one_by_one = len(those) <= MOST_TOLD and _is_scheduled(those[0], results)
        sentences = [_sentence(e, results) for e in those] if one_by_one else [_often(those, results)]
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
    return all((episode.name, episode.start_s) in [(name, start_s) for name, start_s, _ in run.faults] for run in runs)


def _sentence(episode: Episode, results: Results) -> str:
    end = "the end" if episode.lasts else f"{episode.end_s:.6g} s"
    return f"Fault “{episode.name}”: from {episode.start_s:.6g} s to {end}{in_which(episode, results)}."


def _often(those: list[Episode], results: Results) -> str:
    """Episodes at random differ from one replication to the next."""
    struck_s = sum(episode.end_s - episode.start_s for episode in those)
    many = f"{len(those):,} episode{'s' if len(those) > 1 else ''} in the first replication, {struck_s:.3g} s in all"
    return f"Fault “{those[0].name}”: {many}, the first at {those[0].start_s:.6g} s{in_which(those[0], results)}."

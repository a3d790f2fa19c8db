"""When what broke, in which variants."""

from __future__ import annotations

from dataclasses import dataclass

from sim.experiment import Results


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
    """One sentence an episode."""
    return [
        f"Fault “{episode.name}”: from {episode.start_s:.6g} s "
        f"to {'the end' if episode.lasts else f'{episode.end_s:.6g} s'}{in_which(episode, results)}."
        for episode in episodes(results)
    ]

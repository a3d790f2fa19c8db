"""Each story under `stories/` happens as it is told, line by line, to the nanosecond.

A story is its prose, what it changes in BASE, and its chronicle worked out by hand from docs/semantics.md and from how
the real thing behaves, with constants only. In BASE, users in zone a send requests to a process in zone b, 10 ms away,
which takes 100 ms for each; there is TCP between them. Requests are sent at the times of `requests` (one, at 1 s).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from sim.failures import FAULT_FORMS
from sim.scenario import load_text
from sim.traffic import Trace
from tests.traces.chronicle import Line, chronicle

STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))


BASE: dict[str, Any] = {
    "run": {"duration": "100s", "warmup": "0s", "drain": "300s", "record": "all"},
    "nodes": {"app": {"count": 1, "zones": ["b"]}},
    "network": {"between": [{"zones": ["a", "b"], "latency": "10ms"}], "transport": "tcp"},
    "services": {"api": {"nodes": "app", "instances": 1, "steps": [{"io": "100ms"}]}},
    "traffic": {"users": {"to": "api", "from": {"zone": "a"}, "arrivals": "constant(1/s)"}},
}


def read(path: Path) -> dict[str, Any]:
    story: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    return story


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A merge patch (RFC 7396) on a document."""
    both = dict(base)
    for key, value in change.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return {key: value for key, value in both.items() if value is not None}


def told(text: str) -> list[Line]:
    """The lines of a story: a time, and what happens then."""
    lines = [line.split(None, 1) for line in text.strip().splitlines()]
    return sorted((float(time), what.strip()) for time, what in lines)


def text_of(lines: list[Line]) -> str:
    return "\n".join(f"{time:.9g}  {what}" for time, what in lines)


def both(path: Path) -> tuple[str, str]:
    """What happens, and what the story tells."""
    story = read(path)
    scenario = merged({"scenario": path.stem, **BASE}, story.get("scenario", {}))
    model = load_text(json.dumps(scenario), path.name).resolve("baseline")
    times_s = np.array(story.get("requests", [1.0]), float)
    model = replace(model, sources=tuple(replace(source, arrivals=Trace(times_s)) for source in model.sources))
    lines, _ = chronicle(model)
    return text_of(lines), text_of(told(story["trace"]))


def happens(path: Path) -> bool:
    """Does a story happen as it is told?"""
    lines, story = both(path)
    return lines == story


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    lines, story = both(path)
    assert lines == story


def test_every_kind_of_fault_has_a_story() -> None:
    """But for jumps of the wall clock, which only behaviours see (tests/machines)."""
    told_of = set()
    for path in STORIES:
        for fault in (read(path).get("scenario") or {}).get("failures", {}).values():
            told_of |= set(fault)
    assert set(FAULT_FORMS) - told_of == {"clock_jump"}

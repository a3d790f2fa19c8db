"""Every runnable scenario names the schema that editors check it with, and the schema is the language's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.balancing import POLICIES
from sim.scenario import schema
from tests.tidy.sources import ROOT

FOLDER = ROOT / "scenarios"
SCHEMA = FOLDER / "schema.json"
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_scenario_names_the_schema(path: Path) -> None:
    first = MODELINE.match(path.read_text())
    assert first, f"{path.name} must begin with # yaml-language-server: $schema=…"
    assert (path.parent / first.group(1)).resolve() == SCHEMA


def test_the_schema_is_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, policy in list(POLICIES.items()):
        if not policy.__module__.startswith("sim."):
            monkeypatch.delitem(POLICIES, name)
    assert json.loads(SCHEMA.read_text()) == schema(), "run: dsim schema --out scenarios/schema.json"

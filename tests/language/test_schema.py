"""The JSON schema is complete: no open places, no dangling references, every registered name."""

from __future__ import annotations

import json
import re

from sim.balancing import POLICIES
from sim.distributions import DISTRIBUTIONS
from sim.forms import STEP_FORMS
from sim.scenario import schema
from sim.traffic import ARRIVALS


def test_every_reference_leads_somewhere() -> None:
    written = schema()
    text = json.dumps(written)
    assert "x-schema-of" not in text
    assert set(re.findall(r'"#/\$defs/(\w+)"', text)) <= set(written["$defs"])


def test_every_registered_name_is_in_it() -> None:
    text = json.dumps(schema())
    for registry in (POLICIES, DISTRIBUTIONS, ARRIVALS, STEP_FORMS):
        assert all(f'"{name}"' in text for name in registry)

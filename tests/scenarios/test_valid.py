"""Every file of `valid/` loads, and resolves to what its `# resolves:` lines say, as Python about its model `m`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sim import distributions, failures, model, traffic
from sim.forms.policy import RETRIED
from sim.scenario import Scenario, load
from sim.steps.call import Call
from sim.steps.choose import Choose
from sim.steps.cpu import Cpu
from sim.steps.fail import Fail
from sim.steps.io import Io
from sim.steps.parallel import Parallel
from sim.steps.repeat import Repeat

FILES = sorted((Path(__file__).parent / "valid").glob("*.yaml"))
STEPS = (Call, Choose, Cpu, Fail, Io, Parallel, Repeat)


def vocabulary(scenario: Scenario) -> dict[str, Any]:
    """The names that the claims use."""
    m = scenario.resolve(scenario.baseline)

    def named(things: Iterable[Any], name: str) -> Any:
        return next(thing for thing in things if thing.name == name)

    def steps(service: str, endpoint: str | None = None) -> Any:
        endpoints = named(m.services, service).endpoints
        return (endpoints[0] if endpoint is None else named(endpoints, endpoint)).steps

    return {
        **{name: getattr(model, name) for name in dir(model) if name[0].isupper()},
        **{thing.__name__: thing for thing in (*STEPS, *failures.KINDS)},
        "m": m,
        "scenario": scenario,
        "form": scenario.forms[scenario.baseline],
        "variants": scenario.variants,
        "variant": scenario.resolve,
        "service": lambda name: named(m.services, name),
        "source": lambda name: named(m.sources, name),
        "steps": steps,
        "step": lambda service: steps(service)[0],
        "names": lambda things: [thing.name for thing in things],
        "c": distributions.Constant,
        "distributions": distributions,
        "traffic": traffic,
        "approx": pytest.approx,
        "RETRIED": RETRIED,
    }


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_resolves(file: Path) -> None:
    claims = re.findall(r"^# resolves: (.*)$", file.read_text(), re.MULTILINE)
    assert claims, "the file claims nothing"
    names = vocabulary(load(file))
    for claim in claims:
        assert eval(claim, names), claim

"""Policies and behaviours of a user's own file, by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.balancing import POLICIES
from sim.errors import ScenarioErrors
from sim.model import Balance
from sim.scenario import load
from sim.steps.behaviour import Behaviour

PLUGIN = """\
from sim.balancing import Policy, register
from sim.distributions import Parameter

@register
class StickyFirst(Policy):
    name = "sticky_first"
    parameters = {"patience": Parameter("duration", "how long to stick", default=0.5, at_least=0)}

    def pick(client, view, servers, key):
        return view[0]

def handle(env, request):
    yield env.timeout(1.0)
"""
SCENARIO = """\
scenario: s
services:
  api:
    endpoints:
      buy: {behaviour: "language_plugin:handle", calls: [db, {call: db, timeout: 1s}]}
    calls: {db: {balance: sticky_first}}
  db: {io: 5ms}
traffic:
  users: {to: api, arrivals: poisson(9/s), balance: {sticky_first: {patience: 250ms}}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A scenario and its plugin, whose module has a name of its own in every test: plugins are not unloaded."""
    scenario, plugin = tmp_path / "s.yaml", tmp_path / f"{tmp_path.name}.py"
    scenario.write_text(SCENARIO.replace("language_plugin", plugin.stem))
    plugin.write_text(PLUGIN)
    yield scenario, plugin
    POLICIES.pop("sticky_first", None)


def test_a_plugin_is_found_by_its_names(files: tuple[Path, Path]) -> None:
    scenario, plugin = files
    model = load(scenario, plugins=[plugin]).resolve("baseline")
    assert model.sources[0].policy.balance == Balance("sticky_first", {"patience": 0.25})
    [behaviour] = model.services[0].endpoints[0].steps
    assert isinstance(behaviour, Behaviour)
    assert behaviour.function == f"{plugin.stem}:handle"
    assert [call.policy.timeout_s for call in behaviour.calls] == [None, 1.0]
    assert behaviour.calls[0].policy.balance == Balance("sticky_first", {"patience": 0.5})


def test_what_is_not_loaded_is_named_with_the_option(files: tuple[Path, Path]) -> None:
    scenario, plugin = files
    with pytest.raises(ScenarioErrors) as caught:
        load(scenario)
    behaviour, at_the_caller, at_the_source = caught.value.messages
    assert f"no plugin {plugin.stem} is loaded" in behaviour
    assert behaviour.endswith(f"add --plugin {plugin.name}")
    assert "got the unknown balancing policy sticky_first" in at_the_caller
    assert "a policy of your own needs --plugin FILE.py" in at_the_source


def test_a_function_that_the_plugin_lacks(files: tuple[Path, Path]) -> None:
    scenario, plugin = files
    scenario.write_text(scenario.read_text().replace(":handle", ":handel"))
    with pytest.raises(ScenarioErrors, match=rf"{plugin.stem}\.py has no function handel; did you mean handle\?"):
        load(scenario, plugins=[plugin])

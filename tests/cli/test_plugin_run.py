"""Plugins from the command line: a user's policy and a user's behaviour, also in worker processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sim.balancing import POLICIES
from sim.cli import app

POLICY = """\
from sim.balancing import Policy, register


@register
class AlwaysFirst(Policy):
    name = "always_first"

    def pick(client, view, servers, key):
        return view[0]
"""
BEHAVIOUR = """\
def handle(request):
    yield request.cpu(0.001)
    yield request.timeout(0.004)
    if request.index % 4 == 0:
        request.fail()
"""
SCENARIO = """\
scenario: mine
run: {duration: 5s, warmup: 1s, replications: 2}
services:
  api: {instances: 2, endpoints: {main: {behaviour: "handle_plugin:handle"}}}
traffic:
  users: {to: api, arrivals: poisson(100/s), balance: always_first}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    (tmp_path / "always_first_plugin.py").write_text(POLICY)
    (tmp_path / "handle_plugin.py").write_text(BEHAVIOUR)
    monkeypatch.setattr("sim.plugins._loaded", {})
    monkeypatch.delitem(POLICIES, "always_first", raising=False)
    yield
    for name in ("always_first_plugin", "handle_plugin"):
        sys.modules.pop(name, None)


def run(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["run", "mine.yaml", "--json", *options])
    assert result.exit_code == 0, result.output
    variant: dict[str, Any] = json.loads(result.stdout)["variants"]["baseline"]
    return variant


def test_policy_and_behaviour_run_in_every_process() -> None:
    plugins = ("--plugin", "always_first_plugin.py", "--plugin", "handle_plugin.py")
    one, two = run(*plugins, "--workers", "1"), run(*plugins, "--workers", "2")
    assert one == two
    users = one["sources"]["users"]
    assert users["latency_mean_s"]["value"] >= 0.005
    assert users["availability"]["value"] == pytest.approx(0.75, abs=0.002)
    busy = [one["nodes"][node]["busy_cores_mean"]["value"] for node in sorted(one["nodes"])]
    assert busy[0] == pytest.approx(0.1, rel=0.3)
    assert busy[1] == 0.0


def test_without_the_plugin_the_names_are_unknown() -> None:
    result = CliRunner().invoke(app, ["run", "mine.yaml", "--plugin", "handle_plugin.py"])
    assert result.exit_code == 2
    assert "always_first" in result.stderr
    assert "--plugin" in result.stderr


def test_a_behaviour_that_fails_while_it_runs_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "handle_plugin.py").write_text(BEHAVIOUR.replace("0.001", "1 / 0"))
    plugins = ["--plugin", "always_first_plugin.py", "--plugin", "handle_plugin.py"]
    for workers in ("1", "2"):
        result = CliRunner().invoke(app, ["run", "mine.yaml", "--workers", workers, *plugins])
        assert result.exit_code == 2, result.output
        assert "ZeroDivisionError" in result.stderr
        assert "Traceback" not in result.stderr
        assert result.stderr.splitlines()[-1] == "1 mistake; the run ended there."

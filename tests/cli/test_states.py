"""`dsim states` as a person and a script meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.cli import app

GROUP = """\
scenario: group
run: {duration: 20s, warmup: 2s, replications: 2}
services: {api: {instances: 3, cpu: exponential(2ms)}}
traffic: {users: {to: api, arrivals: poisson(50/s), timeout: 100ms}}
failures:
  dies: {crash: [api-1, api-2, api-3], mtbf: exponential(90s), mttr: exponential(10s)}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "group.yaml").write_text(GROUP)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["states", *arguments])


def test_one_table() -> None:
    result = dsim("group.yaml", "--years", "0.005")
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if " of 3 " in line]
    assert [row.split("│")[1].strip() for row in rows] == ["3 of 3", "2 of 3", "1 of 3", "0 of 3"]
    assert "Faults alone over 0.100 years in 20 replications" in result.stdout


def test_requests_in_each_state() -> None:
    result = dsim("group.yaml", "--years", "0.005", "--requests")
    rows = [line.split("│") for line in result.stdout.splitlines() if line.startswith("│")]
    available = {row[1].strip(): row[5].strip() for row in rows}
    assert available["3 of 3"].startswith("≥ 99")
    assert 63 < float(available["2 of 3"].split()[0]) < 70
    assert available["0 of 3"].startswith("≤")
    assert 89 < float(available["all"].split()[0]) < 91


def test_json() -> None:
    written = json.loads(dsim("group.yaml", "--years", "0.005", "--requests", "--json").stdout)
    assert written["instances"] == {"api": 3}
    assert sum(state["probability"] for state in written["states"]) == pytest.approx(1.0)
    assert written["requests"][-1]["state"] == "all"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("--years", "0"), "years: got 0.0; must be above 0; give e.g. 100"),
        (("--replications", "1"), "replications: got 1; must be at least 2"),
        (("--set", "failures=null"), "no fault of baseline takes instances down at random"),
        (("--variant", "other"), "other"),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = dsim("group.yaml", *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr and "Traceback" not in result.stderr

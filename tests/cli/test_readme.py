"""What the README shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim
from sim.cli import app

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
SCENARIO = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert SCENARIO is not None
    path = tmp_path / "shop.yaml"
    path.write_text(SCENARIO.group(1))
    return path


def test_the_first_scenario_is_short_and_runs(shop: Path) -> None:
    assert len(shop.read_text().splitlines()) == 10
    options = ["--replications", "2", "--set", "run.duration=5s", "--set", "run.warmup=1s"]
    result = CliRunner().invoke(app, ["run", str(shop), *options])
    assert result.exit_code == 0, result.output
    assert "Unstable" not in result.stdout


def test_the_python_lines_work(shop: Path) -> None:
    results = sim.run(sim.load(shop, {"run.duration": "5s"}), replications=2)
    assert list(results.summary().index) == [("baseline", "users")]


def test_named_options_exist() -> None:
    text = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).stdout
    missing = [option for option in set(re.findall(r"`(--\w+)", README)) if option not in text]
    assert not missing

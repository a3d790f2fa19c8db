"""What the README shows works."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from sim.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
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


def test_the_python_lines_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert lines is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    shutil.copy(ROOT / "scenarios" / "quickstart.yaml", tmp_path / "scenarios")
    known: dict[str, Any] = {}
    exec(lines.group(1).replace("replications=10", "replications=2"), known)
    again = sim.load_results("runs/mine").summary()
    assert again.equals(known["results"].summary())


def test_named_options_exist() -> None:
    helps = (
        CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).stdout
        for command in ("run", "compare", "explain", "schema")
    )
    text = "".join(helps)
    missing = [option for option in set(re.findall(r"`(--\w+)", README)) if option not in text]
    assert not missing

"""`dsim schema`: what editors read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.cli import app
from sim.scenario import schema

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["schema", *arguments])


def test_it_is_printed() -> None:
    result = dsim()
    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema()


def test_it_is_written_whole_and_again(folder: Path) -> None:
    (folder / "schema.json").write_text("an older one")
    result = dsim("--out", "schema.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads((folder / "schema.json").read_text()) == schema()
    assert [path.name for path in folder.iterdir()] == ["schema.json"]


def test_a_plugins_policies_are_known() -> None:
    plugin = ROOT / "scenarios" / "plugins" / "join_idle_queue.py"
    assert "join_idle_queue" not in dsim().stdout
    assert "join_idle_queue" in dsim("--plugin", str(plugin)).stdout


def test_refusals(folder: Path) -> None:
    result = dsim("--out", "missing/schema.json")
    assert result.exit_code == 2
    assert "missing/schema.json: cannot be written: No such file or directory; choose another file" in result.stderr
    (folder / "taken").mkdir()
    result = dsim("--out", "taken")
    assert result.exit_code == 2
    assert result.stderr.endswith("1 mistake; nothing was written.\n")
    assert [path.name for path in folder.iterdir()] == ["taken"]

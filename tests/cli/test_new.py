"""`dsim new`: a file that runs at once."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import sim
from sim.cli import app
from sim.cli.new import Template

ROOT = Path(__file__).resolve().parents[2]
MODELINE = "# yaml-language-server: $schema="


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["new", *arguments])


@pytest.mark.parametrize("template", [template.value for template in Template])
def test_what_is_written_runs_at_once(folder: Path, template: str) -> None:
    result = dsim("my-shop", "--template", template)
    assert result.exit_code == 0, result.output
    assert "dsim run my-shop.yaml" in result.stdout
    text = (folder / "my-shop.yaml").read_text()
    assert text.startswith(MODELINE)
    assert text.count("#") > 3
    scenario = sim.load("my-shop.yaml")
    assert scenario.name == "my-shop"
    assert len(scenario.variants) == 2
    results = sim.run(scenario, replications=1)
    assert results.unstable() == {}
    assert (results.summary()["availability"] > 0.5).all()


def test_the_name_may_be_that_of_the_file(folder: Path) -> None:
    (folder / "sub").mkdir()
    assert dsim("sub/shop.yaml").exit_code == 0
    assert sim.load("sub/shop.yaml").name == "shop"


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "shop.yaml").write_text("precious")
    result = dsim("shop")
    assert result.exit_code == 2
    assert "shop.yaml: is there already; nothing is overwritten, choose another name" in result.stderr
    assert (folder / "shop.yaml").read_text() == "precious"


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("3shops", "got 3shops; must be a name"),
        ("my shop", "got 'my shop'; must be a name"),
        ("missing/shop", "there is no folder missing; create it first"),
        ("", "must be a name"),
    ],
)
def test_refusals(folder: Path, name: str, sentence: str) -> None:
    result = dsim(name)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.endswith("1 mistake; nothing was written.\n")
    assert list(folder.iterdir()) == []


def test_the_templates_are_part_of_the_package() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["sim"]
    for template in Template:
        assert any(fnmatch.fnmatch(f"cli/templates/{template}.yaml", pattern) for pattern in patterns)

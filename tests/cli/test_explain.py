"""`dsim explain` as a person and a script meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from sim.cli import app
from sim.scenario import load
from sim.scenario.resolved import plain

ROOT = Path(__file__).resolve().parents[2]
SHOP = """\
scenario: shop
services:
  web: {cores: 2, endpoints: {page: [{cpu: exponential(2ms)}, {call: stock}]}}
  stock: {concurrency: {threads: {workers: 4}}, io: exponential(8ms)}
traffic: {users: {to: web.page, arrivals: poisson(200/s)}}
variants:
  now: {}
  busier: {traffic: {users: {arrivals: poisson(900/s)}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(SHOP)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments])


def refused(*arguments: str) -> str:
    result = dsim(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith("mistake; nothing was run.\n")
    return result.stderr


def test_the_baseline_in_full_and_the_others_in_short() -> None:
    result = dsim("shop.yaml")
    assert result.exit_code == 0, result.output
    assert "The 4 workers of stock-1 are full first: 40 % busy at the declared load." in result.stdout
    assert "Throughput flattens at 500/s, 2.5 times the declared 200/s." in result.stdout
    assert "busier: The 4 workers of stock-1 are overloaded" in result.stdout
    assert "\x1b" not in result.stdout


def test_one_variant_and_changes() -> None:
    result = dsim("shop.yaml", "--variant", "busier", "--set", "services.stock.concurrency.threads.workers=40")
    assert "shop, variant busier" in result.stdout
    assert "The cores of web-host-1 are full first: 90 % busy" in result.stdout
    assert "other variants" not in result.stdout


def test_json_holds_every_variant_or_the_one_asked_for() -> None:
    document = json.loads(dsim("shop.yaml", "--json").stdout)
    assert list(document["variants"]) == ["now", "busier"]
    assert document["variants"]["now"]["factor"] == pytest.approx(2.5)
    assert document["variants"]["now"]["stations"][0]["name"] == "stock-1"
    assert list(json.loads(dsim("shop.yaml", "--json", "--variant", "busier").stdout)["variants"]) == ["busier"]


def test_json_knows_neither_nan_nor_infinity(folder: Path) -> None:
    (folder / "idle.yaml").write_text(
        "scenario: idle\nservices: {a: {io: 1ms}}\ntraffic: {u: {to: a, arrivals: poisson(1/s)}}"
    )
    text = dsim("idle.yaml", "--json").stdout
    assert json.loads(text)["variants"]["baseline"]["factor"] == "inf"
    assert "Infinity" not in text
    assert "NaN" not in text


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_the_resolved_model(option: tuple[str, ...]) -> None:
    text = dsim("shop.yaml", "--variant", "busier", "--resolved", *option).stdout
    read = json.loads(text) if option else YAML(typ="safe").load(text)
    assert read == plain(load("shop.yaml").resolve("busier"))
    assert next(iter(read)) == "scenario"


@pytest.mark.parametrize("suffix, begins", [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_picture(folder: Path, suffix: str, begins: bytes) -> None:
    result = dsim("shop.yaml", "--picture", f"shop{suffix}")
    assert result.exit_code == 0, result.output
    assert f"The topology is in shop{suffix}." in result.stderr
    assert (folder / f"shop{suffix}").read_bytes().startswith(begins)
    assert sorted(path.name for path in folder.iterdir()) == sorted(["shop.yaml", f"shop{suffix}"])


def test_refusals(folder: Path) -> None:
    assert "got the unknown variant bussier; must be one of busier or now; did you mean busier?" in refused(
        "shop.yaml", "--variant", "bussier"
    )
    assert "did you mean shop.yaml?" in refused("shoop.yaml")
    assert "must end in .png, .svg or .pdf" in refused("shop.yaml", "--picture", "shop.yaml")
    assert "there is no folder pictures" in refused("shop.yaml", "--picture", "pictures/shop.png")
    assert (folder / "shop.yaml").read_text() == SHOP


def test_nothing_is_compiled_or_simulated(folder: Path) -> None:
    """Neither the engine nor pandas is loaded, and no compiled code is written."""
    cache = folder / "cache"
    script = (
        "import sys; from sim.cli import app\n"
        "try: app(['explain', 'shop.yaml'])\n"
        "except SystemExit as end: status = end.code\n"
        "heavy = [m for m in ('sim.engine', 'pandas', 'matplotlib', 'networkx', 'simpy') if m in sys.modules]\n"
        "print('LOADED', status, heavy)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DSIM_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED 0 []"
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_reader_that_goes_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sim", "explain", "shop.yaml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


UNCOUNTED = ("locks", "registries")
"""Scenarios of the gallery in which all services only wait: no load fills them."""


@pytest.mark.parametrize(
    "file",
    sorted([*(ROOT / "scenarios").glob("*.yaml"), *(ROOT / "scenarios" / "availability").glob("*.yaml")]),
    ids=lambda path: path.stem,
)
def test_every_scenario_of_the_gallery_can_be_explained(file: Path) -> None:
    result = dsim(str(file))
    assert result.exit_code == 0, result.output
    verdicts = ("is ever full",) if file.stem in UNCOUNTED else ("full first", "overloaded")
    assert any(verdict in result.stdout for verdict in verdicts)

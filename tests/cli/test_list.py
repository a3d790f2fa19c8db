"""`dsim list`: the gallery, and what the language offers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.balancing import POLICIES
from sim.cli import app
from sim.distributions import DISTRIBUTIONS
from sim.failures import FAULT_FORMS
from sim.forms import STEP_FORMS
from sim.forms.transport import PRESETS
from sim.traffic import ARRIVALS

ROOT = Path(__file__).resolve().parents[2]
REGISTRIES = {
    "policies": set(POLICIES),
    "steps": set(STEP_FORMS),
    "faults": set(FAULT_FORMS),
    "transports": {"ideal", "udp", "tcp", *PRESETS},
    "distributions": set(DISTRIBUTIONS),
    "arrivals": set(ARRIVALS),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["list", *arguments])


def test_scenarios_of_the_folder_scenarios_or_of_this_one(folder: Path) -> None:
    (folder / "here.yaml").write_text("scenario: here\ntitle: Here\nquestion: [What is, there?]\n")
    (folder / "other.yaml").write_text("compose: 3\n")
    assert dsim().stdout == "here.yaml\n    Here\n    What is there?\n"
    (folder / "scenarios" / "deep").mkdir(parents=True)
    (folder / "scenarios" / "deep" / "mine.yml").write_text("scenario: mine\n")
    assert dsim().stdout == f"{Path('scenarios/deep/mine.yml')}\n"
    assert "here.yaml" in dsim(".").stdout


def test_the_gallery_says_its_questions() -> None:
    result = dsim(str(ROOT / "scenarios"))
    assert result.exit_code == 0
    files = [path for path in (ROOT / "scenarios").rglob("*.yaml") if "scenario:" in path.read_text()]
    for file in files:
        assert str(file) in result.stdout.replace("\n", "")
    listed = json.loads(dsim(str(ROOT / "scenarios"), "--json").stdout)["scenarios"]
    assert len(listed) == len(files)
    assert all(entry["question"].endswith("?") for entry in listed), listed


def test_a_file_that_cannot_be_read_is_listed_with_the_reason(folder: Path) -> None:
    (folder / "broken.yaml").write_text("scenario: [unclosed\n")
    result = dsim()
    assert result.exit_code == 0
    assert "broken.yaml:" in result.stdout.splitlines()[1]


@pytest.mark.parametrize("kind", REGISTRIES)
def test_everything_that_is_registered(kind: str) -> None:
    entries = json.loads(dsim(kind, "--json").stdout)[kind]
    assert {entry["name"] for entry in entries} == REGISTRIES[kind]
    for entry in entries:
        assert len(entry["does"]) > 15, entry
        assert not entry["does"].startswith("Source"), entry
        assert entry["name"] in entry["example"], entry
    text = dsim(kind).stdout
    assert all(entry["name"] in text for entry in entries)
    assert "\x1b" not in text


def test_policies_of_a_plugin() -> None:
    plugin = ROOT / "scenarios" / "plugins" / "join_idle_queue.py"
    entries = json.loads(dsim("policies", "--plugin", str(plugin), "--json").stdout)["policies"]
    assert "join_idle_queue" in {entry["name"] for entry in entries}


def test_refusals(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "file.yaml").write_text("scenario: s\n")
    for arguments, sentence in (
        (
            ("polices",),
            "one of policies, steps, faults, registries, transports, distributions, arrivals; did you mean policies?",
        ),
        (("empty",), "there are no scenarios in empty; give a folder that has some, or begin one: dsim new my-shop"),
        (("file.yaml",), "is a file; give a folder, or look into the file with dsim explain file.yaml"),
    ):
        result = dsim(*arguments)
        assert result.exit_code == 2
        assert sentence in result.stderr
        assert result.stderr.endswith("1 mistake; nothing was listed.\n")

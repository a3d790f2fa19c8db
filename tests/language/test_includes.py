"""Included files: merged as patches, bounded, and blamed by their own name and line."""

from __future__ import annotations

import json
import os
import pickle
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import ScenarioErrors
from sim.scenario import Scenario, load, load_text
from sim.scenario.files import LARGEST_BYTES
from sim.scenario.includes import DEEPEST_INCLUDE, MOST_FILES, read_document
from sim.scenario.reader import MOST_VALUES
from tests.language.test_variants import DOCUMENTS, merged_by_the_rfc

SHOP = """\
scenario: shop
services:
  api: {instances: 2, steps: [{call: db}], calls: {db: {timeout: 1s}}}
  db: {io: 5ms}
traffic:
  users: {to: api, arrivals: poisson(9/s)}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "shop.yaml").write_text(SHOP)
    return tmp_path


def loaded(folder: Path, text: str, *changes: str) -> Scenario:
    (folder / "main.yaml").write_text(text)
    return load(folder / "main.yaml", changes)


def told(folder: Path, text: str, *changes: str) -> list[str]:
    with pytest.raises(ScenarioErrors) as caught:
        loaded(folder, text, *changes)
    return [message.replace(f"{folder}{os.sep}", "") for message in caught.value.messages]


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_files_are_patches_on_those_they_include(first: Any, second: Any, own: Any) -> None:
    """RFC 7396, one file after the other."""
    with TemporaryDirectory() as name:
        for file, content in (("a.yaml", first), ("b.yaml", second)):
            (Path(name) / file).write_text(json.dumps(content))
        document = read_document(json.dumps(own | {"include": ["a.yaml", "b.yaml"]}), "main.yaml", Path(name))
    assert document.tree == merged_by_the_rfc(merged_by_the_rfc(first, second), own)
    assert not document.problems


def test_everything_that_was_read_is_kept(folder: Path) -> None:
    (folder / "parts" / "more.yaml").write_text("include: ../parts/shop.yaml\nrun: {seed: 3}\n")
    scenario = loaded(folder, "include: parts/more.yaml\n")
    assert scenario.files == {
        "main.yaml": "include: parts/more.yaml\n",
        "parts/more.yaml": "include: ../parts/shop.yaml\nrun: {seed: 3}\n",
        "parts/shop.yaml": SHOP,
    }
    assert scenario.text == "include: parts/more.yaml\n"


def test_what_was_kept_makes_the_same_scenario_elsewhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scenario = loaded(folder, "include: [parts/shop.yaml]\nrun: {seed: 3}\nvariants: {a: {}, b: {run: {window: 2s}}}\n")
    other = tmp_path_factory.mktemp("other")
    for name, text in scenario.files.items():
        (other / name).parent.mkdir(exist_ok=True)
        (other / name).write_text(text)
    again = load(other / next(iter(scenario.files)))
    assert again.models == scenario.models


def test_overrides_reach_what_was_included(folder: Path) -> None:
    scenario = loaded(folder, "include: parts/shop.yaml\n", "services.api.calls.db.timeout=7ms", "services.db.io=1ms")
    [call] = scenario.resolve("baseline").services[0].endpoints[0].steps
    assert call.policy.timeout_s == 0.007


def test_mistakes_of_overrides_name_the_option(folder: Path) -> None:
    assert told(folder, "include: parts/shop.yaml\n", "services.db.io=5") == [
        "--set services.db.io: got 5, which has no unit; write 5ms or 5s"
    ]
    [sentence] = told(folder, "include: parts/shop.yaml\n", "include=other.yaml")
    assert sentence == "--set include: files are included before anything is changed; change the file"


def test_mistakes_name_the_file_that_has_the_wrong_value(folder: Path) -> None:
    """What the including file overrides is its own, down to single keys."""
    text = "include: parts/shop.yaml\nservices:\n  api: {instances: -1}\n  db: {instances: 0, zones: a}\n"
    assert [re.split(": got|; allowed", sentence)[0] for sentence in told(folder, text)] == [
        "main.yaml:3: services.api.instances",
        "main.yaml:4: services.db.instances",
        "main.yaml:4: services.db.zones: unknown key zones",
    ]
    (folder / "parts" / "shop.yaml").write_text(SHOP.replace("io: 5ms", "io: 5"))
    assert [s.partition(":")[0] for s in told(folder, text)] == ["main.yaml"] * 3 + [f"parts{os.sep}shop.yaml"]


def test_the_same_mistake_of_a_file_included_twice_is_told_once(folder: Path) -> None:
    (folder / "parts" / "shop.yaml").write_text(SHOP.replace("io: 5ms", "io: 5"))
    (folder / "parts" / "more.yaml").write_text("include: shop.yaml\n")
    assert len(told(folder, "include: [parts/shop.yaml, parts/more.yaml]\n")) == 1


def test_symlinks_are_followed(folder: Path) -> None:
    os.symlink(folder / "parts" / "shop.yaml", folder / "linked.yaml")
    os.symlink(folder / "parts", folder / "other")
    assert loaded(folder, "include: linked.yaml\n").name == "shop"
    [sentence] = told(folder, "include: [linked.yaml, other/shop.yaml]\n")
    assert sentence == "main.yaml:1: include[1]: got other/shop.yaml a second time; remove one of the two"


def test_a_circle_by_a_symlink_ends(folder: Path) -> None:
    os.symlink(folder / "main.yaml", folder / "again.yaml")
    [sentence] = told(folder, "include: again.yaml\n")
    assert sentence == (
        "main.yaml:1: include: main.yaml → main.yaml is a circle; must end somewhere; remove one of these includes"
    )


def test_files_are_included_only_so_deep(folder: Path) -> None:
    def chain(length: int) -> str:
        for n in range(length):
            below = f"include: p{n + 1}.yaml\n" if n + 1 < length else SHOP
            (folder / f"p{n}.yaml").write_text(below)
        return "include: p0.yaml\n"

    assert loaded(folder, chain(DEEPEST_INCLUDE)).name == "shop"
    [sentence] = told(folder, chain(DEEPEST_INCLUDE + 1))
    assert sentence == f"p{DEEPEST_INCLUDE - 1}.yaml:1: include: files included more than 8 deep; must be flatter"


def test_there_are_only_so_many_files(folder: Path) -> None:
    """Two files that each include the same next two would be read 2^n times."""
    for n in range(7):
        for side in "ab":
            (folder / f"{side}{n}.yaml").write_text(f"include: [a{n + 1}.yaml, b{n + 1}.yaml]\n")
    for side in "ab":
        (folder / f"{side}7.yaml").write_text("run: {seed: 2}\n")
    sentences = told(folder, "include: [a0.yaml, b0.yaml]\n")
    assert all(s.endswith(f"got more than {MOST_FILES} included files; must be fewer") for s in sentences)


def test_all_files_together_have_one_limit(folder: Path) -> None:
    (folder / "long.yaml").write_text("#" * (LARGEST_BYTES - 100) + "\nrun: {seed: 3}\n")
    (folder / "wide.yaml").write_text(f"failures: [{', '.join(['1'] * (MOST_VALUES - 5))}]\n")
    assert loaded(folder, "include: [parts/shop.yaml]\nrun: {seed: 2}").name == "shop"
    for name in ("long.yaml", "wide.yaml"):
        [sentence] = told(folder, f"include: [parts/shop.yaml, {name}]\n")
        assert sentence.startswith(f"{name}: with this file there are more than 1,048,576 letters and 100,000 values")


def test_every_wrong_include_is_told(folder: Path) -> None:
    (folder / "parts" / "more.yaml").write_text("include: nowhere.yaml\n")
    (folder / "parts" / "torn.yaml").write_text("services: {\n")
    sentences = told(folder, "include: [gone.yaml, parts/more.yaml, parts/torn.yaml, 7]\n")
    assert [sentence.split(": ")[0] for sentence in sentences] == [
        "main.yaml:1",
        os.path.join("parts", "more.yaml:1"),
        os.path.join("parts", "torn.yaml:2"),
        "main.yaml:1",
    ]


def test_text_is_included_relative_to_the_folder_that_is_given(folder: Path) -> None:
    assert load_text("include: parts/shop.yaml\n", "main.yaml", folder=folder).name == "shop"
    with pytest.raises(ScenarioErrors, match="there is no such file"):
        load_text("include: parts/shop.yaml\n", "main.yaml", folder=folder / "parts")


def test_a_scenario_with_included_files_can_be_sent_to_workers(folder: Path) -> None:
    scenario = loaded(folder, "include: parts/shop.yaml\n")
    assert pickle.loads(pickle.dumps(scenario.models)) == scenario.models


@given(st.text(max_size=40))
def test_any_name_of_an_included_file_ends_in_sentences(name: str) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(json.dumps({"include": name}), "main.yaml", folder=Path(__file__).parent)
    assert all("\n" not in message for message in caught.value.messages)

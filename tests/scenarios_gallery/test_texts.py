"""Every scenario of the gallery says what it asks, what to guess and what to look at."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from tests.scenarios_gallery.gallery import FOLDER, NAMES

MODELINE = "# yaml-language-server: $schema="


@pytest.mark.parametrize("name", NAMES)
def test_it_states_its_lesson(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    assert text.startswith(f"{MODELINE}{'../' * name.count('/')}schema.json\n")
    document = YAML(typ="safe").load(text)
    assert document["scenario"] == name.rpartition("/")[2]
    assert document["question"].rstrip().endswith("?")
    assert all(document[key] for key in ("title", "predict", "look_at"))

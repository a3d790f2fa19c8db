"""Every file of `invalid/` is answered with the sentences of its `# expect:` lines, one for each mistake, no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.errors import ScenarioErrors
from sim.scenario import load

FILES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


def sentences(file: Path) -> list[str]:
    with pytest.raises(ScenarioErrors) as caught:
        load(file)
    return caught.value.messages


def test_there_are_enough_files() -> None:
    assert len(FILES) >= 100


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_mistake_has_its_sentence(file: Path) -> None:
    """`…` in an expectation stands for anything: lists that grow with the language."""
    expected = re.findall(r"^# expect: (.*)$", file.read_text(), re.MULTILINE)
    assert expected, "the file expects nothing"
    told = [sentence.replace(f"{file.parent}/", "").removeprefix(f"{file.name}:") for sentence in sentences(file)]
    assert len(told) == len(expected), "\n".join(told)
    for sentence, pattern in zip(told, expected, strict=True):
        assert re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), sentence), f"{sentence}\nis not\n{pattern}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sentences_are_well_formed(file: Path) -> None:
    """File (perhaps an included one), line, no line breaks, nothing of Python's or pydantic's own words."""
    for sentence in sentences(file):
        assert re.match(rf"({re.escape(str(file))}|{re.escape(str(file.parent))}/parts/[\w-]+\.yaml):\d+: \S", sentence)
        assert "\n" not in sentence
        assert not re.search(r"Input should|validation error|Traceback|<class|Error\b|None\b", sentence)

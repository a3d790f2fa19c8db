"""Files that are no scenarios: each is refused with a sentence, quickly, and nothing else happens."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sim.errors import ScenarioErrors
from sim.scenario import load, load_text
from sim.scenario.files import LARGEST_BYTES
from sim.scenario.reader import DEEPEST, MOST_VALUES

PLAIN = """\
scenario: s
services:
  api: {cpu: 5ms}
traffic:
  users: {to: api, arrivals: poisson(9/s)}
"""


def refusal(path: Path) -> str:
    """The one sentence about a file."""
    with pytest.raises(ScenarioErrors) as caught:
        load(path)
    [sentence] = caught.value.messages
    return sentence.replace(str(path.parent) + os.sep, "")


def refusal_of_text(text: str) -> str:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text, "f.yaml")
    [sentence] = caught.value.messages
    return sentence


def test_missing_file_with_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "checkout.yaml").write_text(PLAIN)
    assert refusal(tmp_path / "chekout.yaml") == "chekout.yaml: there is no such file; did you mean checkout.yaml?"


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "x.yaml") == "x.yaml: there is no such file; give the path of a scenario file"
    assert "nor a directory" in refusal(tmp_path / "no" / "x.yaml")


def test_directory(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder") == "folder: is a directory; give one scenario file"
    (tmp_path / "folder" / "a.yaml").write_text(PLAIN)
    assert refusal(tmp_path / "folder") == "folder: is a directory; give one scenario file, for example folder/a.yaml"


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.touch()
    assert refusal(path) == "empty.yaml:1: the file is empty; begin with `scenario: NAME`, then services: and traffic:"


@pytest.mark.parametrize(
    "data, sentence",
    [
        (bytes(range(256)), "byte 129 is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "byte 1 is not UTF-8"),
        (b"scenario: \0s\n", "has a zero byte"),
        ("scenario: Größe\n".encode("latin-1"), "byte 13 is not UTF-8"),
        (PLAIN.encode("utf-16"), "is text in UTF-16"),
        (b"scenario: s\nx: \x07\n", "has the control character U+0007"),
    ],
)
def test_no_text(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes(data)
    assert sentence in refusal(path)


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(PLAIN.encode("utf-8-sig"))
    assert load(path).name == "s"


def test_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "crlf.yaml"
    path.write_bytes(PLAIN.replace("\n", "\r\n").encode())
    assert load(path).name == "s"


def test_huge_file(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * (LARGEST_BYTES + 1))
    assert refusal(path) == "huge.yaml: has 1,048,577 bytes; a scenario has at most 1,048,576; is it the right file?"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "pipe: is not a regular file; give a scenario file in YAML"


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(ScenarioErrors, match=r"cannot be read|no such file"):
        load("a\0b.yaml")
    with pytest.raises(ScenarioErrors, match=r"cannot be read|no such file"):
        load("x" * 5000 + ".yaml")


def test_alias_bomb() -> None:
    """Ten aliases of ten aliases, nine times over: a billion values if expanded."""
    levels = "\n".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))
    started = time.perf_counter()
    sentence = refusal_of_text(f"{PLAIN}bomb:\n  a0: &a0 [1, 2, 3]\n{levels}\n")
    assert f"more than {MOST_VALUES:,} values, aliases expanded" in sentence
    assert time.perf_counter() - started < 5


def test_alias_within_itself() -> None:
    assert "stands inside its own anchor" in refusal_of_text(f"{PLAIN}x: &x [*x]\n")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a:\n"])
def test_deep_nesting(opening: str) -> None:
    started = time.perf_counter()
    text = "".join(" " * depth + "a:\n" for depth in range(300)) if opening == "a:\n" else opening * 20_000
    assert f"nested more than {DEEPEST} deep" in refusal_of_text(text)
    assert time.perf_counter() - started < 5


def test_aliases_do_not_nest_deeper() -> None:
    levels = "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEEPEST + 2))
    assert "nested more than" in refusal_of_text(f"a0: &a0 [1]\n{levels}\n")


def test_tags_construct_nothing(tmp_path: Path) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(f"{PLAIN}title: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n", "f.yaml")
    assert "tags are not allowed" in caught.value.messages[0]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("text", ['"\\ud800": 1', 'title: "\\udfff"', 'title: "\\UFFFFFFFF"', "%YAML 9\n---\na: 1"])
def test_strange_escapes_and_directives(text: str) -> None:
    assert refusal_of_text(text).startswith("f.yaml:1: ")


def test_many_mistakes_are_told_quickly() -> None:
    """Each of 2,000 services is wrong in its own way."""
    services = "".join(f"  s{n}: {{cpu: {n}, calls: {{nobody{n}: {{timeout: 1s}}}}}}\n" for n in range(2000))
    started = time.perf_counter()
    with pytest.raises(ScenarioErrors) as caught:
        load_text(PLAIN.replace("services:\n", "services:\n" + services), "f.yaml")
    assert len(caught.value.messages) == 4000
    assert time.perf_counter() - started < 30

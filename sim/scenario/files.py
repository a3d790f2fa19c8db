"""From a path to text, or a sentence about why not."""

from __future__ import annotations

import codecs
import difflib
import os
from pathlib import Path

from sim.errors import ScenarioErrors

LARGEST_BYTES = 2**20
SUFFIXES = (".yaml", ".yml")


def read_scenario(path: str | Path) -> str:
    """The text of a scenario file. Raises ScenarioErrors."""
    file = Path(path)
    try:
        if file.is_dir():
            raise ScenarioErrors([f"{path}: is a directory; give one scenario file{_examples(file)}"])
        if not file.exists():
            raise ScenarioErrors([f"{path}: there is no such file{_similar(file)}"])
        if not file.is_file():
            raise ScenarioErrors([f"{path}: is not a regular file; give a scenario file in YAML"])
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ScenarioErrors([f"{path}: cannot be read: {error.strerror}; give a file that can"]) from None
    if len(data) > LARGEST_BYTES:
        size = os.path.getsize(file)
        raise ScenarioErrors(
            [f"{path}: has {size:,} bytes; a scenario has at most {LARGEST_BYTES:,}; is it the right file?"]
        )
    return decode(data, str(path))


def decode(data: bytes, name: str) -> str:
    """UTF-8 with or without a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ScenarioErrors([f"{name}: is text in UTF-16; must be UTF-8; save it again in that encoding"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ScenarioErrors(
            [f"{name}:{line}: byte {error.start + 1} is not UTF-8; must be a text file in UTF-8; is it the right file?"]
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ScenarioErrors([f"{name}:{line}: has a zero byte; must be a text file; is it the right file?"])
    return text


def _examples(folder: Path) -> str:
    found = sorted(entry.name for entry in folder.iterdir() if entry.suffix in SUFFIXES)
    return f", for example {folder / found[0]}" if found else ""


def _similar(file: Path) -> str:
    if not file.parent.is_dir():
        return f", nor a directory {file.parent}"
    names = [entry.name for entry in file.parent.iterdir() if entry.suffix in SUFFIXES]
    close = difflib.get_close_matches(file.name, names, 1)
    return f"; did you mean {file.parent / close[0]}?" if close else "; give the path of a scenario file"

"""Plain scalars of YAML 1.2: what `8`, `true`, `~` and `8ms` are. `on`, `yes` and `010` stay text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,29})")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.[0-9]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))([eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class PlacedText(str):
    """Text of an included file: the files that it names are relative to `folder`."""

    folder: Path

    def __new__(cls, text: str, folder: Path = Path()) -> PlacedText:
        placed = super().__new__(cls, text)
        placed.folder = folder
        return placed


def folder_of(text: str, otherwise: Path | None) -> Path:
    """What a file name in this text is relative to."""
    return text.folder if isinstance(text, PlacedText) else otherwise or Path()


def resolve_scalar(text: str) -> Any:
    """None, bool, int, float, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text

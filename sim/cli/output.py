"""Tables on stdout: as wide as the terminal, or wide enough where there is none, and without colours then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 140
"""Columns where the output is not a terminal."""


def print_rich(render: Callable[[Console], None]) -> None:
    """Print what `render` puts on a console; a reader that goes away ends it quietly."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    with console.capture() as captured:  # by itself, rich would end the program when the reader has gone
        render(console)
    print(captured.get(), end="")


def print_json(document: object) -> None:
    """One JSON document; numbers that are not finite must be gone (`finite`)."""
    import json

    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    print()


def finite(value: object) -> object:
    """Plain data with null instead of nan, and the text "inf" instead of infinity."""
    import math

    match value:
        case float() if math.isnan(value):
            return None
        case float() if math.isinf(value):
            return "inf" if value > 0.0 else "-inf"
        case dict():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value

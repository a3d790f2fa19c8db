"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Replications = Annotated[
    int | None, typer.Option(help="Instead of the scenario's own number.", metavar="N", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Instead of the scenario's own.", metavar="N", show_default=False)]
Workers = Annotated[
    int | None, typer.Option(help="Processes; by default as many as pay.", metavar="N", show_default=False)
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="A key to change; may be repeated.", metavar="KEY=VALUE")
]
Plugins = Annotated[
    list[Path] | None, typer.Option("--plugin", help="A Python file to load; may be repeated.", metavar="FILE")
]
Out = Annotated[Path | None, typer.Option(help="A new folder for the results.", metavar="DIR", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no tables.")]

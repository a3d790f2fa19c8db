"""`dsim schema`: the JSON Schema of scenario files, for editors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.errors import exit_status
from sim.cli.options import Plugins


def schema(
    out: Annotated[
        Path | None, typer.Option(help="Write it to this file instead of printing it.", metavar="FILE")
    ] = None,
    plugins: Plugins = None,
) -> None:
    """Print the JSON Schema of scenario files, with which editors complete and check them.

    Editors find it by the first line of a scenario:
    # yaml-language-server: $schema=schema.json
    """
    with exit_status("nothing was written"):
        from sim.plugins import load_plugin
        from sim.scenario import schema as scenario_schema

        for path in plugins or []:
            load_plugin(path)
        text = json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"
        if out is None:
            print(text, end="")
        else:
            _write(out, text)


def _write(out: Path, text: str) -> None:
    from sim.errors import DsimError

    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DsimError(f"--out {out}: cannot be written: {error.strerror}; choose another file") from None

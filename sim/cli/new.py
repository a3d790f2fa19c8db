"""`dsim new`: a scenario to start from."""

from __future__ import annotations

import enum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.errors import exit_status

SUFFIX = ".yaml"


class Template(enum.StrEnum):
    """Files of the folder `templates`; each names itself as its scenario."""

    MINIMAL = "minimal"
    FULL = "full"


def new(
    name: Annotated[
        str, typer.Argument(help="The scenario's name; NAME.yaml is written.", show_default=False, metavar="NAME")
    ],
    template: Annotated[Template, typer.Option(help="How much of the language it shows.")] = Template.MINIMAL,
) -> None:
    """Write a scenario with comments that runs at once. Nothing is overwritten."""
    with exit_status("nothing was written"):
        file = Path(name).with_suffix(SUFFIX) if name.endswith(SUFFIX) else Path(name + SUFFIX)
        _write(file, _text(template, _checked(file)))
        print(f"{file} is written. Look at it in an editor, then:")
        print(f"  dsim explain {file}    what will run, and where its load ends")
        print(f"  dsim run {file}        simulate it")
        print("Editors complete and check it once they find its schema: dsim schema --out schema.json, beside it.")


def _checked(file: Path) -> str:
    """The scenario's name. Raises DsimError."""
    from sim.errors import DsimError
    from sim.forms.fields import read_identifier

    try:
        return read_identifier(file.stem)
    except ValueError as error:
        raise DsimError(f"dsim new {file.stem}: {error}") from None


def _text(template: Template, name: str) -> str:
    text = (resources.files("sim.cli") / "templates" / f"{template}{SUFFIX}").read_text(encoding="utf-8")
    return text.replace(f"scenario: {template}\n", f"scenario: {name}\n", 1)


def _write(file: Path, text: str) -> None:
    from sim.errors import DsimError

    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise DsimError(f"{file}: is there already; nothing is overwritten, choose another name") from None
    except FileNotFoundError:
        raise DsimError(f"{file}: there is no folder {file.parent}; create it first") from None
    except OSError as error:
        raise DsimError(f"{file}: cannot be written: {error.strerror}; choose another folder") from None

"""The command line. One file per command; what a command needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

import sim
from sim.cli.compare import compare
from sim.cli.explain import explain
from sim.cli.list import list_
from sim.cli.new import new
from sim.cli.run import run
from sim.cli.schema import schema
from sim.cli.states import states

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Simulate a distributed system that is described in a file.",
    epilog="First steps: dsim new shop, dsim explain shop.yaml, dsim run shop.yaml",
)
app.command()(run)
app.command()(compare)
app.command()(explain)
app.command()(states)
app.command("list")(list_)
app.command()(new)
app.command()(schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dsim {sim.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Simulate a distributed system that is described in a file."""


def main() -> None:
    """The script `dsim`."""
    app()

"""What a person sees when something goes wrong, and the exit status that a script sees."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from sim.errors import DsimError, ScenarioErrors


class Status(IntEnum):
    """Exit statuses of every command; 1 and 4 belong to expectations."""

    FINE = 0
    BAD_INPUT = 2
    STOPPED = 3
    BUG = 70
    INTERRUPTED = 130


@contextmanager
def exit_status() -> Iterator[None]:
    """Turn exceptions of a command into sentences on stderr and an exit status."""
    try:
        yield
        sys.stdout.flush()
    except DsimError as error:
        _print_mistakes(error)
        raise typer.Exit(Status.BAD_INPUT) from None
    except KeyboardInterrupt:
        print("Interrupted; nothing was kept.", file=sys.stderr)
        raise typer.Exit(Status.INTERRUPTED) from None
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Status.FINE) from None
    except typer.Exit:
        raise
    except Exception:
        traceback.print_exc()
        print("This is a bug in dsim, not in your input: please report it with the scenario file.", file=sys.stderr)
        raise typer.Exit(Status.BUG) from None


def _print_mistakes(error: DsimError) -> None:
    messages = error.messages if isinstance(error, ScenarioErrors) else [str(error)]
    for message in messages:
        print(message, file=sys.stderr)
    print(f"{len(messages)} mistake{'s' if len(messages) != 1 else ''}; nothing was run.", file=sys.stderr)

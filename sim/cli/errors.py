"""What a person sees when something goes wrong, and the exit status that a script sees."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

import typer

from sim.errors import DsimError, ScenarioErrors


class Status(IntEnum):
    """Exit statuses of every command; 4 belongs to expectations."""

    FINE = 0
    VIOLATED = 1
    """One of the scenario's `checks` found a rule broken."""
    BAD_INPUT = 2
    STOPPED = 3
    BUG = 70
    INTERRUPTED = 130


@dataclass(slots=True)
class Stage:
    """How far a command is: `outcome` is what it says after a mistake. It changes once something runs."""

    outcome: str

    def runs(self) -> None:
        self.outcome = "the run ended there"


@contextmanager
def exit_status(left_out: str = "nothing was run") -> Iterator[Stage]:
    """Turn exceptions of a command into sentences on stderr and an exit status; bad input ends with `left_out`."""
    stage = Stage(left_out)
    try:
        yield stage
        sys.stdout.flush()
    except DsimError as error:
        _print_mistakes(error, stage.outcome)
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


def _print_mistakes(error: DsimError, outcome: str) -> None:
    messages = error.messages if isinstance(error, ScenarioErrors) else [str(error)]
    for message in messages:
        print(message, file=sys.stderr)
    print(f"{len(messages)} mistake{'s' if len(messages) != 1 else ''}; {outcome}.", file=sys.stderr)

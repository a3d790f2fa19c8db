"""What `dsim run` and `dsim compare` have in common: from options to results, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.errors import Stage
from sim.cli.interrupt import Interrupts

if TYPE_CHECKING:
    from sim.experiment import Results
    from sim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, as the options say it; None is the scenario's own."""

    replications: int | None
    seed: int | None
    workers: int | None
    out: Path | None
    quiet: bool


def load_scenario(file: Path, changes: Sequence[str] | None, plugins: Sequence[Path] | None) -> Scenario:
    from sim.scenario import load

    return load(file, changes or (), plugins=plugins or ())


def simulate(scenario: Scenario, variants: Sequence[str] | None, plan: Plan, stage: Stage) -> Results:
    """Run it. Recorded requests are kept even when no folder was named."""
    from sim.cli.progress import ProgressBar
    from sim.experiment import Progress, run_scenario

    signs = count()

    def progress(reached: Progress) -> None:
        if next(signs):  # the first comes before anything is compiled
            stage.runs()
        interrupts.check()
        bar(reached)

    with Interrupts() as interrupts, ProgressBar(enabled=not plan.quiet) as bar:
        return run_scenario(
            scenario,
            variants=variants,
            replications=plan.replications,
            seed=plan.seed,
            workers=plan.workers,
            progress=progress,
            directory=plan.out or (_own_folder(scenario) if scenario.records else None),
        )


def _own_folder(scenario: Scenario) -> Path:
    """Named by the microsecond: runs that start together do not meet."""
    return Path("runs") / f"{scenario.name}-{datetime.now():%Y%m%d-%H%M%S-%f}"

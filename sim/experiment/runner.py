"""From a scenario to results: every variant, every replication."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sim.engine.run import Run
from sim.errors import DsimError
from sim.experiment.folder import new_folder
from sim.experiment.origin import Origin
from sim.experiment.outline import outline
from sim.experiment.pool import Report, Watch, run_jobs
from sim.experiment.results import Results
from sim.experiment.store import save
from sim.experiment.warmup import Warmup, final_plan, find_warmup, pilot_plan
from sim.model import Model

if TYPE_CHECKING:
    from sim.scenario import Scenario

WORTH_WORKERS_S = 4.0
"""Remaining work from which starting worker processes (about a second each) pays."""


@dataclass(frozen=True, slots=True)
class Job:
    """One replication of one variant. `requests_path` is where recorded requests go."""

    model: Model
    replication: int
    requests_path: Path | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an experiment is. `to_simulate_s` does not count the time it takes to drain."""

    done: int
    jobs: int
    simulated_s: float
    to_simulate_s: float
    events: int

    @property
    def share(self) -> float:
        return min(self.simulated_s / self.to_simulate_s, 1.0) if self.to_simulate_s else 1.0


def run_scenario(
    scenario: Scenario,
    *,
    variants: Sequence[str] | None = None,
    replications: int | None = None,
    seed: int | None = None,
    workers: int | None = 1,
    progress: Callable[[Progress], None] | None = None,
    directory: str | Path | None = None,
) -> Results:
    """Run every replication of every variant.

    Args:
        variants: names (None: all).
        replications, seed: instead of the scenario's own.
        workers: processes; the results do not depend on their number. None: as many as pay.
        progress: called when all input has been checked, and again and again while it runs.
        directory: a new folder for the results; it appears when all is done.
    Raises: DsimError for what cannot be run.
    """
    _check_number("replications", replications, 1)
    _check_number("workers", workers, 1)
    _check_number("seed", seed, 0)
    models = _models(scenario, variants, replications, seed)
    start = time.perf_counter()
    with _folder(models, directory) as (folder, scratch):
        watch = _watch(models, progress)
        _compile(watch)
        warmup = None
        if any(model.run.warmup_auto for model in models):
            models, warmup, watch = _settle(models, workers, watch)
        runs = _run_all(_jobs(models, folder), workers, watch)
        wall_s = time.perf_counter() - start
        origin = _origin(scenario, models)
        outlines = {variant: outline(model) for variant, model in origin.models.items()}
        results = Results(outlines, runs, wall_s, scratch=scratch, origin=origin, warmup=warmup)
        if folder is not None and scratch is None:
            save(results, folder)
    if directory is not None:
        _move_requests(runs, Path(directory))
        results.directory = Path(directory)
    return results


def _origin(scenario: Scenario, models: Sequence[Model]) -> Origin:
    from sim.scenario.resolved import plain  # workers need no language

    models_by_variant = {model.variant: plain(model) for model in models}
    return Origin(scenario.files, scenario.texts, scenario.overrides, models_by_variant, scenario.notes)


def _check_number(name: str, given: int | None, at_least: int) -> None:
    if given is not None and given < at_least:
        raise DsimError(f"{name}: got {given}; must be an integer of at least {at_least}")


def _models(
    scenario: Scenario, variants: Sequence[str] | None, replications: int | None, seed: int | None
) -> list[Model]:
    models = [scenario.resolve(variant) for variant in dict.fromkeys(variants or scenario.variants)]
    plans = [
        replace(
            model.run,
            replications=model.run.replications if replications is None else replications,
            seed=model.run.seed if seed is None else seed,
        )
        for model in models
    ]
    return [replace(model, run=plan) for model, plan in zip(models, plans, strict=True)]


@contextmanager
def _folder(
    models: Sequence[Model], directory: str | Path | None
) -> Iterator[tuple[Path | None, TemporaryDirectory[str] | None]]:
    """Where to write: a folder that will become `directory`, or a scratch one where requests are recorded."""
    if directory is not None:
        with new_folder(Path(directory)) as folder:
            yield folder, None
    elif any(model.run.record != "none" for model in models):
        scratch = TemporaryDirectory(prefix="dsim-")
        yield Path(scratch.name), scratch
    else:
        yield None, None


def _jobs(models: Sequence[Model], folder: Path | None) -> list[Job]:
    jobs = []
    for model in models:
        for replication in range(model.run.replications):
            path = None
            if model.run.record != "none":
                assert folder is not None
                path = folder / "requests" / f"{model.variant}-{replication}.parquet"
                path.parent.mkdir(exist_ok=True)
            jobs.append(Job(model, replication, path))
    return jobs


def _settle(
    models: Sequence[Model], workers: int | None, watch: Watch | None
) -> tuple[list[Model], Warmup, Watch | None]:
    """A first pass that measures all, the warm-up that it shows, and the models that state this warm-up. The first pass
    counts as progress."""
    pilots = _run_all(_jobs([replace(m, run=pilot_plan(m.run)) for m in models], None), workers, watch)
    warmup = find_warmup({m.variant: [run for run in pilots if run.variant == m.variant] for m in models})
    settled = [replace(model, run=final_plan(model.run, warmup)) for model in models]
    return settled, warmup, None if watch is None else _after(pilots, watch)


def _run_all(jobs: Sequence[Job], workers: int | None, watch: Watch | None) -> list[Run]:
    if workers is not None:
        return run_jobs(simulate_job, jobs, workers, watch)
    first = run_jobs(simulate_job, jobs[:1], 1, watch)
    pays = first[0].wall_s * (len(jobs) - 1) > WORTH_WORKERS_S
    rest_watch = None if watch is None else _after(first, watch)
    return first + run_jobs(simulate_job, jobs[1:], (os.cpu_count() or 1) if pays else 1, rest_watch)


def _compile(watch: Watch | None) -> None:
    """Compile the kernel here, lest several workers do it at once. A sign of progress before and after."""
    from sim.engine import prepare

    if watch is not None:
        watch(0, 0.0, 0)
    prepare()
    if watch is not None:
        watch(0, 0.0, 0)


def _after(runs: Sequence[Run], watch: Watch) -> Watch:
    """Counts on from runs that have ended."""
    before_s, before = sum(run.stopped_at_s for run in runs), sum(run.events for run in runs)
    return lambda done, simulated_s, events: watch(done + len(runs), simulated_s + before_s, events + before)


def simulate_job(job: Job, report: Report) -> Run:
    """Runs in the workers; they import the engine when they need it."""
    from sim.engine import simulate

    run = simulate(job.model, job.replication, requests_path=job.requests_path, progress=report)
    report(run.stopped_at_s, run.events)
    return run


def _watch(models: Sequence[Model], progress: Callable[[Progress], None] | None) -> Watch | None:
    """Where the warm-up is to be found, every job is done twice."""
    if progress is None:
        return None
    plans = [plan for model in models for plan in [model.run] * (2 if model.run.warmup_auto else 1)]
    jobs = sum(plan.replications for plan in plans)
    to_simulate_s = sum(plan.replications * plan.duration_s for plan in plans)
    return lambda done, simulated_s, events: progress(Progress(done, jobs, simulated_s, to_simulate_s, events))


def _move_requests(runs: Sequence[Run], directory: Path) -> None:
    """Point the runs to their files' final place."""
    for run in runs:
        if run.requests is not None:
            run.requests = directory / "requests" / run.requests.name

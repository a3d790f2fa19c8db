"""How long a run is, and what of it is measured: the section `run`, its defaults, and whom `warmup: auto` suits."""

from __future__ import annotations

from collections.abc import Iterable

from sim.forms import listed
from sim.model import RunPlan, Source
from sim.scenario.document import AUTO, RunForm, ScenarioForm
from sim.scenario.findings import Findings
from sim.traffic import Arrivals, Closed, Diurnal, Steps, Trace
from sim.traffic.varying import Piecewise
from sim.units import format_count, format_duration

WINDOWS = 600
"""As many as the default window makes at most."""
MOST_WINDOWS = 10_000
WINDOWS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
WARMUP_SHARE = 0.1


def run_plan(form: RunForm, findings: Findings) -> RunPlan:
    window = form.window or _default_window(form.duration)
    if form.duration / window > MOST_WINDOWS:
        text = f"got {format_duration(window)}, which makes {form.duration / window:,.0f} windows"
        advice = (
            f"must make at most {MOST_WINDOWS:,}; write e.g. window: {format_duration(_default_window(form.duration))}"
        )
        findings.add(form, ("window",), f"{text}; {advice}", ("run", "duration"))
    return RunPlan(
        duration_s=form.duration,
        warmup_s=_warmup_s(form, findings),
        drain_s=form.drain,
        window_s=window,
        seed=form.seed,
        replications=form.replications,
        record=form.record[0],
        record_share=form.record[1],
        max_in_flight=form.max_in_flight,
        depth_limit=form.depth_limit,
        warmup_auto=form.warmup == AUTO,
    )


def check_steady(form: ScenarioForm, findings: Findings) -> None:
    """`warmup: auto` looks for one steady state: nothing may be scheduled that changes it."""
    if form.run.warmup != AUTO:
        return
    why = []
    if form.failures:
        why.append(f"failures ({listed(form.failures)})")
    if form.chaos:
        why.append("chaos")
    why += [
        f"{name}'s {type(source.arrivals).name}" for name, source in form.traffic.items() if _varies(source.arrivals)
    ]
    if why:
        text = f"got auto beside {listed(why)}; must be a time where something changes on schedule: there is no one"
        findings.add(
            form.run,
            ("warmup",),
            f"{text} steady state to find; write e.g. warmup: {format_duration(form.run.duration * WARMUP_SHARE)}",
            ("failures",),
            ("chaos",),
            ("traffic",),
        )


def check_users(form: ScenarioForm, sources: Iterable[Source], findings: Findings) -> None:
    """A closed user may have a request in flight at any time."""
    closed = {source.name: source.arrivals.users for source in sources if isinstance(source.arrivals, Closed)}
    users, limit = sum(closed.values()), form.run.max_in_flight
    if users > limit:
        given = f"{format_count(users)} users{' in all' if len(closed) > 1 else ''}"
        text = f"got {given}, but run.max_in_flight is {format_count(limit)}; must be at most that"
        place = ("traffic", max(closed, key=closed.__getitem__), "arrivals", "closed", "users")
        findings.add(form, place, f"{text}; raise run.max_in_flight", ("run", "max_in_flight"))


def _warmup_s(form: RunForm, findings: Findings) -> float:
    if form.warmup == AUTO:
        return 0.0
    warmup = form.duration * WARMUP_SHARE if form.warmup is None else float(form.warmup)
    if warmup >= form.duration:
        text = f"got {format_duration(warmup)} in a run of {format_duration(form.duration)}; must be shorter"
        advice = f"write e.g. warmup: {format_duration(form.duration * WARMUP_SHARE)}"
        findings.add(form, ("warmup",), f"{text}; {advice}", ("run", "warmup"), ("run", "duration"))
    return warmup


def _default_window(duration_s: float) -> float:
    """The first step of the clock that makes at most WINDOWS windows."""
    return next((float(step) for step in WINDOWS_S if duration_s / step <= WINDOWS), duration_s / WINDOWS)


def _varies(arrivals: Arrivals) -> bool:
    """Does the rate follow the clock? A recorded one may."""
    if isinstance(arrivals, Steps):
        return len({rate for _, rate, _ in arrivals.segments()}) > 1
    return isinstance(arrivals, Piecewise | Diurnal | Trace)

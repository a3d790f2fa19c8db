"""Work for nobody: what services finished for callers that did not wait for it any more, or could not be told."""

from __future__ import annotations

from sim.engine.run import Run
from sim.experiment import Results
from sim.report.numbers import percentage
from sim.statistics import Shares

FINISHED = ("ok", "error")
LEAST_SHARE = 0.001
"""Shares below this are not told."""


def unheard(run: Run, service: str) -> tuple[int, int]:
    """Of the requests that a service finished in the whole run: those whose answer no caller took, and all.

    Answers that were on their way when the run ended count as taken, so the first is never too large.
    """
    finished = taken = 0
    for scope in run.scopes:
        if scope.kind == "service" and scope.name == service:
            finished = sum(scope.total.outcomes.get(outcome, 0) for outcome in FINISHED)
        elif scope.kind in ("request", "call") and scope.name.rpartition(" → ")[2].partition(".")[0] == service:
            taken += sum(scope.attempts.get(outcome, 0) for outcome in (*FINISHED, "unfinished"))
    return max(0, finished - taken), finished


def unheard_sentences(results: Results) -> list[str]:
    """One sentence a service, with the variants in which it was more than one request in a thousand."""
    by_service: dict[str, list[str]] = {}
    for variant, model in results.models.items():
        for service in model.services:
            counts = [unheard(run, service.name) for run in results.of(variant)]
            share = Shares([nobodys for nobodys, _ in counts], [finished for _, finished in counts]).estimate()
            if share.value >= LEAST_SHARE:
                where = f" in {variant}" if len(results.variants) > 1 else ""
                by_service.setdefault(service.name, []).append(f"{percentage(share)} %{where}")
    return [
        f"Work for nobody: of what {service} finished, {', '.join(shares)} had no caller that took the answer."
        for service, shares in by_service.items()
    ]

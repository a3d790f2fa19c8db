"""Control logs made by hand, a line a row, and runs that have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from sim.engine.run import CONTROL, Run
from sim.experiment import Results
from sim.experiment.control import Log, read_log
from tests.experiment import fakes

INSTANCES = {"api": ("api-1", "api-2"), "db": ("db-1",)}


def table(text: str) -> pd.DataFrame:
    """Of lines such as `10 truth down api-1` and `12 etcd view web-1 api: api-2`; a semicolon ends a line too."""
    rows = []
    for line in text.replace(";", "\n").strip().splitlines():
        time_s, component, event, subject, *detail = line.split(maxsplit=4)
        rows.append((float(time_s), component, event, subject, detail[0] if detail else ""))
    return pd.DataFrame(rows, columns=list(CONTROL)).astype({"time_s": float})


def run(text: str, variant: str = "base", replication: int = 0, stopped: str | None = None) -> Run:
    """Of 12 s."""
    return replace(fakes.run(variant, replication, stopped=stopped), control=table(text))


def log(text: str) -> Log:
    return read_log(run(text), INSTANCES)


def results(logs: Mapping[str, list[str]], tells_clients: bool = True) -> Results:
    """By variant, the log of each replication."""
    runs = [run(text, variant, number) for variant, texts in logs.items() for number, text in enumerate(texts)]
    models = {variant: replace(fakes.outlined(variant), tells_clients=tells_clients) for variant in logs}
    return Results(models, runs, 0.1)

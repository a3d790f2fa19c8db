"""The runner: which jobs run, what is written, and that nothing is left half-written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim.engine
from sim.errors import DsimError
from sim.experiment import Progress, run_scenario
from tests.experiment import fakes

RECORDING = replace(fakes.PLAN, record="all")


@pytest.fixture(autouse=True)
def _fake_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.engine, "simulate", fakes.simulate)
    monkeypatch.setattr(sim.engine, "prepare", lambda: None)


def run(scenario: fakes.FakeScenario | None = None, **options: Any) -> Any:
    return run_scenario(scenario or fakes.FakeScenario(), **options)  # type: ignore[arg-type]


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_variant_and_replication_in_order() -> None:
    runs = run().runs
    assert [(r.variant, r.replication) for r in runs] == [(v, n) for v in ("base", "other") for n in range(3)]


def test_options_replace_what_the_scenario_says() -> None:
    results = run(variants=["other"], replications=2, seed=99)
    assert [(r.variant, r.replication, r.seed) for r in results.runs] == [("other", 0, 99), ("other", 1, 99)]
    assert results.models["other"].run.seed == 99


@pytest.mark.parametrize("option, given, least", [("replications", 0, 1), ("workers", 0, 1), ("seed", -1, 0)])
def test_numbers_that_are_too_small(option: str, given: int, least: int) -> None:
    with pytest.raises(DsimError, match=f"{option}: got {given}; must be an integer of at least {least}"):
        run(**{option: given})


@pytest.mark.parametrize("workers", [1, None])
def test_progress_reaches_the_end(workers: int | None) -> None:
    seen: list[Progress] = []
    run(workers=workers, progress=seen.append)
    assert seen[-1].share == 1.0
    assert seen[-1].events == 6000
    assert seen[-1].jobs == 6
    assert [p.share for p in seen] == sorted(p.share for p in seen)


def test_results_on_disk(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    results = run(fakes.FakeScenario(RECORDING), directory=target)
    assert entries(tmp_path) == ["deep"]
    assert entries(target) == [
        "control.parquet", "histograms.parquet", "manifest.json", "metrics.parquet", "requests", "timeseries.parquet",
    ]  # fmt: skip
    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["files"] == {"fake.yaml": "scenario: fake\n"}
    assert manifest["texts"] == {"title": "A fake"}
    assert manifest["overrides"] == ["run.seed=7"]
    assert (manifest["seed"], manifest["replications"], manifest["variants"]) == (7, 3, ["base", "other"])
    assert {"dsim", "python", "numba"} <= set(manifest["versions"])
    assert set(pd.read_parquet(target / "metrics.parquet")["variant"]) == {"base", "other"}
    assert results.directory == target
    assert all(r.requests.exists() for r in results.runs)
    assert len(results.requests()) == 12


def test_nothing_is_written_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run()
    assert entries(tmp_path) == []


def test_recorded_requests_live_as_long_as_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = run(fakes.FakeScenario(RECORDING))
    assert len(results.requests()) == 12
    results.scratch.cleanup()
    assert entries(tmp_path) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("plan", [fakes.PLAN, RECORDING])
def test_nothing_is_left_of_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Any, plan: Any
) -> None:
    def fail_late(model: Any, replication: int, **options: Any) -> Any:
        if replication == 2:
            raise failure
        return fakes.simulate(model, replication, **options)

    monkeypatch.setattr(sim.engine, "simulate", fail_late)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(failure):
        run(fakes.FakeScenario(plan), directory=tmp_path / "out")
    with pytest.raises(failure):
        run(fakes.FakeScenario(plan))
    assert entries(tmp_path) == []


def test_results_never_overwrite(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run(directory=tmp_path / "out")
    before = entries(tmp_path / "out")
    with pytest.raises(DsimError, match="already holds something"):
        run(directory=tmp_path / "out")
    assert entries(tmp_path / "out") == before
    with pytest.raises(DsimError, match="is a file"):
        run(directory=tmp_path / "out" / "manifest.json")


def test_a_variant_that_is_named_twice_runs_once() -> None:
    """Twice the same replications would look like twice the evidence."""
    results = run(variants=["other", "base", "other"])
    assert [(r.variant, r.replication) for r in results.runs] == [(v, n) for v in ("other", "base") for n in range(3)]

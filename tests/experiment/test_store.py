"""Results on disk: what is read again equals what was written, and damage is a sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from sim.errors import DsimError
from sim.experiment import Results, load_results, run_scenario
from sim.experiment.folder import new_folder
from sim.experiment.origin import Origin
from sim.experiment.outline import outline
from sim.experiment.store import FORMAT, save
from sim.experiment.warmup import Warmup
from sim.report import document
from sim.scenario import load, load_text
from sim.scenario.resolved import plain
from tests.experiment import control_logs, fakes
from tests.experiment.test_knowledge import KILL

SCENARIO = """\
scenario: stored
title: Kept
run: {duration: 4s, warmup: 1s, replications: 2, seed: 3, record: {sample: 20%}}
services:
  front: {instances: 2, cpu: exponential(1ms)}
traffic:
  users: {to: front, arrivals: poisson(300/s), timeout: 50ms, slo: {latency: 2ms}}
  robots: {to: front, arrivals: constant(50/s)}
failures:
  front dies: {at: 2s, crash: front-1}
variants:
  plain: {}
  chained:
    services:
      front: {cpu: null, steps: [{cpu: exponential(1ms)}, {call: back}]}
      back: {io: exponential(2ms), fail: 1%}
"""


WARMUP = Warmup(2.0, False, "no steady state shown: measured from 2 s on")


@pytest.fixture(scope="module")
def fresh_and_loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Results]:
    folder = tmp_path_factory.mktemp("store")
    (folder / "stored.yaml").write_text(SCENARIO)
    fresh = run_scenario(load(folder / "stored.yaml"), directory=folder / "out")
    return fresh, load_results(folder / "out")


TABLES: list[Callable[[Results], pd.DataFrame]] = [
    Results.summary, Results.scopes, Results.gauges, Results.timeseries, Results.requests, Results.control,
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_table_is_the_same(fresh_and_loaded: tuple[Results, Results], table: Any) -> None:
    fresh, loaded = fresh_and_loaded
    assert len(table(fresh)) > 0
    assert_frame_equal(table(loaded), table(fresh), check_exact=True)


def test_every_measurement_is_the_same(fresh_and_loaded: tuple[Results, Results]) -> None:
    fresh, loaded = fresh_and_loaded
    for a, b in zip(fresh.runs, loaded.runs, strict=True):
        assert [vars(g) for g in a.gauges] == [vars(g) for g in b.gauges]
        assert a.faults == b.faults
        assert math.isinf(b.faults[0][2])
        for one, other in zip(a.scopes, b.scopes, strict=True):
            assert (one.kind, one.name, one.cohort, one.total) == (other.kind, other.name, other.cohort, other.total)
            assert one.attempts == other.attempts
            assert one.latency.count == other.latency.count
            np.testing.assert_array_equal(one.latency.histogram, other.latency.histogram)


def test_the_comparison_and_its_pictures_are_the_same(fresh_and_loaded: tuple[Results, Results]) -> None:
    fresh, loaded = fresh_and_loaded
    assert_frame_equal(loaded.compare().to_frame(), fresh.compare().to_frame(), check_exact=True)
    assert loaded.estimates("plain", "users").keys() == fresh.estimates("plain", "users").keys()
    for picture in ("latency_ccdf", "time_series", "forest"):
        drawn = [getattr(results.plot, picture)() for results in (fresh, loaded)]
        lines = [[line.get_xydata() for axes in figure.axes for line in axes.lines] for figure in drawn]
        assert len(lines[0]) > 2
        for one, other in zip(*lines, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_document_is_the_same(fresh_and_loaded: tuple[Results, Results]) -> None:
    fresh, loaded = fresh_and_loaded
    assert document(loaded) == document(fresh)
    assert loaded.models == fresh.models
    assert (loaded.origin, loaded.wall_s, loaded.directory) == (fresh.origin, fresh.wall_s, fresh.directory)


def test_the_control_planes_log_is_kept_with_what_is_read_of_it(tmp_path: Path) -> None:
    runs = [replace(control_logs.run(KILL, replication=r), violations=["two leaders"][:r]) for r in range(2)]
    runs.append(fakes.run("base", 2))
    origin = Origin(models={"base": plain(fakes.model("base"))})
    fresh = Results({"base": fakes.outlined()}, runs, wall_s=0.1, origin=origin)
    save(fresh, tmp_path)
    loaded = load_results(tmp_path)
    for table in (Results.control, Results.registry, lambda of: of.registry("view")):
        assert len(table(fresh)) > 0
        assert_frame_equal(table(loaded), table(fresh), check_exact=True)
    assert loaded.violations() == {"base": ["two leaders"]}
    assert len(loaded.runs[2].control) == 0


def saved(folder: Path, **changes: Any) -> Path:
    runs = [fakes.run(v, r, **changes) for v in ("base", "other") for r in range(2)]
    origin = Origin(models={v: plain(fakes.model(v)) for v in ("base", "other")})
    models = {variant: outline(model) for variant, model in origin.models.items()}
    save(Results(models, runs, wall_s=0.1, origin=origin, warmup=WARMUP), folder)
    return folder


def test_the_warmup_that_was_found_is_kept(tmp_path: Path) -> None:
    assert load_results(saved(tmp_path)).warmup == WARMUP


def test_a_variant_that_stopped_says_so_again(tmp_path: Path) -> None:
    assert load_results(saved(tmp_path, stopped="stopped at 3 s")).unstable() == dict.fromkeys(
        ("base", "other"), "stopped at 3 s"
    )


def test_tables_are_tidy(tmp_path: Path) -> None:
    metrics = pd.read_parquet(saved(tmp_path, failed=7) / "metrics.parquet")
    assert list(metrics.columns) == ["variant", "replication", "kind", "name", "metric", "value"]
    assert not metrics.duplicated(["variant", "replication", "kind", "name", "metric"]).any()
    chosen = metrics.query("variant == 'base' and replication == 1 and kind == 'source' and name == 'users'")
    of = chosen.set_index("metric")["value"]
    assert (of["offered"], of["outcome_ok"], of["outcome_timeout"], of["total_good"]) == (2007, 2000, 7, 1000)
    histograms = pd.read_parquet(tmp_path / "histograms.parquet")
    assert histograms.groupby(["kind", "name"], observed=True)["count"].sum().tolist() == [4 * 1000, 4 * 2000]


def test_what_results_know_of_a_model() -> None:
    known, model = outline(plain(fakes.model())), fakes.model()
    assert (known.scenario, known.run) == (model.scenario, model.run)
    assert [source.name for source in known.sources] == ["users", "robots"]
    instances = {service.name: [instance.name for instance in service.instances] for service in known.services}
    assert instances == {"api": ["api-1", "api-2"], "db": ["db-1"]}
    assert [node.name for node in known.nodes] == ["app-1", "db-1"]
    assert not known.tells_clients
    for key, tells in (("registry: dns", True), ("registry: static", False)):
        resolved = load_text(f"{SCENARIO}{key}\n", "stored.yaml").resolve("plain")
        assert outline(plain(resolved)).tells_clients is tells


def refused(folder: Path) -> str:
    with pytest.raises(DsimError) as caught:
        load_results(folder)
    return str(caught.value).removeprefix(f"{folder}")


def test_what_is_no_folder_of_results(tmp_path: Path) -> None:
    assert refused(tmp_path / "none").startswith(": there is no such folder; give a folder that `dsim run --out`")
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file").startswith(": is a file; give a folder")
    assert refused(tmp_path).startswith(": holds no manifest.json, so it is no folder of results")
    (tmp_path / "inner").mkdir()
    assert refused(saved(tmp_path / "inner").parent).endswith(f", such as {tmp_path / 'inner'}")


def change_manifest(folder: Path, **changes: Any) -> None:
    facts = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(facts | changes))


def test_other_formats(tmp_path: Path) -> None:
    change_manifest(saved(tmp_path), format=FORMAT + 1, versions={"dsim": "9.9"})
    assert refused(tmp_path).startswith(f": was written by a newer dsim (9.9, format {FORMAT + 1})")
    change_manifest(tmp_path, format=1)
    assert "older dsim" in refused(tmp_path)
    assert "run the scenario again" in refused(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": null}', "null", '{"format": "2"}'])
def test_a_damaged_manifest(tmp_path: Path, text: str) -> None:
    saved(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    assert refused(tmp_path).startswith("/manifest.json: is damaged, or not a manifest of dsim")


@pytest.mark.parametrize("table", ["metrics", "histograms", "timeseries", "control"])
def test_missing_and_damaged_tables(tmp_path: Path, table: str) -> None:
    file = saved(tmp_path) / f"{table}.parquet"
    file.write_bytes(file.read_bytes()[:-40])
    assert refused(tmp_path).startswith(f"/{table}.parquet: is damaged (")
    pd.DataFrame({"x": [1]}).to_parquet(file)
    assert f"/{table}.parquet: is damaged: it lacks the column variant; copy the whole folder" in refused(tmp_path)
    file.unlink()
    assert refused(tmp_path).startswith(f"/{table}.parquet: is missing; copy the whole folder of results again")


@pytest.mark.parametrize("table", ["metrics", "timeseries"])
def test_tables_that_lack_a_replication(tmp_path: Path, table: str) -> None:
    file = saved(tmp_path) / f"{table}.parquet"
    whole = pd.read_parquet(file)
    whole[whole["replication"] == 0].to_parquet(file)
    assert refused(tmp_path).startswith(": its manifest and its tables do not fit together")


def test_requests_that_have_gone(tmp_path: Path) -> None:
    runs = json.loads((saved(tmp_path) / "manifest.json").read_text())["runs"]
    change_manifest(tmp_path, runs=[of | {"requests": "base-0.parquet"} for of in runs])
    with pytest.raises(DsimError, match=r"base-0\.parquet: is missing"):
        load_results(tmp_path).requests()


def test_a_name_that_is_taken_meanwhile_loses_nothing(tmp_path: Path) -> None:
    with pytest.raises(DsimError, match="somebody else wrote there meanwhile; the results are kept in") as caught:
        _write_while_another_does(tmp_path / "out")
    kept = Path(str(caught.value).rpartition(" ")[2])
    assert (kept / "mine").read_text() == "precious"
    assert (tmp_path / "out" / "theirs").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["out", kept.name])


def _write_while_another_does(target: Path) -> None:
    with new_folder(target) as folder:
        (folder / "mine").write_text("precious")
        target.mkdir()
        (target / "theirs").write_text("")

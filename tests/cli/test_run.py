"""`dsim run` as a person and a script meet it: output, exit status, what is left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, tzinfo
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import sim.experiment
from sim.cli import app
from sim.experiment import load_results

ROOT = Path(__file__).resolve().parents[2]
SMALL = """\
scenario: small
run: {duration: 5s, warmup: 1s, replications: 2}
services:
  api: {concurrency: {threads: {workers: 1}}, cpu: exponential(2ms)}
traffic:
  users: {to: api, arrivals: poisson(100/s)}
"""
OVERLOAD = SMALL.replace("100/s", "5000/s").replace("run: {", "run: {max_in_flight: 1000, ")
ENDLESS = SMALL.replace("5s", "100000s")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in an empty folder, which holds `small.yaml` and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["run", *arguments])


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(folder: Path, *arguments: str) -> str:
    """The sentence for bad input, after checking what every refusal has in common."""
    before = entries(folder)
    result = dsim(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert entries(folder) == before
    *sentences, count = result.stderr.splitlines()
    assert count == f"{len(sentences)} mistake{'s' if len(sentences) > 1 else ''}; nothing was run."
    return "\n".join(sentences)


def test_missing_file(folder: Path) -> None:
    assert "no such file" in refused(folder, "missing.yaml")


def test_directory(folder: Path) -> None:
    (folder / "scenarios").mkdir()
    assert "is a directory" in refused(folder, "scenarios")


def test_empty_file(folder: Path) -> None:
    (folder / "empty.yaml").write_text("")
    assert "empty" in refused(folder, "empty.yaml")


def test_binary_file(folder: Path) -> None:
    (folder / "binary.yaml").write_bytes(bytes(range(256)))
    assert refused(folder, "binary.yaml").startswith("binary.yaml:2: byte 129 is not UTF-8")


def test_another_kind_of_text(folder: Path) -> None:
    (folder / "list.yaml").write_text("- just\n- a list\n")
    assert "list.yaml" in refused(folder, "list.yaml")


def test_all_mistakes_of_a_file_at_once(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(SMALL.replace("workers: 1", "workers: 0").replace("to: api", "to: app"))
    assert len(refused(folder, "wrong.yaml").splitlines()) == 2


def test_unknown_variant(folder: Path) -> None:
    assert "other" in refused(folder, "small.yaml", "--variant", "other")


def test_wrong_changes(folder: Path) -> None:
    assert "--set run" in refused(folder, "small.yaml", "--set", "run")
    assert "did you mean duration" in refused(folder, "small.yaml", "--set", "run.duraton=3s")


@pytest.mark.parametrize("option", ["--replications", "--workers"])
def test_no_runs_and_no_workers(folder: Path, option: str) -> None:
    assert "got 0; must be an integer of at least 1" in refused(folder, "small.yaml", option, "0")


def test_plugin_that_fails(folder: Path) -> None:
    (folder / "my_plugin.py").write_text("x = 1\ny = 1 / 0\n")
    assert refused(folder, "small.yaml", "--plugin", "my_plugin.py").startswith("my_plugin.py:2: the plugin failed")
    assert "no such file" in refused(folder, "small.yaml", "--plugin", "missing.py")


def test_results_folder_that_is_taken(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("precious")
    assert "never overwrite" in refused(folder, "small.yaml", "--out", "out")
    assert "is a file" in refused(folder, "small.yaml", "--out", "small.yaml")


def test_unknown_option_and_missing_argument() -> None:
    assert dsim("small.yaml", "--nope").exit_code == 2
    assert dsim().exit_code == 2


def test_summary(folder: Path) -> None:
    result = dsim("small.yaml")
    assert result.exit_code == 0, result.output
    assert "users" in result.stdout
    assert "±" in result.stdout
    assert "\x1b" not in result.stdout
    assert entries(folder) == ["small.yaml"]


def test_options_reach_the_runs() -> None:
    arguments = ("small.yaml", "--json", "--seed", "5", "--replications", "3", "--set", "run.duration=3s")
    document = json.loads(dsim(*arguments).stdout)
    assert document["seed"] == 5
    assert document["variants"]["baseline"]["replications"] == 3
    slow = json.loads(dsim(*arguments, "--set", "traffic.users.arrivals=poisson(50/s)").stdout)
    rates = [d["variants"]["baseline"]["sources"]["users"]["offered_per_s"]["value"] for d in (document, slow)]
    assert rates[1] < 0.7 * rates[0]


def test_same_numbers_whatever_the_workers() -> None:
    one, two = (json.loads(dsim("small.yaml", "--json", "--workers", n).stdout) for n in ("1", "2"))
    assert one["variants"] == two["variants"]


def test_quiet_says_nothing() -> None:
    result = dsim("small.yaml", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_results_on_disk(folder: Path) -> None:
    assert dsim("small.yaml", "--out", "out", "--quiet").exit_code == 0
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["files"] == {"small.yaml": SMALL}
    assert list(load_results(folder / "out").summary().index) == [("baseline", "users")]


def test_recorded_requests_are_kept(folder: Path) -> None:
    assert dsim("small.yaml", "--set", "run.record=all", "--quiet").exit_code == 0
    (kept,) = (folder / "runs").iterdir()
    assert kept.name.startswith("small-")
    assert entries(kept / "requests") == ["baseline-0.parquet", "baseline-1.parquet"]


def test_recorded_runs_of_the_same_second_do_not_meet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        ticks = count()

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2030, 1, 1, 12, 0, 0, next(cls.ticks))

    monkeypatch.setattr("sim.cli.simulate.datetime", Clock)
    for _ in range(2):
        assert f"Results are in {Path('runs')}" in dsim("small.yaml", "--set", "run.record=all").stdout
    assert entries(folder / "runs") == ["small-20300101-120000-000000", "small-20300101-120000-000001"]


def test_overload_is_stopped_and_its_results_kept(folder: Path) -> None:
    (folder / "overload.yaml").write_text(OVERLOAD)
    result = dsim("overload.yaml", "--out", "out")
    assert result.exit_code == 3, result.output
    assert "Unstable: stopped at" in result.stdout
    assert "in flight" in load_results(folder / "out").unstable()["baseline"]
    assert "in flight" in json.loads((folder / "out" / "manifest.json").read_text())["unstable"]["baseline"]


def test_a_broken_rule_is_told_and_exits_with_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate = sim.experiment.run_scenario

    def with_a_violation(*arguments: Any, **options: Any) -> Any:
        results = simulate(*arguments, **options)
        results.runs[1].violations.append("two leaders in term 3: etcd-1 and etcd-2")
        return results

    monkeypatch.setattr(sim.experiment, "run_scenario", with_a_violation)
    (folder / "two.yaml").write_text(SMALL + "variants: {one: {}, two: {}}\n")
    for command in ("run", "compare"):
        result = CliRunner().invoke(app, [command, "two.yaml"])
        assert result.exit_code == 1, result.output
        assert "Violated (one, replication 1): two leaders in term 3: etcd-1 and etcd-2" in result.stdout


def test_a_bug_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.experiment, "run_scenario", lambda *_, **__: 1 / 0)
    result = dsim("small.yaml")
    assert result.exit_code == 70
    assert "ZeroDivisionError" in result.stderr
    assert "This is a bug in dsim" in result.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(folder: Path, workers: str, by: signal.Signals) -> None:
    (folder / "endless.yaml").write_text(ENDLESS)
    command = [sys.executable, "-m", "sim", "run", "endless.yaml", "--workers", workers, "--out", "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".out.partial-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    if by == signal.SIGINT:
        os.killpg(process.pid, by)  # as a terminal does
    else:
        process.send_signal(by)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "Interrupted; nothing was kept."
    assert "Traceback" not in stderr
    assert entries(folder) == ["endless.yaml", "small.yaml"]


@pytest.mark.parametrize("options", [["--quiet", "--json"], []])
def test_a_reader_that_goes_away(options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sim", "run", "small.yaml", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, timeout=60, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_compilation_is_announced_while_it_lasts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.kernel.jit.is_compiled", lambda: False)
    assert "Compiling" not in refused(folder, "small.yaml", "--replications", "0")
    assert "Compiling" not in dsim("small.yaml", "--quiet").output
    assert dsim("small.yaml").stderr == "Compiling the kernel (once; about 10 s) …\n"

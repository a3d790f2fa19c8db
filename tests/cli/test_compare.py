"""`dsim compare` as a person and a script meet it: tables, verdicts, pictures, exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.cli import app

PAIR = """\
scenario: pair
title: One worker or two?
question: How much faster is the second one?
run: {duration: 21s, warmup: 1s, replications: 6}
services:
  api: {concurrency: {threads: {workers: 1}}, cpu: exponential(4ms)}
traffic:
  users: {to: api, arrivals: poisson(200/s)}
variants:
  one: {}
  two: {services: {api: {concurrency: {threads: {workers: 2}}}}}
  slow: {services: {api: {cpu: exponential(4.5ms)}}}
"""
CRASH = PAIR + "failures:\n  api dies: {at: 3s, crash: {instance: api-1}, for: 1s}\n"
PICTURES = ["differences.png", "latency.png"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A folder with pair.yaml and its results, and what the command said."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "pair.yaml").write_text(PAIR)
    return folder, dsim(str(folder / "pair.yaml"), "--out", str(folder / "out"))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pair.yaml").write_text(PAIR)


def dsim(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *arguments])


def refused(*arguments: str) -> str:
    result = dsim(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    sentence, count = result.stderr.splitlines()
    assert count == "1 mistake; nothing was run."
    return sentence


def row_of(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line for word in words))


def test_variants_side_by_side_then_verdicts(stored: tuple[Path, Result]) -> None:
    _, result = stored
    assert result.exit_code == 0, result.output
    head, verdicts = result.stdout.split("Verdicts against one: 6 replications in pairs")
    assert head.startswith("One worker or two?\nHow much faster is the second one?\n")
    assert row_of(head, "one (baseline)", "two", "slow")
    assert row_of(head, "throughput /s").count("±") == 3
    rows = [line.split()[1] for line in head.splitlines() if line.startswith("│")]
    assert rows[:3] == ["throughput", "p99", "availability"]
    assert row_of(verdicts, "better", "two is", "faster at p99 (")
    assert "Exploratory" in verdicts
    assert row_of(verdicts, "two: ", "mean −")
    assert row_of(verdicts, "│ two", "(× ")
    assert "Measured: requests that arrive from 1 to 21 s" in verdicts


def test_pictures_stand_with_the_results(stored: tuple[Path, Result]) -> None:
    folder, result = stored
    assert sorted(path.name for path in (folder / "out" / "plots").iterdir()) == PICTURES
    assert all((folder / "out" / "plots" / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    plots = folder / "out" / "plots"
    assert f"Results are in {folder / 'out'}.\n" in result.stdout
    assert f"Pictures: {plots / 'latency.png'}, {plots / 'differences.png'}.\n" in result.stdout


def test_results_are_compared_without_running_again(
    stored: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, fresh = stored
    monkeypatch.setattr("sim.engine.simulate", None)
    again = dsim(str(folder / "out"))
    assert again.exit_code == 0, again.output
    assert again.stdout == fresh.stdout[: fresh.stdout.index("Pictures:")]


def test_another_baseline_and_chosen_variants(stored: tuple[Path, Result]) -> None:
    out = str(stored[0] / "out")
    text = dsim(out, "--baseline", "two", "--variant", "slow").stdout
    assert "Verdicts against two" in text
    assert "one" not in text.split("Verdicts against two")[1].split("Exploratory")[0].replace("one ", "")
    assert row_of(text, "worse", "slow is", "slower at p99")


def test_the_margin_decides_what_is_equal(stored: tuple[Path, Result]) -> None:
    out = str(stored[0] / "out")
    assert row_of(dsim(out, "--variant", "two").stdout, "better", "two is")
    assert row_of(dsim(out, "--variant", "two", "--margin", "99%").stdout, "equal", "two is")


def test_the_document_holds_every_difference(stored: tuple[Path, Result]) -> None:
    out = stored[0] / "out"
    text = dsim(str(out), "--json", "--plots", "pics").stdout
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    comparison = document["comparison"]
    assert (comparison["baseline"], comparison["replications"]) == ("one", 6)
    metrics = set(document["variants"]["one"]["sources"]["users"])
    assert {(d["variant"], d["metric"]) for d in comparison["differences"]} == {
        (v, m) for v in ("two", "slow") for m in metrics
    }
    p99 = next(d for d in comparison["differences"] if (d["variant"], d["metric"]) == ("two", "latency_p99_s"))
    assert p99["primary"]
    assert p99["verdict"] == "differs"
    assert p99["difference"]["low"] < p99["difference"]["value"] < p99["difference"]["high"] < 0
    assert p99["difference"]["value"] == pytest.approx(p99["other"]["value"] - p99["base"]["value"])
    assert p99["unpaired"]["low"] < p99["unpaired"]["high"]
    assert "faster at p99" in p99["sentence"]
    assert document["pictures"] == ["pics/latency.png", "pics/differences.png"]


def test_faults_have_a_picture_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "crash.yaml").write_text(CRASH)
    result = dsim("crash.yaml", "--variant", "two", "--replications", "2", "--plots", "pics", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert sorted(path.name for path in (tmp_path / "pics").iterdir()) == [*PICTURES, "time.png"]


def test_pictures_are_replaced(stored: tuple[Path, Result], tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "latency.png").write_text("old")
    assert dsim(str(stored[0] / "out"), "--plots", "pics", "--quiet").exit_code == 0
    assert (tmp_path / "pics" / "latency.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "pics").iterdir()) == PICTURES


def test_a_variant_that_stopped_at_a_limit(tmp_path: Path) -> None:
    text = PAIR.replace("run: {", "run: {max_in_flight: 300, ").replace("4.5ms", "40ms")
    (tmp_path / "overload.yaml").write_text(text)
    result = dsim("overload.yaml", "--variant", "slow")
    assert result.exit_code == 3, result.output
    assert "Unstable of slow: stopped at" in result.stdout


def test_one_variant_is_no_comparison(tmp_path: Path) -> None:
    (tmp_path / "single.yaml").write_text(PAIR.partition("variants:")[0])
    assert refused("single.yaml").startswith("single.yaml: has one variant, baseline, and a comparison needs two; add")
    assert "variants: {before: {}" in refused("single.yaml")


def test_names_that_no_variant_has() -> None:
    assert refused("pair.yaml", "--variant", "tow").startswith("--variant: got the unknown variant tow")
    assert "did you mean two" in refused("pair.yaml", "--baseline", "tow")
    assert refused("pair.yaml", "--variant", "one") == (
        "--variant one: is the baseline itself; name another one to compare with it: two, slow"
    )


@pytest.mark.parametrize("margin", ["0.05", "five", "-1%", "100%"])
def test_margins_that_are_none(margin: str) -> None:
    assert refused("pair.yaml", "--margin", margin).startswith(f"--margin: got {margin}")


def test_folders_that_hold_no_results(tmp_path: Path) -> None:
    assert "holds no manifest.json" in refused(str(tmp_path))
    assert "no such file" in refused("missing.yaml")


@pytest.mark.parametrize("option", [("--seed", "3"), ("--replications", "2"), ("--set", "run.seed=2"), ("--out", "x")])
def test_results_are_not_run_again(stored: tuple[Path, Result], option: tuple[str, str]) -> None:
    sentence = refused(str(stored[0] / "out"), *option)
    assert "holds results, which are not run again; leave out --" in sentence
    assert option[0] in sentence


def test_pictures_where_none_can_be(stored: tuple[Path, Result], tmp_path: Path) -> None:
    result = dsim(str(stored[0] / "out"), "--plots", str(tmp_path / "pair.yaml"))
    assert result.exit_code == 2
    assert "pair.yaml: cannot write pictures there" in result.stderr

"""What runs is what the sources say: compiled once, and again after any edit of a kernel, policy or plugin file."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import sim
from sim.kernel import jit

ROOT = Path(__file__).resolve().parents[2]
ANNOUNCEMENT = "Compiling the kernel"
SCENARIO = """
scenario: small
run: {duration: 10s, warmup: 0s, replications: 1}
services:
  api: {instances: 2, cpu: 4ms}
traffic:
  users: {to: api, arrivals: constant(10/s), balance: POLICY}
"""
PLUGIN = """
from sim.balancing import Policy, register

@register
class Always(Policy):
    name = "always"

    def pick(client, view, servers, key):
        return view[0]
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package, a scenario and a plugin, and a cache of its own."""
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    for policy in ("round_robin", "always"):
        (tmp_path / f"{policy}.yaml").write_text(SCENARIO.replace("POLICY", policy))
    (tmp_path / "plugin.py").write_text(PLUGIN)
    return tmp_path


def dsim(folder: Path, policy: str) -> tuple[pd.DataFrame, bool]:
    """What one run of the copy measures of the two instances, and whether it announced a compilation."""
    plugin = ["--plugin", "plugin.py"] if policy == "always" else []
    command = [sys.executable, "-m", "sim", "run", f"{policy}.yaml", "--out", "out", *plugin]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment = clean | {"DSIM_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    scopes = sim.load_results(folder / "out").scopes()
    shutil.rmtree(folder / "out")
    return scopes[scopes["kind"] == "instance"].set_index("name"), ANNOUNCEMENT in done.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} does not say {old!r} once"
    path.write_text(text.replace(old, new))


def test_an_edit_of_the_kernel_a_policy_or_a_plugin_takes_effect(copy: Path) -> None:
    """Two compilations: a cold one, and one after two edits whose effects can be told apart."""
    first, announced = dsim(copy, "round_robin")
    assert announced
    assert first["offered"].tolist() == [50, 50]
    assert first["latency_mean_s"].tolist() == pytest.approx([0.004, 0.004])

    again, announced = dsim(copy, "round_robin")
    assert not announced
    pd.testing.assert_frame_equal(again, first)

    edit(
        copy / "sim" / "kernel" / "processors.py",
        "rate = share / instance.running",
        "rate = 2.0 * share / instance.running",
    )
    edit(copy / "sim" / "balancing" / "round_robin.py", "client.cursor += 1", "client.cursor += 2")
    edited, announced = dsim(copy, "round_robin")
    assert announced
    assert edited["offered"].tolist() == [100, 0]
    assert edited.loc["api-1", "latency_mean_s"] == pytest.approx(0.002)

    users, announced = dsim(copy, "always")
    assert (users["offered"].tolist(), announced) == ([100, 0], False)
    edit(copy / "plugin.py", "view[0]", "view[1]")
    users, announced = dsim(copy, "always")
    assert (users["offered"].tolist(), announced) == ([0, 100], False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, old, new, offered, mean_s",
    [
        ("balancing/round_robin.py", "client.cursor += 1", "client.cursor += 2", [100, 0], 0.004),
        ("steps/cpu.py", "start_burst(S, row, work)", "start_burst(S, row, 3.0 * work)", [50, 50], 0.012),
        ("distributions/sampling.py", None, None, [50, 50], 0.004),
    ],
)
def test_an_edit_of_one_file(
    copy: Path, file: str, old: str | None, new: str, offered: list[int], mean_s: float
) -> None:
    """Each of them alone compiles anew, once. (A comment does too: sources are compared, not their meaning.)"""
    path = copy / "sim" / file
    _, announced = dsim(copy, "round_robin")
    assert announced
    if old is None:
        path.write_text(path.read_text() + "# edited\n")
    else:
        edit(path, old, new)
    for compiled in (True, False):
        edited, announced = dsim(copy, "round_robin")
        assert announced == compiled
        assert edited["offered"].tolist() == offered
        assert edited.loc["api-1", "latency_mean_s"] == pytest.approx(mean_s)


def test_the_key_covers_every_source_of_compiled_code() -> None:
    """Every file that imports Numba, or the decorator of kernel functions, and every file of the policies."""
    covered = set(jit.kernel_sources())
    compiled = {
        path for path in (ROOT / "sim").rglob("*.py") if imports(path) & {"numba", "llvmlite", "sim.kernel.jit.kernel"}
    }
    assert len(compiled) > 20
    assert compiled <= covered
    assert set((ROOT / "sim" / "balancing").glob("*.py")) <= covered


def imports(path: Path) -> set[str]:
    """Modules that a file imports, and the packages that they belong to."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found | {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("number", range(0, len(jit.kernel_sources()), 9))
def test_the_key_changes_with_any_byte(number: int, tmp_path: Path) -> None:
    paths = jit.kernel_sources()
    changed = tmp_path / paths[number].name
    changed.write_bytes(paths[number].read_bytes())
    same = [*paths[:number], changed, *paths[number + 1 :]]
    assert jit.source_key(same) == jit.source_key()
    changed.write_bytes(paths[number].read_bytes() + b" ")
    assert jit.source_key(same) != jit.source_key()
    assert jit.source_key(paths[:number] + paths[number + 1 :]) != jit.source_key()


def test_checked_and_unchecked_indices_have_caches_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = jit.source_key()
    monkeypatch.setattr(jit.numba.config, "BOUNDSCHECK", None if jit.numba.config.BOUNDSCHECK else 1)
    assert jit.source_key() != before

"""Dead modules, banned calls, leftovers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT, imports_of, modules, project_files, python_files, tree_of

BANNED = {
    "random.": "draws come from sim.kernel.draws, keyed by name and position",
    "numpy.random.": "draws come from sim.kernel.draws, keyed by name and position",
    "time.time": "simulated time is env.now; a duration on the wall is time.perf_counter",
    "time.sleep": "nothing in a simulator waits for the wall clock",
    "datetime.datetime.now": "results must not depend on the day",
    "eval": "input is data, never code",
    "os.system": "use subprocess with a list",
}
"""Calls that no file of the package makes, by dotted name or prefix."""

ALLOWED = {
    ("sim/cli/simulate.py", "datetime.datetime.now"),  # names the folder of results
}

BANNED_IN_TESTS = re.compile(r"numpy\.random\.(?!default_rng$|Generator$|SeedSequence$|PCG64$)|random\.(?!Random$)\w+$")
"""Tests draw from generators with a seed of their own, never from global state."""

MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:wo" r"rk|ro" r"ot|ho" r"me|op" r"t|Us" r"ers|m" r"nt)/\w")

ENTRIES = {"sim", "sim.__main__", "sim.cli"}
"""Modules that nobody imports because they are where everything begins."""


def calls_in(path: Path) -> set[str]:
    """Dotted names of everything that a file calls, with imported names resolved."""
    names: dict[str, str] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    calls = {_dotted(node.func, names) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)}
    return {call for call in calls if call}


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id if node.id in ("eval", "exec") else "")
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""


@pytest.mark.parametrize("path", python_files("sim"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_package_makes_no_banned_call(path: Path) -> None:
    here = path.relative_to(ROOT).as_posix()
    for call in sorted(calls_in(path)):
        for banned, why in BANNED.items():
            hit = call.startswith(banned) if banned.endswith(".") else call == banned
            assert not hit or (here, call) in ALLOWED, f"{here} calls {call}: {why}"


@pytest.mark.parametrize("path", python_files("tests", "benchmarks"), ids=lambda p: str(p.relative_to(ROOT)))
def test_tests_use_no_global_random_state(path: Path) -> None:
    hits = sorted(call for call in calls_in(path) if BANNED_IN_TESTS.match(call))
    assert not hits, f"{path.relative_to(ROOT)} calls {', '.join(hits)}; use numpy.random.default_rng(seed)"


def test_exceptions_to_the_bans_are_needed() -> None:
    unused = [(file, call) for file, call in ALLOWED if call not in calls_in(ROOT / file)]
    assert not unused


def test_no_module_is_dead() -> None:
    used = {name for path in modules().values() for name in imports_of(path)}
    packages = {name for name, path in modules().items() if path.name == "__init__.py"}
    used |= {name.rpartition(".")[0] for name in used}
    dead = sorted(set(modules()) - used - packages - ENTRIES)
    assert not dead, f"nothing imports {', '.join(dead)}"


@pytest.mark.parametrize("module, path", sorted(modules().items()))
def test_every_module_says_what_it_is(module: str, path: Path) -> None:
    assert ast.get_docstring(tree_of(path)), f"{module} has no docstring"


def test_no_leftovers() -> None:
    hits = [f"{p.relative_to(ROOT)}: {m.group()}" for p in project_files() for m in MARKS.finditer(p.read_text())]
    assert not hits, "\n".join(hits)


def test_no_file_knows_a_machine() -> None:
    hits = [
        f"{p.relative_to(ROOT)}: {m.group()}" for p in project_files() for m in MACHINE_PATH.finditer(p.read_text())
    ]
    assert not hits, "\n".join(hits)

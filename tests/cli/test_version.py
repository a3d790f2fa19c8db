"""`dsim --version` and `import sim` are light."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import sim

HEAVY = ("numba", "numpy", "pandas", "scipy", "simpy", "matplotlib", "pyarrow", "networkx", "pydantic", "rich.progress")


def loaded_by(code: str) -> tuple[str, set[str]]:
    """What the code prints, and the heavy packages in memory when it ends."""
    script = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules]))\n" + code
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    text, _, loaded = done.stdout.partition("LOADED ")
    return text.strip(), set(ast.literal_eval(loaded))


def test_version_is_printed_without_the_engine() -> None:
    text, loaded = loaded_by("sys.argv = ['dsim', '--version']\nfrom sim.cli import main\nmain()")
    assert text == f"dsim {sim.__version__}"
    assert not loaded


def test_import_costs_nothing() -> None:
    assert loaded_by("import sim") == ("", set())


def test_the_check_sees_what_is_loaded() -> None:
    assert "numba" in loaded_by("import sim.kernel.jit")[1]


def test_a_wrong_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"it offers Results, __version__, explain, .*load, .*run, .*$"):
        _ = sim.lauch

"""Plugins: loaded once, and clear about what is wrong with a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import plugins
from sim.errors import PluginError
from sim.plugins import load_plugin, loaded_plugins


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.setattr(plugins, "_loaded", {})
    yield
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def message_of(path: Path) -> str:
    with pytest.raises(PluginError) as caught:
        load_plugin(path)
    return str(caught.value)


def test_the_module_is_called_like_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, "my_policy.py", "ANSWER = 42\n")
    assert load_plugin(path).ANSWER == 42
    assert sys.modules["my_policy"].__file__ == str(path)
    assert loaded_plugins() == (path,)
    assert [p.name for p in tmp_path.iterdir()] == ["my_policy.py"]


def test_a_second_load_runs_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "my_once.py", "import builtins\nRUNS = []\n")
    assert load_plugin(path) is load_plugin(tmp_path / "." / "my_once.py")
    assert len(loaded_plugins()) == 1


def test_missing_file(tmp_path: Path) -> None:
    assert "there is no such file" in message_of(tmp_path / "my_missing.py")


def test_directory(tmp_path: Path) -> None:
    assert "is a directory" in message_of(tmp_path)


def test_other_suffix(tmp_path: Path) -> None:
    assert "ends in .py" in message_of(written(tmp_path, "my_policy.txt", "x = 1\n"))


def test_syntax_error_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, "my_syntax.py", "x = 1\ndef broken(:\n    pass\n")
    assert message_of(path).startswith(f"{path}:2: not valid Python: ")


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "my_binary.py"
    path.write_bytes(b"\x7fELF\x00\xff\xfe")
    assert str(path) in message_of(path)


def test_exception_at_import_names_the_plugins_own_line(tmp_path: Path) -> None:
    path = written(tmp_path, "my_failing.py", "import json\n\n\ndef read():\n    json.loads('{')\n\n\nread()\n")
    message = message_of(path)
    assert message.startswith(f"{path}:5: the plugin failed at import with JSONDecodeError: ")
    assert "my_failing" not in sys.modules
    assert loaded_plugins() == ()


def test_exit_at_import_does_not_end_the_program(tmp_path: Path) -> None:
    path = written(tmp_path, "my_exit.py", "import sys\nsys.exit(0)\n")
    assert ":2: the plugin failed at import with SystemExit: 0" in message_of(path)


@pytest.mark.parametrize("name", ["random.py", "numpy.py", "sim.py"])
def test_a_name_that_is_taken(tmp_path: Path, name: str) -> None:
    assert "another module is already called" in message_of(written(tmp_path, name, "x = 1\n"))


@pytest.mark.parametrize("name", ["my-policy.py", "2fast.py", "class.py"])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    assert "cannot name a module" in message_of(written(tmp_path, name, "x = 1\n"))

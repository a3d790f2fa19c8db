"""Plugins: a user's Python file, loaded when the command line names it.

A plugin registers balancing policies through `sim.balancing.register` and holds the SimPy behaviours that a scenario
names as `module:function`, where the module is the file's name without `.py`. Nothing is written beside the file.
"""

from __future__ import annotations

import keyword
import sys
import traceback
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from sim.errors import PluginError

_loaded: dict[Path, ModuleType] = {}


def load_plugin(path: str | Path) -> ModuleType:
    """Import the file as the module of its name; a file that is already loaded is not run again.

    Raises: PluginError, with the file and the line, for a file that is missing or that fails at import.
    """
    given = Path(path)
    resolved = given.resolve()
    if resolved in _loaded:
        return _loaded[resolved]
    code = _compile(given, resolved)
    module = _new_module(given, resolved)
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise PluginError(f"{given}:{_line_of(error, resolved)}: the plugin failed at import with {what}") from error
    _loaded[resolved] = module
    return module


def loaded_plugins() -> tuple[Path, ...]:
    """The files loaded so far, in order; other processes must load them too."""
    return tuple(_loaded)


def _compile(given: Path, resolved: Path) -> CodeType:
    if not given.exists():
        raise PluginError(f"--plugin {given}: there is no such file; give the path of a Python file")
    if given.is_dir():
        raise PluginError(f"--plugin {given}: is a directory; give the path of a Python file in it")
    if given.suffix != ".py":
        raise PluginError(f"--plugin {given}: must be a Python file, with a name that ends in .py")
    try:
        return compile(given.read_bytes(), str(resolved), "exec")
    except SyntaxError as error:
        raise PluginError(f"{given}:{error.lineno or 1}: not valid Python: {error.msg}") from error
    except (ValueError, OSError) as error:
        raise PluginError(f"{given}: cannot be read as Python source: {error}") from error


def _new_module(given: Path, resolved: Path) -> ModuleType:
    name = given.stem
    if not name.isidentifier() or keyword.iskeyword(name):
        raise PluginError(f"--plugin {given}: {name!r} cannot name a module; rename the file to letters, digits and _")
    if _is_taken(name, resolved):
        raise PluginError(f"--plugin {given}: another module is already called {name!r}; rename the file")
    spec = spec_from_file_location(name, resolved)
    assert spec is not None
    return module_from_spec(spec)


def _is_taken(name: str, resolved: Path) -> bool:
    if name in sys.modules or name in sys.stdlib_module_names:
        return True
    found = PathFinder.find_spec(name)
    return found is not None and found.origin is not None and Path(found.origin).resolve() != resolved


def _line_of(error: BaseException, resolved: Path) -> int:
    """The last line of the plugin itself that the error went through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(resolved)]
    return (lines or [1])[-1] or 1
